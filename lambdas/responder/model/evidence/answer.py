"""What a source said as a whole, where it gave no answer: never observed."""

from __future__ import annotations

from responder.model.evidence import Detail
from responder.model.frozen import dataclass


@dataclass(frozen=True)
class Answer(Detail):
    """What a source said as a whole, where it gave no answer: never observed."""


KIND = Answer
