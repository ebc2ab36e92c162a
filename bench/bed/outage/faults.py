"""The ways in which a call can fail, and what each looks like to httpx and to botocore."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What becomes of a call; the value is its letter in the matrix."""

    REFUSED = "r"
    """Nobody takes the connection."""
    TIMEOUT = "t"
    """It took effect, and no answer comes."""
    SLOW = "s"
    """It is answered four seconds later."""
    THROTTLED = "h"
    SERVER_ERROR = "5"
    RESET = "x"
    """It took effect; the connection is reset before the answer."""
    TRUNCATED = "c"
    """It took effect; the second half of the answer's body is missing."""
    MALFORMED = "m"
    """A proxy answers in place of the other side, with a page and status 200; nothing took effect."""
    CERTIFICATE = "w"
    """The other side shows a wrong certificate."""
    EXPIRED = "e"
    """The credentials have expired."""
    LATE = "b"
    """A read does not see yet what was written or measured just now."""


SLOW_SECONDS = 4.0


class Reach(StrEnum):
    """Which calls a fault befalls."""

    ONCE = "once"
    """The first call of the step to the dependency."""
    STEP = "step"
    """All calls of the step to it, repeats of the step included."""
    ON = "on"
    """All calls to it by anybody from this step on, until the end."""


@dataclass(frozen=True)
class Fault:
    """A fault of one dependency."""

    kind: Kind
    dependency: str
    reach: Reach


class Died(BaseException):
    """The function's process was killed."""


class Lost(BaseException):
    """The execution is gone: somebody stopped it, or what runs it was killed."""


@dataclass(frozen=True)
class Death:
    """A function that dies at the n-th of its calls."""

    call: int
    """1-based."""
    after: bool
    """Whether the call has taken effect by then."""
    of_all: bool = False
    """Whether its execution dies with it: what runs both was killed, and only what is stored is left."""
