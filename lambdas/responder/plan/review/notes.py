"""What people wrote in review.md: answers under a postmortem's headings, and a list of follow-ups.

    ## Trigger
    A batch job that nobody knew of.
    - [x] A change failed in production
    - [ ] Ask the provider for a second endpoint
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from responder.plan.review.contents import Improvement, Notes
from responder.plan.review.told import FollowUp

_HEADING = re.compile(r"^#{1,6} +(.{1,200}?) *#*$")
_BOX = re.compile(r"^ *[-*] \[([ xX])\] +(.{1,500})$")


def answers(notes: Notes | None) -> dict[str, str]:
    """Return what stands under each heading, by the heading in lower-case letters; boxes are left out."""
    found: dict[str, list[str]] = defaultdict(list)
    heading = ""
    for line in notes.text.splitlines() if notes else ():
        if matched := _HEADING.match(line):
            heading = matched[1].lower()
        elif heading and not _BOX.match(line):
            found[heading].append(line)
    return {name: text for name, lines in found.items() if (text := "\n".join(lines).strip())}


def follow_ups(improvements: Sequence[Improvement], notes: Notes | None) -> tuple[FollowUp, ...]:
    """Return the state of each improvement, in their order, and then what people added."""
    boxes = list(_boxes(notes))
    mine = [next((box.done for box in boxes if _same(box.what, one.what)), False) for one in improvements]
    added = [box for box in boxes if not any(_same(box.what, one.what) for one in improvements)]
    return (*(FollowUp(one.what, done) for one, done in zip(improvements, mine, strict=True)), *added)


def _boxes(notes: Notes | None) -> Iterator[FollowUp]:
    for line in notes.text.splitlines() if notes else ():
        if matched := _BOX.match(line):
            yield FollowUp(matched[2].strip(), matched[1] != " ")


def _same(one: str, other: str) -> bool:
    """Whether a box is about an improvement: it begins with its words."""
    return one.strip("*. ").lower().startswith(other.strip("*. ").lower())
