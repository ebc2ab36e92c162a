"""Who is to be called with what, where the responder has no remedy and none would be right."""

from __future__ import annotations

from collections.abc import Mapping

from responder.model.evidence.approvals import Approvals
from responder.model.evidence.calls import Calls
from responder.model.evidence.error_signatures import ErrorSignatures
from responder.model.service import Credential, CredentialKind
from responder.plan.declines import Fall, explain, name_of
from responder.plan.error_kind import ErrorKind
from responder.plan.kinds import kind_of
from responder.plan.remedies import Considered
from responder.plan.signals.credentials import ends
from responder.plan.wording import count, exact_stamp, listed, share


def who_declines(considered: Considered) -> str:
    """Say who stands behind the payments that are declined, and what they are to be told; empty where nobody is known.
    """
    payments = considered.service.payments
    falls = [fall for finding in considered.evidence.of(Approvals, considered.component)
             if (fall := explain(finding.detail.tables)) and fall.part]
    if payments is None or not falls:
        return ""
    fall = max(falls, key=lambda one: one.payments)
    parties = listed(list(dict.fromkeys(payments.party(attribute) for attribute, _ in _values(fall))))
    since = f" since {exact_stamp(considered.onset)}" if considered.onset else ""
    alike = f" (or {' or '.join(map(name_of, fall.alike))}: these payments are the same)" if fall.alike else ""
    part = fall.part
    return (f"call {parties}: {count(part.declined)} of {count(part.payments)} payments with {part.name}{alike} were "
            f"declined{since}, {share(part.expected / part.payments)} usually are, and the others are approved as usual"
            ". Ask since when they see it, and when it will be over") if part else ""


def _values(fall: Fall) -> tuple[tuple[str, str], ...]:
    return fall.part.values if fall.part else ()


_KINDS: Mapping[ErrorKind, tuple[CredentialKind, ...]] = {
    ErrorKind.TLS: ("certificate", "authority"), ErrorKind.CREDENTIALS: ("key", "certificate"),
    ErrorKind.RATE_LIMIT: ()}
"""What a provider refuses us by, to the kinds of what we show or trust that it may be about, the likelier first."""


def who_is_refused(considered: Considered) -> str:
    """Say who renews what a provider refuses, where it is and when it ended; whom to ask for more requests."""
    counts = _refused(considered)
    kind = max(counts, key=lambda one: (counts[one], one.value), default=None)
    provider = considered.provider
    if kind is None or not provider:
        return ""
    if kind is ErrorKind.RATE_LIMIT:
        return (f"call the support of {provider} for a higher limit of requests, and send fewer: repeat no call at "
                f"once, and put off what can wait. It refused {count(counts[kind])} of our last calls as too many, and "
                "serves others")
    over = {end.name: end.at for end in ends(considered.evidence, considered.where)}
    mine = [one for one in considered.service.credentials
            if considered.service.target(one.target) == considered.where and one.kind in _KINDS[kind]]
    # Whose certificate TLS does not accept its errors do not always say; a key is likelier than a certificate else.
    by_kind = [[one for one in mine if one.kind == name] for name in _KINDS[kind]]
    likely = mine if kind is ErrorKind.TLS else next((found for found in by_kind if found), [])
    blamed = [one for one in mine if one.name in over] or likely
    what = " or ".join(_placed(one, over.get(one.name)) for one in blamed)
    owners = listed(list(dict.fromkeys(one.owner for one in blamed if one.owner))) or "who renews it"
    return (f"call {owners}: {provider} refuses {what or _OURS[kind]}. Renew it, put it there, and restart what "
            f"reads it only at its start; {provider} itself is well, so another provider or a rollback mends nothing")


_OURS = {ErrorKind.TLS: "our side of TLS (a client certificate, or an authority that we trust)",
         ErrorKind.CREDENTIALS: "our key"}


def _refused(considered: Considered) -> dict[ErrorKind, float]:
    """Return how many of the last calls a provider refused, by what it refused them."""
    found: dict[ErrorKind, float] = {}
    for finding in considered.evidence.of(Calls, considered.component):
        for host, callee in finding.detail.callees.items():
            for text, number in callee.kinds.items() if considered.service.called(host) == considered.where else ():
                if (kind := kind_of(text)) in _KINDS:
                    found[kind] = found.get(kind, 0.0) + number
    return found or _refused_by_lines(considered)


def _refused_by_lines(considered: Considered) -> dict[ErrorKind, float]:
    found: dict[ErrorKind, float] = {}
    for finding in considered.evidence.of(ErrorSignatures):
        for signature in finding.detail.signatures:
            kind = kind_of(signature.whole)
            if signature.component == considered.component and kind in _KINDS:
                found[kind] = found.get(kind, 0.0) + signature.count - signature.usual
    return found


def _placed(credential: Credential, at: float | None) -> str:
    """Say one of ours: its name, where it is read, its ARN and when it ended."""
    parts = (credential.place and f"in {credential.place}", credential.arn, at and f"ended at {exact_stamp(at)}")
    told = "; ".join(part for part in parts if part)
    return f"our {credential.name}" + (f" ({told})" if told else "")
