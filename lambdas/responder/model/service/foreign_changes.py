"""Where the service's changes are made that neither the cluster nor the account shows: repositories and flags."""

from __future__ import annotations

from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Repository:
    """One repository whose deployments GitHub knows."""

    name: str
    """``owner/repository``."""
    component: str = ""
    """The component that its deployments are of; empty: what several share, as infrastructure."""
    environment: str = "production"
    """The deployments' environment at GitHub."""


@dataclass(frozen=True)
class CodeHost:
    """GitHub, asked for deployments and the commits between them."""

    secret: str
    """The Secrets Manager secret that holds a token with the rights ``deployments: read`` and ``contents: read``."""
    repositories: tuple[Repository, ...]
    endpoint: str = "https://api.github.com"
    """``https://HOST/api/v3`` for GitHub Enterprise Server."""


@dataclass(frozen=True)
class Flag:
    """A flag that one component reads."""

    key: str
    """The flag's key."""
    component: str
    """The component that reads it."""


@dataclass(frozen=True)
class FlagService:
    """LaunchDarkly, asked for its audit log."""

    secret: str
    """The Secrets Manager secret that holds an access token with the role Reader."""
    project: str
    """The project's key."""
    environment: str = "production"
    """The environment's key."""
    flags: tuple[Flag, ...] = ()
    """Which component reads a flag, where it is known; others may be read by any."""
    write_secret: str = ""
    """The secret that holds a token that may switch flags (``updateOn`` of the environment); empty: none may be turned
    back by the responder."""
    endpoint: str = "https://app.launchdarkly.com"
    """``https://app.eu.launchdarkly.com`` for accounts in Europe."""


@dataclass(frozen=True)
class ChangeFeeds:
    """The systems that are asked; at least one."""

    code: CodeHost | None = None
    flags: FlagService | None = None
