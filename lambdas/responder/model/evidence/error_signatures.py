"""Error lines of all components, like lines counted together."""

from __future__ import annotations

from dataclasses import field

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Signature:
    """Lines that are alike but for times, numbers and ids."""

    text: str
    """Masked, with what varies replaced."""
    component: str = ""
    count: float = 0.0
    usual: float = 0.0
    """How many the baseline lets expect in a window of this length."""
    first: float | None = None
    """Seconds since 1970 (UTC)."""
    versions: dict[str, float] = field(default_factory=dict)
    """Lines by the version that wrote them."""
    pods: int = 0
    """How many pods wrote them."""
    cause: str = ""
    """The innermost cause behind ``text``, and the host that was called; empty where the text says it all, and in older
    records."""

    @property
    def whole(self) -> str:
        """All that is kept of the lines, by which their kind and the host that was called are told."""
        return f"{self.text} Caused by: {self.cause}" if self.cause else self.text


@dataclass(frozen=True)
class ErrorSignatures(Detail):
    """Error lines of all components, like lines counted together. ``value`` is the number of lines."""

    signatures: tuple[Signature, ...] = ()
    """Most frequent first."""


KIND = ErrorSignatures
