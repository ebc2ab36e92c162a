"""How an outgoing call can fail, in the words of a finding's status."""

from __future__ import annotations

from responder.model.evidence import Status


class CallFailed(Exception):
    """An outgoing call gave no usable answer; ``status`` says how it failed, ``note`` says why in one sentence.

    ``note`` is for people alone. A decision reads ``status``, ``code`` or ``http_status``.
    """

    def __init__(self, status: Status, note: str, *, code: str = "", http_status: int = 0,
                 body: bytes = b"") -> None:
        super().__init__(note)
        self.status: Status = status
        self.note = note
        self.code = code
        """The system's own word for the error, such as AWS' ``ParameterNotFound``; empty: it gave none."""
        self.http_status = http_status
        """The status of the HTTP answer; 0: there was no answer, or its status was not what failed."""
        self.body = body
        """The beginning of a refusal's body, as it came: to be masked before it is kept."""
