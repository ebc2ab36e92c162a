"""The channels for people's answers: a page behind signed links and Slack's buttons, and a URL that IAM protects.

Sources: AWS's pages "Control access to Lambda function URLs" (both permissions that a caller needs since October 2025,
with their condition keys) and "Amazon SNS subscription filter policies".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from cdk_nag import NagSuppressions
from constructs import Construct

from responder.model.service import Service
from stacks.deployment import Settings
from stacks.function import Function
from stacks.records import Records
from stacks.room import reserved
from stacks.versions import live_function


class Approvals(Construct):
    """The functions that take answers, and the topic for questions to single persons."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, services: Sequence[Service],
                 code: lambda_.Code, records: Records) -> None:
        super().__init__(scope, construct_id)
        self._prefix, self._code, self._records = settings.prefix, code, records
        self._key_name = f"{settings.prefix}/approval-key"
        self._key = self._made_key() if any(service.approval.links != "none" for service in services) else None
        self.topic = self._topic_of(services)
        """Its only subscriptions are those of single people, each of what is theirs; None where nobody has an e-mail
        address."""
        self.answer = self._taker("Answer", "answer", "Takes answers from whom IAM lets call it, and knows who it was")
        self._answer_live = live_function(self.answer, self.answer.function)
        self._answer_url = self._answer_live.add_function_url(
            auth_type=lambda_.FunctionUrlAuthType.AWS_IAM)
        self.answer_url = self._answer_url.url
        self.page: Function | None = None
        self._page_url: lambda_.FunctionUrl | None = None
        signing = sorted({service.slack.signing_secret for service in services
                          if service.slack and service.slack.signing_secret})
        if self._key or signing:
            self.page = self._taker("Page", "approve", "The page on which people decide, and Slack's buttons", signing,
                                    {"ANSWER_URL": self.answer_url, "BUCKET": self._records.bucket.bucket_name,
                                     **({"APPROVAL_KEY": self._key_name} if self._key else {})})
            if self._key:
                self._records.grant_secret(self.page.role, self._key)
            # Anybody may call it; it accepts only links that the responder signed and requests that Slack signed.
            self._page_url = live_function(self.page, self.page.function).add_function_url(
                auth_type=lambda_.FunctionUrlAuthType.NONE)
        self.url = self._page_url.url if self._page_url else ""
        self.takers: tuple[Function, ...] = (self.answer, *([self.page] if self.page else []))
        """The functions that write answers; they resume the state machine and record the decision."""
        self._approver()

    def grant_asking(self, function: Function) -> None:
        """Let a function ask people: give it the addresses for answers, the links' key, and the topic."""
        function.function.add_environment("ANSWER_URL", self.answer_url)
        if self._key and self._page_url:
            function.function.add_environment("APPROVAL_URL", self._page_url.url)
            function.function.add_environment("APPROVAL_KEY", self._key_name)
            self._records.grant_secret(function.role, self._key)
        if self.topic:
            function.function.add_environment("APPROVALS_TOPIC", self.topic.topic_arn)
            self.topic.grant_publish(function.role)

    def _made_key(self) -> secrets.Secret:
        key = secrets.Secret(
            self, "Key", secret_name=self._key_name, description="Seals the links by which people decide",
            encryption_key=self._records.key, removal_policy=RemovalPolicy.DESTROY,
            generate_secret_string=secrets.SecretStringGenerator(password_length=48, exclude_punctuation=True))
        NagSuppressions.add_resource_suppressions(key, [
            {"id": "AwsSolutions-SMG4", "reason": "A new key makes every link that is out invalid; who wants that "
                                                  "puts a new value, and no schedule should do it in an outage."}])
        return key

    def _topic_of(self, services: Sequence[Service]) -> sns.Topic | None:
        emails = sorted({person.email for service in services for person in service.team if person.email})
        if not emails:
            return None
        topic = sns.Topic(self, "Topic", display_name="Approvals", master_key=self._records.key, enforce_ssl=True)
        for email in emails:
            topic.add_subscription(subscriptions.EmailSubscription(email, filter_policy={
                "person": sns.SubscriptionFilter.string_filter(allowlist=[email])}))
        return topic

    def _taker(self, construct_id: str, module: str, description: str, signing: Sequence[str] = (),
               environment: Mapping[str, str] | None = None) -> Function:
        """A function that takes answers: it may read questions and write answers, and nothing else."""
        taker = Function(
            self, construct_id, name=f"{self._prefix}-{module}", code=self._code,
            handler=f"responder.handlers.{module}.handler", description=description,
            environment={"TABLE": self._records.table.table_name, **(environment or {})}, secrets=signing,
            reserved=reserved(self, construct_id.lower()))
        for partition in ("TASK#*", "INCIDENT#*", "REMEDY#*"):
            self._records.grant_partition(taker.role, partition)
        self._records.grant_partition(taker.role, "ANSWER#*", change=True)
        return taker

    def _approver(self) -> None:
        """The policy for people who may answer by IAM: it allows this one function, only by its URL.

        A caller who invokes the function directly could write anybody's name into the event.
        """
        arn = self._answer_live.function_arn  # the URL is the alias's
        iam.ManagedPolicy(
            self, "Approver", managed_policy_name=f"{self._prefix}-approver",
            description="May answer the questions of the incident responder; may not start it", statements=[
                iam.PolicyStatement(actions=["lambda:InvokeFunctionUrl"], resources=[arn], conditions={
                    "StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}),
                iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[arn], conditions={
                    "Bool": {"lambda:InvokedViaFunctionUrl": "true"}})])
