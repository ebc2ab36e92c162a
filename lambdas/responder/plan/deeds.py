"""What a remedy does in plain words, and the commands with which a person does and undoes the same by hand.

Sources: the pages of "kubectl reference docs" (patch, scale, rollout undo, delete, create) and of the "AWS CLI Command
Reference". Each command is one line, complete, and quoted for a POSIX shell.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from responder.model.codec import Json
from responder.model.frozen import dataclass
from responder.model.redact import harmless, leaves
from responder.model.service import Service


@dataclass(frozen=True)
class Deed:
    """What a remedy does, as people read it before they decide."""

    title: str = ""
    """The deed, as an order: "Scale deployment/backend from 4 to 8 pods"; empty: the summary says it."""
    by_hand: tuple[str, ...] = ()
    """Commands that do the same; none: it takes more than commands, or a value that is not shown."""
    undo: tuple[str, ...] = ()
    """Commands that undo it; none: nothing undoes it, or there is nothing to undo."""


@dataclass(frozen=True)
class Site:
    """Where the commands work."""

    service: Service
    region: str
    """The AWS region; empty: not known, and the command leaves it to the shell."""

    def kubectl(self, *words: str) -> str:
        """Return a command of kubectl in the service's namespace."""
        return shlex.join(("kubectl", "-n", self.service.cluster.namespace, *words))

    def aws(self, service: str, call: str, *words: str) -> str:
        """Return a command of the AWS CLI in the deployment's region."""
        where = shlex.join(("--region", self.region)) if self.region else '--region "$AWS_REGION"'
        return " ".join(part for part in (shlex.join(("aws", service, call)), where, shlex.join(words)) if part)

    def shows(self, path: Sequence[str | int], value: Json) -> bool:
        """Whether people may be shown every leaf of a value at a path, and so a command that has it."""
        return all(harmless(place, leaf, self.service.shown_keys) for place, leaf in leaves(value, tuple(path)))


def text(value: Json) -> str:
    """Return a value as a command's argument: compact JSON in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
