"""What customers are told is checked before anything is built: each text, and the facts that it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from responder.plan.customers.sentences import TEXTS, TITLES
from stacks.configuration import ConfigurationError, read_file
from tests.conftest import ROOT

SHIPPED = (ROOT / "config" / "payment-gateway.yaml").read_text(encoding="utf-8")
GERMAN = dict.fromkeys(TEXTS.keys() - TITLES.keys(), "x")


def with_texts(tmp_path: Path, *lines: str) -> Path:
    """The shipped configuration with other lines below ``customers.texts``."""
    kept = SHIPPED.partition("  texts:\n    unsure")
    rest = kept[2].partition("  languages: []\n")[2]
    path = tmp_path / "service.yaml"
    path.write_text(kept[0] + "\n".join(("  texts:", *lines)) + "\n  languages: []\n" + rest, encoding="utf-8")
    return path


def said(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_file(path)
    return str(caught.value)


@pytest.mark.parametrize(("line", "expected"), [
    ("    unsur: Look.", "customers.texts.unsur: found an unknown sentence; expected 'unsure'?"),
    ('    some_fail: "{Naem} fail."', "customers.texts.some_fail: found the fact {Naem}; expected 'Name'?"),
    # A fact that is known to another sentence alone.
    ('    looking: "Since {since} we look."', "customers.texts.looking: found the fact {since}; expected one of Name, "
                                              "name, zone"),
    ('    unsure: "{name.upper}"', "found the fact {name.upper}; expected one of Name, name, zone"),
    ('    unsure: "{name:>9}"', "found a form for {name}; expected {name} alone: facts are texts already"),
    ('    unsure: "{}"', "found the fact {}; expected one of Name, name, zone"),
    ('    unsure: "a { b"', "expected facts in braces such as {name}, and a brace itself as {{ or }}"),
    ('    some_fail: ""', "customers.texts.some_fail: found nothing; expected a text: a message must say how bad "
                           "it is")])
def test_a_text_that_could_not_be_said_is_refused_with_its_line(tmp_path: Path, line: str, expected: str) -> None:
    path = with_texts(tmp_path, line)
    number = path.read_text(encoding="utf-8").split("\n").index(line) + 1
    assert expected in said(path) and f"service.yaml:{number}: " in said(path)


def test_a_text_may_be_left_out_or_replaced(tmp_path: Path) -> None:
    service = read_file(with_texts(tmp_path, '    unsure: ""', '    all_fail: "No {name} since {since}, {{sorry}}."'))
    assert service.customers.texts["unsure"] == ""


@pytest.mark.parametrize(("language", "expected"), [
    ({"language": "de", "name": "", "texts": GERMAN}, "customers.languages[0].name: found nothing"),
    ({"language": "de", "name": "K", "texts": {k: v for k, v in GERMAN.items() if k not in ("again", "more")}},
     "customers.languages[0].texts: found no text for again, more; expected one for each sentence that is said"),
    ({"language": "de", "name": "K", "texts": GERMAN | {"more": "{since}"}},
     "customers.languages[0].texts.more: found the fact {since}; expected one of Name, more_by, name, zone")])
def test_a_further_language_says_all_that_the_first_one_says(tmp_path: Path, language: dict[str, object],
                                                             expected: str) -> None:
    path = tmp_path / "service.yaml"
    path.write_text(SHIPPED.replace("  languages: []", f"  languages: [{language!r}]"), encoding="utf-8")
    assert expected in said(path)


def test_an_update_is_due_after_some_time_or_never(tmp_path: Path) -> None:
    path = tmp_path / "service.yaml"
    path.write_text(SHIPPED.replace("update_seconds: 1800", "update_seconds: -1"), encoding="utf-8")
    assert "customers.update_seconds: found -1; expected seconds, or 0 for no promise" in said(path)
    path.write_text(SHIPPED.replace("update_seconds: 1800", "update_seconds: 0"), encoding="utf-8")
    assert read_file(path).customers.update_seconds == 0
