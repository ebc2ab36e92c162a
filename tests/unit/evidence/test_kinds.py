"""What a failed call says of itself, by its wording."""

from __future__ import annotations

from collections import defaultdict

import pytest

from responder.plan.kinds import ErrorKind, kind_of, of_database
from tests.conftest import ROOT


def corpus() -> dict[ErrorKind, list[tuple[str, str]]]:
    """The collected wordings: each kind's texts, and who says them."""
    found: dict[ErrorKind, list[tuple[str, str]]] = defaultdict(list)
    for line in (ROOT / "tests" / "corpus" / "error_wordings.tsv").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            kind, said_by, text = line.split("\t", 2)
            found[ErrorKind(kind)].append((said_by, text.replace("\t", "\n")))
    return found


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_the_wordings_of_common_software_have_the_kind_that_an_engineer_would_say(kind: ErrorKind) -> None:
    texts = corpus()[kind]
    assert texts
    assert [(said_by, text, kind_of(text)) for said_by, text in texts if kind_of(text) is not kind] == []


def test_two_hundred_wordings_and_more_are_held() -> None:
    assert sum(map(len, corpus().values())) > 200


@pytest.mark.parametrize("wrapped", [
    "payment {id} failed: {text}", "ERROR [pool-2-thread-7] c.e.Pay - {text}", '{{"level":"error","msg":"{text}"}}',
    "org.example.PaymentException: payment failed\n\tat org.example.Pay.run(Pay.java:7)\nCaused by: {text}"])
def test_a_text_has_its_kind_wherever_it_is_said(wrapped: str) -> None:
    wrong = [(text, kind_of(said)) for kind, texts in corpus().items() if kind is not ErrorKind.OTHER
             for _, text in texts if kind_of(said := wrapped.format(id=17, text=text)) is not kind]
    # A status that stands at the beginning of its text is known by that place only.
    assert len([text for text, _ in wrong if not text[:3].isdigit()]) == 0


def test_the_innermost_known_cause_counts() -> None:
    assert kind_of("ProviderException: I/O error: Read timed out\nCaused by: java.net.UnknownHostException: api.example"
                   "\nCaused by: org.example.Unheard: no text") is ErrorKind.DNS


@pytest.mark.parametrize(("text", "of_a_database"), [
    ("FATAL: password authentication failed for user \"pay\"", True), ("Invalid API Key provided: sk_live_1", False),
    ("HikariPool-1 - Connection is not available, request timed out after 30000ms.", True),
    ("Timeout waiting for connection from pool", False), ("No space left on device", False),
    ("ERROR: cannot execute UPDATE in a read-only transaction", True), ("Request failed with status code 401", False)])
def test_what_only_a_database_says_is_told_from_what_anybody_says(text: str, of_a_database: bool) -> None:
    assert of_database(text) is of_a_database
