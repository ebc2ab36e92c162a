"""Shares, counts, times and durations are said by ``plan/wording.py`` alone, and as it promises."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model import zone as zones
from responder.model.zone import zone
from responder.plan import wording
from stacks import packaging
from tests.conftest import ROOT

RESPONDER = ROOT / "lambdas" / "responder"
ROOMS = ("plan", "handlers", "records", "actions", "people", "sources")
MACHINES = {
    "sources/splunk/": "a search names its times in seconds",
    "sources/prometheus/": "a query names its times and factors",
    "plan/guardrails.py": "a freeze is read, not said",
    "plan/customers": "customers are told the minute alone",
    "plan/wording.py": "it is the formatter"}
"""Who formats for machines, or by another promise, and why."""


def formatting(tree: ast.AST) -> Iterator[str]:
    """What a module formats by itself: shares, numbers and times of day."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            spec = "".join(str(part.value) for part in ast.walk(node.format_spec) if isinstance(part, ast.Constant))
            if "%" in spec or spec[-1:] in ("f", "g", "e") or "," in spec:
                yield f"{node.lineno}: :{spec}"
        if isinstance(node, ast.Attribute) and node.attr in ("strftime", "ctime", "isoformat"):
            yield f"{node.lineno}: {node.attr}"
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "format") or (
                isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant)
                and isinstance(node.left.value, str)):
            yield f"{node.lineno}: format"


@pytest.mark.parametrize("room", ROOMS)
def test_nobody_formats_a_number_or_a_time_by_himself(room: str) -> None:
    found = []
    for path in sorted((RESPONDER / room).rglob("*.py")):
        place = str(path.relative_to(RESPONDER))
        if not place.startswith(tuple(MACHINES)):
            found += [f"{place}:{said}" for said in formatting(ast.parse(path.read_text(encoding="utf-8")))]
    assert found == []


@pytest.mark.parametrize("code", ["f'{x:.0%}'", "f'{x:.1f} s'", "f'{x:,}'", "f'{x:%H:%M}'", "t.strftime('%H')",
                                  "t.isoformat()", "format(x, '.1f')", "'%.1f' % x"])
def test_formatting_elsewhere_is_found(code: str) -> None:
    assert list(formatting(ast.parse(code)))
    assert not list(formatting(ast.parse("f'{x} {y!r} {z:>10}' + share(x) + str(a % b)")))


def test_no_template_formats_by_itself() -> None:
    for path in (RESPONDER / "records" / "templates").iterdir():
        text = path.read_text(encoding="utf-8")
        assert not any(mark in text for mark in ("| round(0", "strftime", "[:16]", "[:19]", "| format")), path.name


@pytest.mark.parametrize(("seconds", "said"), [
    (0.0, "+0:00"), (36.4, "+0:36"), (-12.0, "-0:12"), (-0.3, "+0:00"), (60.0, "+1:00"), (3723.0, "+1:02:03")])
def test_how_long_after_the_beginning(seconds: float, said: str) -> None:
    assert wording.relative(seconds) == said


@given(st.floats(-1e6, 1e6))
def test_a_relative_time_is_read_back_to_the_second(seconds: float) -> None:
    told = wording.relative(seconds)
    parts = [int(part) for part in told[1:].split(":")]
    whole = timedelta(hours=parts[-3] if len(parts) > 2 else 0, minutes=parts[-2], seconds=parts[-1]).total_seconds()
    assert abs(whole - abs(seconds)) <= 0.5 and (told[0] == "+" or seconds < 0)


def test_the_team_s_time_stands_beside_utc() -> None:
    berlin = zone("Europe/Berlin")
    assert wording.moment("2026-11-25T01:45:39.000Z", berlin) == "01:45:39 UTC (02:45:39 CET)"
    assert wording.moment("2026-07-25T01:45:39.000Z", berlin) == "01:45:39 UTC (03:45:39 CEST)"
    assert wording.moment("2026-11-25T23:45:39.000Z", berlin) == "23:45:39 UTC (Thu 00:45:39 CET)"
    assert wording.moment("2026-11-25T01:45:39.000Z") == "01:45:39 UTC"
    assert wording.moment(None, berlin) == wording.UNKNOWN
    assert zone("") is None and zone("Europe/Nowhere") is None and zone("../../etc/passwd") is None


def test_a_zone_is_bundled_for_a_machine_that_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda on Amazon Linux 2023 has no time zone database."""
    place = tmp_path / "zoneinfo" / "Asia" / "Tokyo"
    place.parent.mkdir(parents=True)
    place.write_bytes(packaging._zone("Asia/Tokyo"))
    monkeypatch.setenv("RESPONDER_CONFIG", str(tmp_path))
    monkeypatch.setattr(zones, "ZoneInfo", _only_from_files)
    assert wording.moment("2026-11-25T01:45:39.000Z", zone.__wrapped__("Asia/Tokyo")) == "01:45:39 UTC (10:45:39 JST)"
    with pytest.raises(packaging.PackagingError):
        packaging._zone("Europe/Nowhere")


class _only_from_files:  # noqa: N801 - stands for the class of that module
    from zoneinfo import ZoneInfo
    from_file = ZoneInfo.from_file

    def __init__(self, name: str) -> None:
        raise zones.ZoneInfoNotFoundError(name)


@pytest.mark.parametrize(("value", "said"), [
    (1_327_840.0, "1,300,000 EUR"), (36_400.0, "36,000 EUR"), (99.6, "100 EUR"), (7.4, "7 EUR"), (0.0, "0 EUR")])
def test_money_is_no_more_precise_than_its_average(value: float, said: str) -> None:
    assert wording.amount(value, "EUR") == said


@pytest.mark.parametrize(("summary", "said"), [
    ("roll deployment/x back from revision 2 (registry.example:5000/a/x:1.1.0) to revision 1 (r.example/x:1.0.0)",
     "rolled deployment/x back from revision 2 (1.1.0) to revision 1 (1.0.0)"),
    ("restart 2 of 3 pods of deployment/backend: backend-74dd94fbb5-5fn6z, backend-74dd94fbb5-8ls8k; close node-a "
     "meanwhile", "restarted 2 of 3 pods of deployment/backend and closed node-a meanwhile"),
    ("use primary in place of fallback", "switched to primary in place of fallback"),
    ("delete NetworkPolicy pci-lockdown", "deleted NetworkPolicy pci-lockdown"),
    ("blow up the moon", "carried out: blow up the moon")])
def test_a_remedy_is_told_in_the_past(summary: str, said: str) -> None:
    assert wording.in_past(summary) == said


@pytest.mark.parametrize(("text", "said"), [
    ("it helped", "It helped."), ("payment-gateway 1.1.0 went out", "payment-gateway 1.1.0 went out."),
    ("CloudWatch saw it.", "CloudWatch saw it."), ("default_transaction_read_only changed",
                                                    "default_transaction_read_only changed."), ("", "")])
def test_a_full_sentence_keeps_the_names_it_begins_with(text: str, said: str) -> None:
    assert wording.full_sentence(text) == said
