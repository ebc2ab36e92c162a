"""Changes that no object of the cluster shows: flags, commits and their deployments, and what they do together.

An effect may need several things at once: a flag, the version that reads it, and the version of a peer.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.platform.state import Setting

PROJECT, ENVIRONMENT = "shop", "production"


@dataclass(frozen=True)
class Switched:
    """An entry of the flags' audit log."""

    key: str
    on: bool
    at: float
    """Seconds since 1970 (UTC)."""
    by: str


@dataclass(frozen=True)
class Commit:
    """A commit that was deployed to production."""

    repository: str
    sha: str
    message: str
    by: str
    files: tuple[str, ...]
    patch: str
    at: float
    """When it was merged and deployed, seconds since 1970 (UTC)."""


@dataclass(frozen=True)
class Effect:
    """What requests at one component meet while all conditions hold."""

    component: str
    setting: Setting
    flag: str = ""
    """A flag that must be as ``on`` says; empty: none."""
    on: bool = True
    versions: Mapping[str, str] = field(default_factory=dict)
    """Component to the version that its pods must run; of the component itself, the pod that serves."""


@dataclass
class Foreign:
    """All flags, commits and effects of a world."""

    flags: dict[str, bool] = field(default_factory=dict)
    switched: list[Switched] = field(default_factory=list)
    """Oldest first."""
    commits: list[Commit] = field(default_factory=list)
    """Oldest first; each was deployed when it was merged."""
    effects: list[Effect] = field(default_factory=list)

    def switch(self, key: str, on: bool, by: str) -> None:
        """Set a flag, as somebody does; one that is so already is left."""
        if self.flags.get(key) is not on:
            self.flags[key] = on
            self.switched.append(Switched(key, on, time.time(), by))

    def commit(self, repository: str, message: str, by: str, files: tuple[str, ...], patch: str) -> Commit:
        """Merge and deploy a commit."""
        sha = hashlib.sha1(f"{repository} {message} {len(self.commits)}".encode(), usedforsecurity=False).hexdigest()
        made = Commit(repository, sha, message, by, files, patch, time.time())
        self.commits.append(made)
        return made

    def settings(self, component: str, version: str, running: Mapping[str, set[str]]) -> list[Setting]:
        """What a pod of a component with a version meets; ``running``: component to the versions of its pods."""
        return [effect.setting for effect in self.effects if effect.component == component
                and (not effect.flag or self.flags.get(effect.flag, False) is effect.on)
                and all(version == wanted if name == component else wanted in running.get(name, ())
                        for name, wanted in effect.versions.items())]
