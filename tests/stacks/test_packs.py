"""What stays though a rule pack complains: each exception is needed, and each recorded finding has one.

``scripts/packs.py --record tests/stacks/packs.json`` writes what the packs found.
"""

from __future__ import annotations

import json

from stacks.exceptions import EXCEPTIONS, Exempt, Finding, surplus, unexplained
from tests.conftest import ROOT

RECORDED = [Finding(*row) for row in json.loads((ROOT / "tests" / "stacks" / "packs.json").read_text())]


def test_each_finding_is_explained_and_each_exception_needed() -> None:
    assert len(RECORDED) > 200
    assert unexplained(RECORDED) == [] and surplus(RECORDED) == []


def test_a_new_finding_and_an_exception_that_no_longer_applies_are_found() -> None:
    public = Finding("CKV_AWS_258", "AWS::Lambda::Url.Another")
    assert unexplained([*RECORDED, public]) == [public]
    old = Exempt("CKV_AWS_1", ".*", "a reason")
    assert surplus(RECORDED, (*EXCEPTIONS, old)) == [old]


def test_each_exception_has_a_reason_in_a_sentence() -> None:
    assert all(len(one.reason.split()) > 4 for one in EXCEPTIONS)
