"""Killing AWS's engine in the middle of an incident: what is refused before anything is started."""

from __future__ import annotations

import pytest

from sandbox import killed


def test_a_state_that_the_plan_does_not_have_is_refused_with_those_that_it_has(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(killed, "tried", lambda *given: pytest.fail("it was started"))
    with pytest.raises(SystemExit) as ended:
        killed.main(["--state", "Apply the remedy", "--state", "Apply a remedy"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "'Apply a remedy'" in said and "Apply the remedy, " in said and "Wait for the recovery" in said
