"""AWS Health events that concern others: other resources, services and Regions, and some that name nothing.

Formats: AWS's pages "Event" (AWS Health API) and "Reference: AWS Health events Amazon EventBridge schema".
"""

from __future__ import annotations

from sandbox.account import Account
from sandbox.account.events import HealthEvent
from sandbox.places import ACCOUNT, REGION

_RDS = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:"


def health(account: Account, begun: float) -> list[HealthEvent]:
    """The others' events of an account whose day began at a time, in seconds since 1970 (UTC)."""
    if not account.busy:
        return []

    def event(service: str, code: str, ago_seconds: float, *entities: str, region: str = REGION) -> HealthEvent:
        name = f"AWS_{service}_{code}"
        return HealthEvent(f"arn:aws:health:{region}::event/{service}/{name}/{name}_{int(ago_seconds):06d}", service,
                           name, "open", region, begun - ago_seconds, entities=entities)

    return [event("RDS", "OPERATIONAL_ISSUE", 540, f"{_RDS}orders-db"),
            event("RDS", "HARDWARE_MAINTENANCE_SCHEDULED", 7200, f"{_RDS}payments-db-staging", f"{_RDS}warehouse"),
            event("EC2", "INSTANCE_RETIREMENT_SCHEDULED", 3600, "i-0bb0000000000000c"),
            event("EC2", "NETWORK_CONNECTIVITY_ISSUE", 900),
            event("EKS", "PLANNED_LIFECYCLE_EVENT", 9000, f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/analytics"),
            event("LAMBDA", "OPERATIONAL_ISSUE", 1200),
            event("RDS", "OPERATIONAL_ISSUE", 300, region="eu-central-1")]
