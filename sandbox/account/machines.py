"""EC2 instances of other teams: some run, some are stopped, one is impaired.

Formats: AWS's pages "DescribeInstances" and "DescribeInstanceStatus".
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.account import Account


@dataclass(frozen=True)
class Machine:
    """One instance."""

    id: str
    zone: str
    """The last letter of its zone."""
    state: str = "running"
    """``running``, ``stopped`` or ``terminated``."""
    reason: str = ""
    """``StateTransitionReason``."""
    impaired_since: float | None = None
    """Seconds since 1970 (UTC)."""
    tags: dict[str, str] = field(default_factory=dict)


def machines(account: Account) -> tuple[Machine, ...]:
    """The others' instances."""
    if not account.busy:
        return ()
    bastion = {"Name": "payments-bastion", "team": "platform"}
    other = {"kubernetes.io/cluster/analytics": "owned", "eks:cluster-name": "analytics"}
    return (
        Machine("i-0bb0000000000000a", "a", "stopped", "User initiated (2026-03-11 08:02:17 GMT)", tags=bastion),
        Machine("i-0bb0000000000000b", "b", "stopped", "User initiated (2026-03-11 08:02:17 GMT)", tags=bastion),
        Machine("i-0bb0000000000000c", "c", tags=bastion),
        Machine("i-0cc0000000000000a", "a", impaired_since=1_772_000_000.0, tags={"Name": "legacy-ftp"}),
        *(Machine(f"i-0dd000000000000{number:02x}", "abc"[number % 3], tags=other) for number in range(12)),
        Machine("i-0dd00000000000fff", "a", "terminated", "Server.SpotInstanceTermination", tags=other))
