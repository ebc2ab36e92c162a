"""The storage: the timeline table, the report bucket, the incident topic, and their encryption key."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from cdk_nag import NagSuppressions
from constructs import Construct

from responder.plan.fitting import FOLDER
from responder.plan.review.live import LIVE_TAGS
from stacks.deployment import Settings
from stacks.function import Function
from stacks.versions import KEPT

_PAGES = "postmortems/*/postmortem.html"


class Records(Construct):
    """The timeline table, the report bucket and the incident topic."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, emails: Sequence[str],
                 locked: bool = False) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(self, "Key", description="Incident records and messages", enable_key_rotation=True,
                           removal_policy=KEPT)
        # CloudWatch publishes the alarms on the responder itself, and needs the key for that.
        self.key.add_to_resource_policy(iam.PolicyStatement(
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["kms:Decrypt", "kms:GenerateDataKey*"], resources=["*"], conditions=_own_alarms()))
        self.table = dynamodb.TableV2(
            self, "Timeline",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing=dynamodb.Billing.on_demand(), time_to_live_attribute="expires",
            encryption=dynamodb.TableEncryptionV2.customer_managed_key(self.key),
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True),
            # Its reader (stacks/live.py) asks the table for the rest.
            dynamo_stream=dynamodb.StreamViewType.KEYS_ONLY,
            # Kept even by a deployment that failed, because its protection would make the rollback fail as well.
            deletion_protection=True, removal_policy=RemovalPolicy.RETAIN)
        self.access_logs = s3.Bucket(
            self, "AccessLogs", encryption=s3.BucketEncryption.S3_MANAGED, enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL, object_ownership=s3.ObjectOwnership.OBJECT_WRITER,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(400))], removal_policy=KEPT)
        self.bucket = s3.Bucket(
            self, "Reports", encryption=s3.BucketEncryption.KMS, encryption_key=self.key, bucket_key_enabled=True,
            versioned=True, object_lock_enabled=True if locked else None, enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            server_access_logs_bucket=self.access_logs, server_access_logs_prefix="reports/",
            lifecycle_rules=[
                s3.LifecycleRule(noncurrent_version_expiration=Duration.days(400)),
                # Of overlapping rules the shorter time holds (S3 User Guide: "Lifecycle configuration conflicts").
                s3.LifecycleRule(prefix="postmortems/", tag_filters=dict([LIVE_TAGS.split("=")]),
                                 noncurrent_version_expiration=Duration.days(1)),
                # The systems' unchanged answers are useful while the postmortem is being written.
                s3.LifecycleRule(prefix="raw/", expiration=Duration.days(30),
                                 noncurrent_version_expiration=Duration.days(1)),
                # A failed execution can be redriven for 14 days (Step Functions: "Restarting state machine executions
                # with redrive"), and then reads them again.
                s3.LifecycleRule(prefix=f"{FOLDER}/", expiration=Duration.days(15),
                                 noncurrent_version_expiration=Duration.days(1))],
            removal_policy=KEPT)
        self.marks = secrets.Secret(
            self, "MarkKey", description="Makes the marks by which a hidden value is seen to have changed",
            encryption_key=self.key, removal_policy=RemovalPolicy.DESTROY,
            generate_secret_string=secrets.SecretStringGenerator(password_length=48, exclude_punctuation=True))
        NagSuppressions.add_resource_suppressions(self.marks, [
            {"id": "AwsSolutions-SMG4", "reason": "With a new key the ledger cannot tell for one look whether hidden "
                                                  "values changed; no schedule should do that in an outage."}])
        self.topic = sns.Topic(self, "Incidents", display_name="Incidents", master_key=self.key, enforce_ssl=True)
        self.topic.add_to_resource_policy(iam.PolicyStatement(
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")], actions=["sns:Publish"],
            resources=[self.topic.topic_arn], conditions=_own_alarms()))
        for email in emails:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))

    def grant_marks(self, function: Function) -> None:
        """Let a function mark the values that it hides, so that a changed hidden value is recognised."""
        function.function.add_environment("MARK_KEY", self.marks.secret_arn)
        self.grant_secret(function.role, self.marks)

    def grant_secret(self, role: iam.IRole, secret: secrets.ISecret) -> None:
        """Let a role read a secret that is under the key; CDK's ``grant_read`` would let it describe it as well."""
        role.add_to_principal_policy(iam.PolicyStatement(
            actions=["secretsmanager:GetSecretValue"], resources=[secret.secret_arn]))
        self.key.grant_decrypt(role)

    def grant_put(self, role: iam.IRole, keys: str) -> None:
        """Let a role write the objects whose keys match; CDK's ``grant_put`` would let it tag and lock them as well.

        Source: the S3 User Guide's page "Protecting data with SSE-KMS" (kms:GenerateDataKey).
        """
        role.add_to_principal_policy(iam.PolicyStatement(
            actions=["s3:PutObject"], resources=[self.bucket.arn_for_objects(keys)]))
        role.add_to_principal_policy(iam.PolicyStatement(
            actions=["kms:GenerateDataKey"], resources=[self.key.key_arn]))

    def grant_notes(self, role: iam.IRole, *, locked: bool) -> None:
        """Let a role read people's reviews beside a report, and the stored page, and lock reports where configured."""
        role.add_to_principal_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[
            self.bucket.arn_for_objects("postmortems/*/review.md"), self.bucket.arn_for_objects(_PAGES)]))
        self.key.grant_decrypt(role)
        if locked:
            role.add_to_principal_policy(iam.PolicyStatement(
                actions=["s3:PutObjectRetention"], resources=[self.bucket.arn_for_objects("postmortems/*")]))
        NagSuppressions.add_resource_suppressions(role, [
            {"id": "AwsSolutions-IAM5",
             "appliesTo": [{"regex": "/^Resource::<Records.*>/postmortems/\\*(/(review.md|postmortem.html))?$/g"}],
             "reason": "Which incidents there will be is not known before; only what people write beside a report, and "
                       "its page."}],
            apply_to_children=True)

    def grant_answers(self, role: iam.IRole) -> None:
        """Let a role read the sources' findings that are too large to travel between states."""
        role.add_to_principal_policy(iam.PolicyStatement(
            actions=["s3:GetObject"], resources=[self.bucket.arn_for_objects(f"{FOLDER}/*")]))
        self.key.grant_decrypt(role)
        NagSuppressions.add_resource_suppressions(role, [
            {"id": "AwsSolutions-IAM5", "appliesTo": [{"regex": f"/^Resource::<Records.*>/{FOLDER}/\\*$/g"}],
             "reason": "It decides from what all sources found; which answers there will be is not known before."}],
            apply_to_children=True)

    def grant_pages(self, role: iam.IRole) -> None:
        """Let a role write the page of an incident, and compare it with the stored one, and touch nothing beside it."""
        role.add_to_principal_policy(iam.PolicyStatement(
            actions=["s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"],
            resources=[self.bucket.arn_for_objects(_PAGES)]))
        self.grant_writing(role)
        NagSuppressions.add_resource_suppressions(role, [
            {"id": "AwsSolutions-IAM5",
             "appliesTo": [{"regex": "/^Resource::<Records.*>/postmortems/\\*/postmortem.html$/g"}],
             "reason": "Which incidents there will be is not known before; of each only its page."}],
            apply_to_children=True)

    def grant_partition(self, role: iam.IRole, *leading_keys: str, write: bool = False, change: bool = False,
                        add: bool = False, delete: bool = False, attributes: Sequence[str] = ()) -> None:
        """Let a role read partitions of the table, named or by a pattern; or write, change, add or delete items there.

        ``write`` adds and deletes whole items, ``change`` updates existing ones. With ``attributes`` (names or
        patterns) it may change no others. Source: AWS's page "Using IAM policy conditions for fine-grained access
        control" (condition keys dynamodb:LeadingKeys and dynamodb:Attributes, of top-level attributes).
        """
        actions = ["dynamodb:Query", "dynamodb:GetItem"] + (
            ["dynamodb:PutItem", "dynamodb:DeleteItem"] if write else
            [*(["dynamodb:PutItem"] if add else []), *(["dynamodb:DeleteItem"] if delete else [])])
        keys = {"dynamodb:LeadingKeys": list(leading_keys)}

        def allow(allowed: Sequence[str], names: Sequence[str] = ()) -> None:
            role.add_to_principal_policy(iam.PolicyStatement(
                actions=list(allowed), resources=[self.table.table_arn], conditions={
                    "ForAllValues:StringLike": keys | ({"dynamodb:Attributes": list(names)} if names else {})}))

        allow([*actions, *(["dynamodb:UpdateItem"] if change and not attributes else [])])
        if change and attributes:
            allow(["dynamodb:UpdateItem"], ["pk", "sk", *attributes])
        if write or change or add or delete:
            self.grant_writing(role)
        else:
            self.key.grant_decrypt(role)

    def grant_budget(self, role: iam.Role, source: str) -> None:
        """Let a source's function take its turns, by updates alone."""
        role.add_to_policy(iam.PolicyStatement(
            actions=["dynamodb:UpdateItem"], resources=[self.table.table_arn],
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"BUDGET#{source}#*"]}}))
        self.grant_writing(role)

    def grant_writing(self, role: iam.IRole) -> None:
        """Let a role use the key for its writes."""
        self.key.grant_encrypt_decrypt(role)
        NagSuppressions.add_resource_suppressions(role, [
            {"id": "AwsSolutions-IAM5", "appliesTo": ["Action::kms:GenerateDataKey*", "Action::kms:ReEncrypt*"],
             "reason": "The two forms of one permission on one key, as CDK grants it for the table."}],
            apply_to_children=True)


def _own_alarms() -> dict[str, dict[str, str]]:
    """Return the conditions that limit CloudWatch to alarms of this account.

    Source: AWS's page "Example cases for Amazon SNS access control", "Publish to a topic with CloudWatch alarms".
    CloudFormation names the alarms on the responder itself.
    """
    alarms = f"arn:{Aws.PARTITION}:cloudwatch:{Aws.REGION}:{Aws.ACCOUNT_ID}:alarm:*"
    return {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}, "ArnLike": {"aws:SourceArn": alarms}}
