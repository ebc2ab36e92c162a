"""Numbers that somebody else wrote as text: whatever it is, it is a number that can be kept, or none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.clients import revisions
from responder.clients.owners import Ref
from responder.model.plain_json import MOST_INTEGER, whole_number

_DIGITS = st.text(st.characters(categories=["Nd", "No", "Nl"]), max_size=50)


@given(st.text() | _DIGITS)
def test_any_text_is_a_number_that_can_be_kept_or_none(text: str) -> None:
    found = whole_number(text)
    assert found is None or 0 <= found <= MOST_INTEGER


@given(st.integers(0, MOST_INTEGER))
def test_every_number_that_can_be_kept_is_read(number: int) -> None:
    assert whole_number(str(number)) == number


class Api:
    """A cluster with one ReplicaSet, whose annotations its owner may write as they like."""

    def __init__(self, revision: str) -> None:
        self.revision = revision

    def get(self, *_: str) -> dict[str, Any]:
        return {"metadata": {"name": "gateway-1", "annotations": {"deployment.kubernetes.io/revision": self.revision},
                             "creationTimestamp": "2027-01-15T08:00:00Z"},
                "spec": {"template": {"metadata": {"labels": {}}, "spec": {"containers": []}}}}


@pytest.mark.parametrize(("said", "number"), [("7", 7), ("¹", 0), ("9" * 5000, 0), ("-1", 0), ("", 0)])
def test_an_annotation_that_is_no_number_ends_no_look(said: str, number: int) -> None:
    api: Any = Api(said)
    assert revisions.get(api, Ref("Deployment", "payments", "gateway"), "gateway-1").revision == number
