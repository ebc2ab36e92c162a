"""The page behind signed links, by which people decide; there is none where no service's configuration wants links."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secrets
from cdk_nag import NagSuppressions
from constructs import Construct

from responder.model.service import Service
from stacks.function import Function
from stacks.records import Records
from stacks.room import reserved


class Approvals(Construct):
    """A Function URL without IAM: what it takes is a link that the responder has signed."""

    def __init__(self, scope: Construct, construct_id: str, *, prefix: str, services: Sequence[Service],
                 code: lambda_.Code, records: Records) -> None:
        super().__init__(scope, construct_id)
        self.roles: tuple[iam.Role, ...] = ()
        self._url: lambda_.FunctionUrl | None = None
        self.url = ""
        self._name = f"{prefix}/approval-key"
        if not any(service.approval.links for service in services):
            return
        self._key = secrets.Secret(
            self, "Key", secret_name=self._name, description="Signs the links by which people decide",
            encryption_key=records.key, removal_policy=RemovalPolicy.DESTROY,
            generate_secret_string=secrets.SecretStringGenerator(password_length=48, exclude_punctuation=True))
        NagSuppressions.add_resource_suppressions(self._key, [
            {"id": "AwsSolutions-SMG4", "reason": "A new key makes every link that is out invalid; who wants that "
                                                  "puts a new value, and no schedule should do it in an outage."}])
        page = Function(
            self, "Page", name=f"{prefix}-approve", code=code, handler="responder.handlers.approve.handler",
            description="The page on which people decide",
            environment={"TABLE": records.table.table_name, "APPROVAL_KEY": self._name},
            secrets=sorted({service.slack.signing_secret for service in services
                            if service.slack and service.slack.signing_secret}),
            reserved=reserved(self, "page"))
        self._key.grant_read(page.role)
        records.grant_partition(page.role, "TASK#*", change=True)
        # It adds what was decided to the timeline, and changes nothing of an incident.
        records.grant_partition(page.role, "INCIDENT#*", add=True)
        # It adds both permissions that a URL needs since October 2025: InvokeFunctionUrl, and InvokeFunction by it.
        self._url = page.function.add_function_url(auth_type=lambda_.FunctionUrlAuthType.NONE)
        self.roles = (page.role,)
        self.url = self._url.url

    def grant_links(self, function: Function) -> None:
        """Let a function make links."""
        if self._url is None:
            return
        function.function.add_environment("APPROVAL_URL", self._url.url)
        function.function.add_environment("APPROVAL_KEY", self._name)
        self._key.grant_read(function.role)
