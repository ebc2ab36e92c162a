"""What the service calls besides its components, its database and its providers: caches, queues, checks, vaults."""

from __future__ import annotations

from typing import Literal

from responder.model.frozen import dataclass

DependencyKind = Literal["cache", "queue", "discovery", "token_vault", "fraud_check", "three_d_secure", "other"]


@dataclass(frozen=True)
class Dependency:
    """One thing that components call, by its kind and by where its measures are."""

    name: str
    """Its name among the components' ``calls``."""
    kind: DependencyKind = "other"
    """Of what kind it is, which says how it is looked at."""
    host: str = ""
    """The host by which its callers name it; empty: its name."""
    hosts: tuple[str, ...] = ()
    """Further ones; ``*`` stands for any characters."""
    contact: str = ""
    """Who runs it and is called when it fails, as people reach them: "Fraud team, on call by PagerDuty"."""
    health_url: str = ""
    """A URL that answers below 400 while it is well; empty: none is asked."""
    elasticache: tuple[str, ...] = ()
    """The cache clusters (nodes) of ElastiCache behind it, by their ids."""
    sqs: str = ""
    """The queue of SQS, by its name."""

    @property
    def address(self) -> str:
        """The host by which its callers name it."""
        return self.host or self.name
