"""What a source said as a whole, where it gave no answer: never observed."""

from __future__ import annotations

from dataclasses import dataclass

from responder.model.evidence import Detail


@dataclass(frozen=True)
class Answer(Detail):
    """What a source said as a whole, where it gave no answer: never observed."""


KIND = Answer
