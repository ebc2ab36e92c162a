"""Load balancers of the account: the platform's, and in a busy one those of other teams and of another cluster."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.account import Account
from sandbox.places import CLUSTER, LOAD_BALANCER, NAMESPACE, TARGET_GROUP


@dataclass(frozen=True)
class Balanced:
    """A load balancer with one target group, as AWS Load Balancer Controller makes it for an Ingress."""

    name: str
    """Its dimension in CloudWatch: ``app/NAME/ID``."""
    group: str
    """Its target group's: ``targetgroup/NAME/ID``."""
    cluster: str
    namespace: str
    ingress: str
    service: str
    scheme: str = "internet-facing"

    @property
    def tags(self) -> dict[str, str]:
        """The controller's tags of the load balancer."""
        return {"elbv2.k8s.aws/cluster": self.cluster, "ingress.k8s.aws/stack": f"{self.namespace}/{self.ingress}",
                "ingress.k8s.aws/resource": "LoadBalancer"}

    @property
    def group_tags(self) -> dict[str, str]:
        """The controller's tags of the target group."""
        return {**self.tags, "ingress.k8s.aws/resource": f"{self.namespace}/{self.ingress}-{self.service}:80"}


_PLATFORM = Balanced(LOAD_BALANCER, TARGET_GROUP, CLUSTER, NAMESPACE, "shop", "frontend")
_OTHERS = (
    Balanced("app/payments-internal/1c2d3e4f50617283", "targetgroup/ledger/5a6b7c8d9e0f1a2b", CLUSTER, NAMESPACE,
             "ledger", "ledger-export", "internal"),
    Balanced("app/payments/9f8e7d6c5b4a3921", "targetgroup/frontend/0f1e2d3c4b5a6978", "payments-staging", NAMESPACE,
             "shop", "frontend"),
    Balanced("app/orders/3b4c5d6e7f809192", "targetgroup/orders/7c8d9e0f1a2b3c4d", "orders", "orders", "orders",
             "orders"))


def balancers(account: Account) -> tuple[Balanced, ...]:
    """Return the load balancers of an account."""
    return (_PLATFORM, *(_OTHERS if account.busy else ()))
