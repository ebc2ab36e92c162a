"""The probes run side by side: one that hangs, breaks or may not ask takes nothing from the others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cli.doctor.account import Account
from cli.doctor.model import VERDICTS, Check, Diagnosis, NotKnown, Probe, ordered, well
from cli.doctor.probes import every
from cli.doctor.render import render
from cli.doctor.run import diagnosed
from cli.doctor.surroundings import Surroundings
from responder.model.service import AwsAccount, Service
from stacks.deployment import Settings

ACCOUNT = cast(Account, SimpleNamespace(id="111111111111", region="us-east-1", caller="arn:aws:iam::1:user/ada"))


def surroundings(*services: Service) -> Surroundings:
    return Surroundings(Path("config"), Settings(), services, services, ACCOUNT, cast(Any, None))


def test_a_probe_that_hangs_or_breaks_is_not_known_and_the_others_are_judged(service: Service) -> None:
    def hangs(here: Surroundings) -> Iterator[Check]:
        time.sleep(5)
        yield well("late", "never seen")

    def breaks(here: Surroundings) -> Iterator[Check]:
        yield well("first", "seen before it broke")
        raise KeyError("Concurrency")

    def refused(here: Surroundings) -> Iterator[Check]:
        yield well("first", "seen before it was refused")
        raise NotKnown("you may not do events:ListRules", "ask")

    started = time.monotonic()
    found = diagnosed(surroundings(service), [
        Probe("hangs", "", hangs, seconds=0.3), Probe("breaks", "", breaks), Probe("refused", "", refused),
        Probe("fine", "", lambda here: [well("it", "works")])])
    assert time.monotonic() - started < 3
    verdicts = [(check.probe, check.verdict) for check in found.checks]
    assert verdicts == [("hangs", "unknown"), ("breaks", "unknown"), ("refused", "unknown"), ("refused", "well"),
                        ("fine", "well")]
    assert found.code == 3
    assert "within 0 s" in found.checks[0].says


@given(st.lists(st.sampled_from(VERDICTS)))
def test_the_exit_code_is_that_of_the_worst(verdicts: list[Any]) -> None:
    checks = tuple(Check("s", verdict, "it", probe="p") for verdict in verdicts)
    code = Diagnosis("", "", "", "", (), ordered(checks, ["p"])).code
    assert code == (1 if "broken" in verdicts else 3 if "unknown" in verdicts else 0)


def test_a_service_elsewhere_is_not_known_without_a_way_there(service: Service) -> None:
    far = replace(service, service="far", aws=AwsAccount(role_arn="arn:aws:iam::222222222222:role/responder"))
    here = surroundings(service, far)
    assert here.place(service) is ACCOUNT
    with pytest.raises(NotKnown, match="222222222222") as failed:
        here.place(far)
    assert failed.value.mend.startswith("--elsewhere far=PROFILE")
    found = list(here.of_each(lambda one: [well(here.place(one).id, "asked")]))
    assert [(check.service, check.verdict) for check in found] == [(service.service, "well"), ("far", "unknown")]


def test_what_is_printed_has_the_worst_first_and_how_to_mend_it(service: Service) -> None:
    probe = Probe("rules", "rules", lambda here: [well("rule [a]", "enabled"), Check(
        "rule [b]", "broken", "it is disabled", "aws events enable-rule --name b")])
    console = Console(record=True, width=200, file=open("/dev/null", "w"))  # noqa: SIM115
    render(console, diagnosed(surroundings(service), [probe]), [probe], every=False)
    text = console.export_text()
    assert "BROKEN  rule [b]: it is disabled\n          mend: aws events enable-rule --name b" in text
    assert "rule [a]" not in text
    assert "1 broken, 0 not known, 0 notes, 1 well." in text


def test_each_probe_has_a_name_of_its_own_and_says_which_rights_it_needs() -> None:
    probes = every()
    assert len({probe.name for probe in probes}) == len(probes) >= 25
    assert [probe.name for probe in probes if not probe.rights or not probe.about] == []
    docs = (Path(__file__).resolve().parents[4] / "docs" / "doctor.md").read_text(encoding="utf-8")
    assert [probe.name for probe in probes if f"| `{probe.name}` |" not in docs] == []
