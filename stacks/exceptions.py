"""What rule packs find in the template and what stays so, each with its reason.

``make packs`` runs cdk-nag's PCI DSS pack and checkov, and fails on a finding without an exception and on an exception
that no finding needs. The suppressions of cdk-nag's AwsSolutions stand beside the resources, because its report takes
them from there; cfn-lint has none. The rules: checkov's policy index, cdk-nag's page "PCI DSS 3.2.1".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """What a pack says of one resource."""

    rule: str
    resource: str
    """``TYPE.LOGICAL_ID`` with checkov; the construct's path with cdk-nag."""


@dataclass(frozen=True)
class Exempt:
    """A rule that does not hold for some resources."""

    rule: str
    resources: str
    """A regular expression that a whole resource matches."""
    reason: str
    setting: str = ""
    """The setting of ``deployment.yaml`` or of a service by which it holds; empty: there is none."""

    def covers(self, finding: Finding) -> bool:
        """Whether it is of this finding."""
        return self.rule == finding.rule and bool(re.fullmatch(self.resources, finding.resource))


_OWN_KEY = ("AWS encrypts it with a key of its own. The content is masked before it is written, and each reader would "
            "need a right to the deployment's key")
_SYNCHRONOUS = ("Step Functions, a URL or a stream invokes it and sees its failure; a queue takes only what was "
                "invoked asynchronously. Those that are (tell, health) have one by their own settings, and the ledger "
                "looks again a minute later")
_NETWORK = "it speaks to AWS and to vendors on the internet alone, unless the configuration puts it into a network"
_CONCURRENCY = ("what is reserved is taken from all others of the account; stacks/room.py reserves for what must not "
                "wait, and limits what anybody can call")
_PUBLIC = ("people open it from a message, without AWS; it takes only links that the responder signed, and requests "
           "that Slack signed")
_INLINE = ("each function's rights are its own; as a managed policy they could be attached elsewhere (IAM User Guide: "
           "\"Choose between managed policies and inline policies\", strict one-to-one relationship)")

EXCEPTIONS: tuple[Exempt, ...] = (
    Exempt("CKV_AWS_158", r"AWS::Logs::LogGroup\..*", _OWN_KEY, "keys.logs"),
    Exempt("CKV_AWS_173", r"AWS::Lambda::Function\..*",
           "the variables are names and addresses; secrets are read from Secrets Manager", "keys.environment"),
    Exempt("CKV_AWS_27", r"AWS::SQS::Queue\..*", _OWN_KEY, "keys.queues"),
    Exempt("CKV_AWS_116", r"AWS::Lambda::Function\..*", _SYNCHRONOUS),
    Exempt("CKV_AWS_117", r"AWS::Lambda::Function\..*", _NETWORK, "network.functions"),
    Exempt("CKV_AWS_115", r"AWS::Lambda::Function\..*", _CONCURRENCY, "reserved_concurrency"),
    Exempt("CKV_AWS_18", r"AWS::S3::Bucket\.RecordsAccessLogs.*", "a log of the access logs would grow by itself"),
    Exempt("CKV_AWS_21", r"AWS::S3::Bucket\.RecordsAccessLogs.*", "nothing overwrites an access log"),
    Exempt("CKV_AWS_258", r"AWS::Lambda::Url\.WorkflowApprovalsPage.*", _PUBLIC, "approval.links"),
    Exempt("PCI.DSS.321-LambdaFunctionPublicAccessProhibited", r".*/Approvals/Page/.*", _PUBLIC, "approval.links"),
    Exempt("PCI.DSS.321-IAMPolicyNoStatementsWithFullAccess", r".*/StepDecide/.*",
           "no action there is a pattern; the rule takes the end of the executions' ARNs (:*) for one"),
    Exempt("PCI.DSS.321-IAMNoInlinePolicy", r".*", _INLINE),
    Exempt("PCI.DSS.321-CloudWatchLogGroupEncrypted", r".*", _OWN_KEY, "keys.logs"),
    Exempt("PCI.DSS.321-LambdaInsideVPC", r".*", _NETWORK, "network.functions"),
    Exempt("PCI.DSS.321-S3BucketReplicationEnabled", r".*",
           "reports are versioned and can be locked; whether they must outlive a Region is their owner's to say",
           "object_lock"),
    Exempt("PCI.DSS.321-S3DefaultEncryptionKMS", r".*AccessLogs.*",
           "S3 writes access logs only to a bucket that S3's own keys encrypt (S3 User Guide: \"Enabling Amazon S3 "
           "server access logging\")"),
    Exempt("PCI.DSS.321-S3BucketVersioningEnabled", r".*AccessLogs.*", "nothing overwrites an access log"),
)


def unexplained(findings: Iterable[Finding], exceptions: Sequence[Exempt] = EXCEPTIONS) -> list[Finding]:
    """Return the findings that no exception covers."""
    return sorted(finding for finding in set(findings) if not any(one.covers(finding) for one in exceptions))


def surplus(findings: Iterable[Finding], exceptions: Sequence[Exempt] = EXCEPTIONS) -> list[Exempt]:
    """Return the exceptions that cover no finding any more."""
    found = set(findings)
    return [one for one in exceptions if not any(one.covers(finding) for finding in found)]
