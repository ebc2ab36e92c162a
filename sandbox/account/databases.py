"""RDS instances of other teams, and their events."""

from __future__ import annotations

from sandbox.account import Account

OTHERS = ("orders-db", "payments-db-staging", "warehouse", "ledger-archive")
_EVERY_SECONDS = 240
_SAID = (("Multi-AZ instance failover started", "failover"), ("DB instance restarted", "availability"),
         ("Multi-AZ instance failover completed", "failover"), ("Backing up DB instance", "backup"),
         ("Finished DB Instance backup", "backup"), ("Allocated storage has been exhausted", "low storage"))


def databases(account: Account) -> tuple[str, ...]:
    """Identifiers of the others' instances."""
    return OTHERS if account.busy else ()


def events(account: Account, since: float, until: float) -> list[tuple[float, str, str, str]]:
    """The others' events between two times, oldest first: (time, instance, message, category)."""
    if not account.busy:
        return []
    slots = range(-int(-since // _EVERY_SECONDS), int(until // _EVERY_SECONDS) + 1)
    return [(float(slot * _EVERY_SECONDS), OTHERS[slot % len(OTHERS)], *_SAID[slot % len(_SAID)])
            for slot in slots[-2000:]]
