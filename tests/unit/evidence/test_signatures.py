"""Signatures of log lines: like lines count together, and what is secret is in none."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from responder.model.evidence import Evidence, Window
from responder.model.evidence.error_signatures import ErrorSignatures
from responder.model.service import Service
from responder.plan.kinds import kind_of, of_database
from responder.plan.log_lines import Signatures, signature
from responder.sources import Query
from responder.sources.splunk import collect
from tests.conftest import ROOT

LINES = [
    "2026-01-05T09:00:01.000Z ERROR order 17 failed: PoolTimeout after 3000 ms",
    "2026-01-05T09:00:02.000Z ERROR order 18 failed: PoolTimeout after 3001 ms",
    "card 4242 4242 4242 4242 refused", "card 1234 5678 9012 3456 refused", "token=abc123 for a.b@example.com refused",
    '{"level":"ERROR","message":"' + "x" * 700 + '","password":"abc"}', "a" * 5000, "x " * 5000, ""]


@pytest.mark.parametrize("line", LINES)
def test_the_first_of_its_kind_has_the_signature_that_it_has_alone(line: str) -> None:
    assert Signatures().of(line) == signature(line)


def test_like_lines_have_one_signature_and_nothing_secret_is_in_any() -> None:
    known = Signatures()
    found = [known.of(line).text for line in LINES]
    assert found[0] == found[1] == "ERROR order <n> failed: PoolTimeout after <n> ms"
    assert not [text for text in found for secret in ("4242", "abc123", "example.com", "3456") if secret in text]


def test_a_long_line_is_known_by_its_beginning_and_no_word_is_cut() -> None:
    secret = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0" * 40 + ".c2lnbmF0dXJl"
    said = signature(f"ERROR {'0a1b2c3d4e5f ' * 45}{secret}")
    assert "eyJ" not in said.text + said.cause
    assert signature('{"message":"' + 'a,' * 2000 + '"}').text.startswith("a,a,")


class _Endless:
    """Splunk, answering searches for events without end."""

    def lines(self, method: str, url: str, *, data: dict[str, str], most_bytes: int) -> Iterator[bytes]:
        while "| stats" not in data["search"]:
            time.sleep(0.001)
            yield b'{"preview":false,"result":{"component":"backend","_time":"1","_raw":"ERROR no answer"}}'


def test_rows_read_before_the_deadline_are_a_partial_answer(service: Service) -> None:
    now = time.monotonic()
    # It is no Http: it has the one way of asking that is used here.
    findings = collect(Query(service, "diagnose", Window(0.0, 60.0), Window(-60.0, 0.0), now + 3),
                       _Endless())  # type: ignore[arg-type]
    last = Evidence(findings).one(ErrorSignatures)
    assert last is not None
    assert time.monotonic() - now < 8
    assert last.status == "partial"
    assert "no time for more" in last.note
    assert last.detail.signatures[0].text == "ERROR no answer"


def _corpus() -> list[str]:
    text = (ROOT / "tests" / "corpus" / "error_wordings.tsv").read_text(encoding="utf-8")
    return [line.split("\t", 2)[2].replace("\t", "\n") for line in text.splitlines() if not line.startswith("#")]


TRACE = "\n\tat com.example.Pay.step(Pay.java:17)" * 60
CONTEXT = {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "tags": ["tag-of-a-tenant"] * 60}


@pytest.mark.parametrize(("form", "wrapped"), [
    ("alone", "ERROR Svc {}"), ("json", ""), ("json cause", ""),
    ("cause", f"ERROR Svc request failed{TRACE}\nCaused by: x.Y: z{TRACE}\nCaused by: {{}}{TRACE}")])
def test_a_wording_has_its_kind_wherever_it_stands_in_a_line(form: str, wrapped: str) -> None:
    # Each form has its third of the wordings, and all of them stand alone.
    for wording in _corpus()[::1 if form == "alone" else 3]:
        if form == "json":
            line = json.dumps({"context": CONTEXT, "message": wording})
        elif form == "json cause":
            line = json.dumps({"context": CONTEXT, "message": "request failed", "error": {
                "stack_trace": f"x.Failed: request failed{TRACE}\nCaused by: {wording}{TRACE}"}})
        else:
            line = wrapped.replace("{}", wording)
        said = signature(line)
        whole = f"{said.text} Caused by: {said.cause}" if said.cause else said.text
        assert (kind_of(whole), of_database(whole)) == (kind_of(wording), of_database(wording)), (wording, said)
