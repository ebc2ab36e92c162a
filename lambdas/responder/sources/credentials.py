"""When the certificates, keys and tokens that the configuration names come to an end.

AWS Certificate Manager is asked for those that are there, for it stops its metric DaysToExpiry once one has expired
(AWS CDK: "ICertificate"). Of the others the configuration says it: no secret is read. Format: AWS Certificate Manager's
API reference, "DescribeCertificate" and "CertificateDetail" (``NotAfter``, ``RevokedAt``).
"""

from __future__ import annotations

from collections import defaultdict

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.evidence import Finding
from responder.model.evidence.credential_end import CredentialEnd, End
from responder.model.moment import epoch
from responder.model.service import Credential, Service
from responder.sources import Budget, Query, Source, Statement, of_account

_DAY_SECONDS = 86_400.0


def collect(query: Query) -> list[Finding[CredentialEnd]]:
    """Return ``credential_end`` per target, with ``component`` a component's name, ``database`` or ``provider:NAME``.
    """
    by_target: dict[str, list[Credential]] = defaultdict(list)
    for credential in query.service.credentials:
        by_target[query.service.target(credential.target)].append(credential)
    return [_finding(query, target, found) for target, found in sorted(by_target.items())]


def _finding(query: Query, target: str, credentials: list[Credential]) -> Finding[CredentialEnd]:
    ends: list[End] = []
    notes: list[str] = []
    failed: CallFailed | None = None
    for credential in credentials:
        try:
            end = _end(credential)
        except CallFailed as error:
            failed = error
            notes.append(f"{credential.name}: {error.note}")
            continue
        if end is None:
            notes.append(f"nobody knows when the {credential.name} ends")
        else:
            ends.append(end)
    first = min((end.at for end in ends), default=None)
    asked = next((credential.arn for credential in credentials if credential.arn), "")
    status = "ok" if not failed else "partial" if ends else failed.status
    return Finding(
        source=SOURCE.name, component=target, status=status if ends or failed else "empty", window=query.window,
        unit="days left", value=None if first is None else round((first - query.window.end) / _DAY_SECONDS, 2),
        note="; ".join(notes), detail=CredentialEnd(tuple(ends)),
        query=f"aws acm describe-certificate --certificate-arn {asked}" if asked else "")


def _end(credential: Credential) -> End | None:
    """Return when one ends; None where nobody knows. Raises CallFailed."""
    if not credential.arn:
        at = epoch(credential.expires) if credential.expires else None
        return None if at is None else End(credential.name, at)
    # An ARN names its Region.
    client = aws.client("acm", region=credential.arn.split(":")[3])
    with aws.failures("AWS Certificate Manager"):
        detail = client.describe_certificate(CertificateArn=credential.arn)["Certificate"]
    # A certificate that is not issued yet has no end.
    at = detail.get("RevokedAt") or detail.get("NotAfter")
    return End(credential.name, at.timestamp()) if at else None


def _statements(service: Service) -> tuple[Statement, ...]:
    arns = tuple(sorted({credential.arn for credential in service.credentials if credential.arn}))
    return (Statement(("acm:DescribeCertificate",), arns),) if arns else ()


SOURCE = Source(
    name="credentials",
    phases=frozenset({"diagnose"}),
    collect=collect,
    configured=lambda service: bool(service.credentials),
    statements=_statements,
    past=False,
    budget=Budget(
        "ACM DescribeCertificate", 5.0, 1.0, "10 calls a second in an account and a Region (AWS: Quotas, "
        "AWS Certificate Manager)", 10.0, a_look=lambda query: len(query.service.credentials), scope=of_account),
)
