"""What people do when a dependency fails, by its kind: nothing of it is done by the responder."""

from __future__ import annotations

from collections.abc import Mapping

from responder.model.service import Dependency
from responder.model.service.dependencies import DependencyKind

_BY_KIND: Mapping[DependencyKind, str] = {
    "cache": "do not flush or restart it, which would empty it; let its callers go on without it only as far as what "
             "is behind it can take their questions",
    "queue": "keep what cannot be sent (an outbox) and send it later in its order; pause its consumers only where they "
             "fail at each message, and raise its retention before messages expire",
    "discovery": "let callers go on with the addresses that they know; restart none of them, for what starts now "
                 "finds nobody",
    "token_vault": "never go on without it: cards would be charged or kept without their tokens; take orders and "
                   "charge them later",
    "fraud_check": "decide whether payments up to an amount may go on unchecked, and check them afterwards",
    "three_d_secure": "decide whether payments may go on without it (an exemption, another server), for the liability "
                      "is then ours",
    "other": "decide whether payments may go on without it",
}


def who(dependency: Dependency) -> str:
    """Return who is called for a dependency."""
    return dependency.contact or f"whoever runs {dependency.name}"


def what(dependency: Dependency) -> str:
    """Return what people decide or do, as the end of a sentence."""
    return _BY_KIND[dependency.kind]
