"""What the doctor finds: one check is one thing that was looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cli.output import NOT_ASKED, NOT_WELL, WELL

if TYPE_CHECKING:
    from cli.doctor.surroundings import Surroundings

Verdict = Literal["broken", "unknown", "note", "well"]
"""``broken``: an incident would miss it. ``unknown``: it could not be asked. ``note``: worth knowing, and no fault."""
VERDICTS: tuple[Verdict, ...] = ("broken", "unknown", "note", "well")
"""In the order in which they are printed."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    subject: str
    """What it is, as people name it: ``secret incident-response/newrelic``."""
    verdict: Verdict
    says: str
    """What was seen, in one sentence without a capital and a full stop."""
    mend: str = ""
    """How to mend it: a command, or a file and a field; empty where there is nothing to mend."""
    service: str = ""
    """The service that it is about; empty: all of the deployment."""
    probe: str = ""
    """The probe that looked; ``run`` fills it in."""


def well(subject: str, says: str) -> Check:
    """Return a check of something that works."""
    return Check(subject, "well", says)


def broken(subject: str, says: str, mend: str) -> Check:
    """Return a check of something that does not work."""
    return Check(subject, "broken", says, mend)


def note(subject: str, says: str, mend: str = "") -> Check:
    """Return a check of something that is worth knowing, and is no fault."""
    return Check(subject, "note", says, mend)


def unknown(subject: str, says: str, mend: str = "") -> Check:
    """Return a check of something that could not be asked."""
    return Check(subject, "unknown", says, mend)


class NotKnown(Exception):
    """Something could not be asked; ``why`` says why in one sentence, ``mend`` what would allow it."""

    def __init__(self, why: str, mend: str = "") -> None:
        super().__init__(why)
        self.why, self.mend = why, mend


@dataclass(frozen=True)
class Probe:
    """One kind of question, and what it takes to ask it."""

    name: str
    about: str
    """What it looks at, in a few words."""
    look: Callable[[Surroundings], Iterable[Check]]
    """Look, and return checks; raises NotKnown where nothing could be asked at all."""
    rights: tuple[str, ...] = ()
    """IAM actions, or ``kubernetes: …``, that whoever runs it needs."""
    seconds: float = 40.0
    """How long it may take; after that it is not known."""


@dataclass(frozen=True)
class Diagnosis:
    """All that was looked at in one run."""

    at: str
    """When, ISO 8601 in UTC."""
    account: str
    region: str
    caller: str
    """The ARN of whoever ran it: what is not known may be for lack of this identity's rights."""
    services: tuple[str, ...]
    checks: tuple[Check, ...]

    def count(self, verdict: Verdict) -> int:
        """Return how many checks have a verdict."""
        return sum(check.verdict == verdict for check in self.checks)

    @property
    def code(self) -> int:
        """The exit code: 1 where anything is broken, 3 where nothing is but something could not be asked, else 0."""
        return NOT_WELL if self.count("broken") else NOT_ASKED if self.count("unknown") else WELL


def ordered(checks: Iterable[Check], probes: Sequence[str]) -> tuple[Check, ...]:
    """Return checks in the order of the probes, within one probe by service and the worst first."""
    return tuple(sorted(checks, key=lambda check: (
        probes.index(check.probe), check.service, VERDICTS.index(check.verdict))))
