"""Who is to be called with what, where the responder has no remedy and none would be right."""

from __future__ import annotations

from responder.model.evidence.approvals import Approvals
from responder.plan.declines import Fall, explain, name_of
from responder.plan.remedies import Considered
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
