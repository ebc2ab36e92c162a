"""Whether the bucket for reports is there, keeps versions, is closed to the public and forgets raw answers.

Source: the S3 API Reference's pages "GetBucketVersioning", "GetPublicAccessBlock", "GetBucketLifecycleConfiguration".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from cli.doctor.account import Account, code_of, is_missing
from cli.doctor.model import Check, Probe, broken, well
from cli.doctor.surroundings import Surroundings, attempted

_ABSENT = ("NoSuchPublicAccessBlockConfiguration", "NoSuchLifecycleConfiguration",
           "ServerSideEncryptionConfigurationNotFoundError")
_AGAIN = "deploy again: make deploy"


def _look(here: Surroundings) -> Iterable[Check]:
    account, bucket = here.account, here.account.stack.output("Reports")
    client = account.client("s3")
    with account.asking("s3"):
        try:
            client.head_bucket(Bucket=bucket)
        except ClientError as error:
            if not is_missing(error):
                raise
            yield broken(f"bucket {bucket}", "it is gone: no report can be written", "deploy the stack anew")
            return
    looks: dict[str, Callable[[], Iterable[Check]]] = {
        "versions": lambda: [of_versions(bucket, client.get_bucket_versioning(Bucket=bucket))],
        "public access": lambda: [of_access(bucket, _asked(lambda: client.get_public_access_block(
            Bucket=bucket)["PublicAccessBlockConfiguration"]))],
        "lifecycle": lambda: of_lifecycle(bucket, _asked(lambda: client.get_bucket_lifecycle_configuration(
            Bucket=bucket)))}
    for name, look in looks.items():
        yield from attempted(f"bucket {bucket}: {name}", partial(_allowed, account, look))


def _allowed(account: Account, look: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    with account.asking("s3"):
        yield from look()


def _asked(ask: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return an answer; an empty one where S3 says that nothing is configured."""
    try:
        return ask()
    except ClientError as error:
        if code_of(error) not in _ABSENT:
            raise
        return {}


def of_versions(bucket: str, found: Mapping[str, Any]) -> Check:
    """Judge what GetBucketVersioning says."""
    if found.get("Status") == "Enabled":
        return well(f"bucket {bucket}: versions", "kept")
    return broken(f"bucket {bucket}: versions", "they are not kept: a report that is overwritten is lost",
                  f"aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled")


def of_access(bucket: str, found: Mapping[str, Any]) -> Check:
    """Judge what GetPublicAccessBlock says."""
    open_to = sorted(name for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy",
                                       "RestrictPublicBuckets") if not found.get(name))
    if not open_to:
        return well(f"bucket {bucket}: public access", "blocked")
    return broken(f"bucket {bucket}: public access", f"it is not blocked ({', '.join(open_to)} off)",
                  f"aws s3api put-public-access-block --bucket {bucket} --public-access-block-configuration "
                  "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true")


def of_lifecycle(bucket: str, found: Mapping[str, Any]) -> Iterator[Check]:
    """Judge what GetBucketLifecycleConfiguration says."""
    ends = {_prefix(rule): rule["Expiration"].get("Days") for rule in found.get("Rules", [])
            if rule.get("Status") == "Enabled" and rule.get("Expiration")}
    subject = f"bucket {bucket}: lifecycle"
    if "raw/" in ends:
        yield well(subject, f"the systems' unchanged answers (raw/) are deleted after {ends['raw/']} days")
    else:
        yield broken(subject, "no rule deletes the systems' unchanged answers (raw/)", _AGAIN)


def _prefix(rule: Mapping[str, Any]) -> str:
    where = rule.get("Filter", {})
    return str(rule.get("Prefix") or where.get("Prefix") or where.get("And", {}).get("Prefix") or "")


PROBE = Probe("reports", "the bucket for reports", _look, (
    "s3:ListBucket", "s3:GetBucketVersioning", "s3:GetBucketPublicAccessBlock", "s3:GetLifecycleConfiguration"))
