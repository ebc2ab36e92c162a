"""The text of a file: what is no UTF-8, or no character that YAML knows, is told, and does not hide the rest."""

from __future__ import annotations

import codecs
import re

from stacks.reading.problem import Mistake

_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML refuses (YAML 1.1, "Character Set")."""
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def readable(raw: bytes) -> tuple[str, list[Mistake]]:
    """Return a file's text as far as it can be read, with the mistakes in how it was saved.

    A byte order mark of UTF-8 and the line ends of Windows are no mistakes.
    """
    mistakes: list[Mistake] = []
    encoding = next((name for mark, name in _UTF_16.items() if raw.startswith(mark)), "")
    if encoding:
        mistakes.append(Mistake((), "a file in UTF-16", "UTF-8: save the file in that encoding"))
        text = raw.decode(encoding, errors="replace")
    else:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            # Whatever it is, its ASCII part is the same, and all names of fields are ASCII.
            text = raw.decode("cp1252", errors="replace")
            mistakes.append(Mistake((), f"a character that is not in UTF-8 (byte 0x{raw[error.start]:02x})",
                                    "UTF-8: save the file in that encoding", line))
    for found in _UNPRINTABLE.finditer(text):
        mistakes.append(Mistake((), f"a control character (U+{ord(found[0]):04X})", "text that can be printed",
                                text.count("\n", 0, found.start()) + 1))
    return _UNPRINTABLE.sub(" ", text), mistakes
