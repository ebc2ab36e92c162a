"""How a call out can fail, in the words of a finding's status."""

from __future__ import annotations

from responder.model.finding import Status


class CallFailed(Exception):
    """A call out gave nothing that can be used; ``status`` says how, ``note`` why in one sentence."""

    def __init__(self, status: Status, note: str) -> None:
        super().__init__(note)
        self.status: Status = status
        self.note = note
