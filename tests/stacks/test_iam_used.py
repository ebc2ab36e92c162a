"""What is allowed is used: by the code under test, by a recorded drill, or by AWS itself for a reason given here.

``python -m sandbox drill … --record tests/records`` keeps what the roles called in ``tests/records/calls``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pytest

from sandbox.iam import log
from sandbox.iam.reference import expanded
from tests.conftest import ROOT
from tests.iam import PREFIX, reviewed
from tests.stacks.test_iam_calls import DRIVES, _no_network

__all__ = ["_no_network"]  # a fixture
pytestmark = pytest.mark.usefixtures("changes_pass", "_no_network")
RECORDED = sorted((ROOT / "tests" / "records" / log.FOLDER).glob("*.json.gz"))


@dataclass(frozen=True)
class Unused:
    """Rights that neither a test nor a recorded drill uses, and why a role has them all the same."""

    function: str
    """A pattern of function names."""
    action: str
    """A pattern of actions."""
    why: str


UNUSED: tuple[Unused, ...] = ()


def allowed() -> set[tuple[str, str]]:
    """Each function or role, and each action that it may perform on something."""
    found = set()
    for name, role in reviewed().callers.items():
        for policy in role.policies:
            for statement in policy["Statement"]:
                if statement["Effect"] == "Allow":
                    listed = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                    found |= {(_short(name), action) for pattern in listed for action in expanded(pattern)}
    return found


def _short(name: str) -> str:
    return "events" if name.startswith("rule ") else name.removeprefix(PREFIX)


def used() -> Iterator[tuple[str, str]]:
    """What the code under test and the recorded drills performed."""
    for function, drive in DRIVES.values():
        for action in drive().allowed:
            yield function, action
    for path in RECORDED:
        for made in log.decode(path.read_bytes()):
            if made.allowed:
                yield _short(made.caller), made.action


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name.partition(".")[0])
def test_nothing_was_refused_in_a_recorded_drill(path: object) -> None:
    refused = [made for made in log.decode(path.read_bytes()) if not made.allowed]  # type: ignore[attr-defined]
    assert refused == []


def test_each_right_is_used_or_has_a_reason() -> None:
    unused = sorted(allowed() - set(used()))
    reasons = {item: [reason for reason in UNUSED if fnmatchcase(item[0], reason.function)
                      and fnmatchcase(item[1], reason.action)] for item in unused}
    assert [item for item, found in reasons.items() if not found] == []
    needed = {reason for found in reasons.values() for reason in found}
    assert [reason for reason in UNUSED if reason not in needed] == [], "a reason for nothing"
