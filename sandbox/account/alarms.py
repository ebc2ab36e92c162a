"""Alarms of other teams that change state: on the same bus, with names that resemble the responder's.

Format: AWS's page "Alarm events and EventBridge".
"""

from __future__ import annotations

from sandbox.account import Account

_NAMES = ("payment-gateway-error-rate", "orders-error-rate", "incident-response-payment-gateway-error-rate-staging",
          "checkout-latency", "TargetTracking-service/batch-AlarmHigh-6f1c")
_EVERY_SECONDS = 20


def alarm(account: Account, second: int) -> str:
    """The alarm of others that goes off in this second; empty: none."""
    if not account.busy or second % _EVERY_SECONDS:
        return ""
    return _NAMES[second // _EVERY_SECONDS % len(_NAMES)]
