"""The approval page in a browser: the buttons are in reach of a thumb, nothing covers or cuts anything."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from responder.handlers.approval_page import Shown, message_page, question_page
from responder.model.codec import encode
from responder.model.evidence import Bucket, Finding, Window
from responder.model.evidence.error_rate import ErrorRate
from responder.model.incident import Cause, Incident, IncidentRecord, Looked, Remedy, RemedyStatus
from responder.model.reference import Reference
from responder.plan.approvals import commands
from responder.plan.choices import Other, by_iam, choice_of
from responder.plan.question import question
from responder.plan.remedies.scale_up import Before, Parameters
from responder.records.links import Link
from responder.records.tasks import Task, Vote
from tests.conftest import ROOT, shipped_service
from tests.pages import needs_browser

NOW = 1_764_093_600.0
"""2025-11-25 18:00:00 UTC."""
INCIDENT = "payment-gateway-20251125T175800Z-a4d6"
POLICY = ["- networkpolicy/pci-lockdown", *(
    f'- egress.{rule}.to.0.ipBlock.cidr: "10.{rule}.0.0/16"\n- egress.{rule}.ports.0.port: {8000 + rule}'
    for rule in range(24)), '- podSelector.matchLabels.app.kubernetes.io/component: "payment-gateway"',
    '- policyTypes.0: "Egress"']
LOCKDOWN = Remedy(
    1, "restore_configuration", RemedyStatus.WAITING, "payment-gateway", "network", "network_policy",
    target="networkpolicy/pci-lockdown", deed="Delete the NetworkPolicy pci-lockdown",
    summary="delete the NetworkPolicy pci-lockdown (created 17:58:20 UTC by kubectl-create)",
    diff="\n".join(POLICY), risk="medium", reversible=True, reason="the policy for restore_configuration is approve",
    by_hand="kubectl -n payments delete networkpolicy pci-lockdown",
    undo="printf %s '" + json.dumps({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {
        "name": "pci-lockdown"}, "spec": {"podSelector": {}, "policyTypes": ["Egress"]}}, separators=(",", ":"))
    + "' | kubectl -n payments create -f -")
ROLLBACK = Remedy(
    1, "rollback", RemedyStatus.WAITING, "payment-gateway", "code_bug", "bad_release",
    target="deployment/payment-gateway", deed="Roll deployment/payment-gateway back to 1.0.0 (revision 1)",
    summary="roll deployment/payment-gateway back from 1.1.0 (revision 2), which came at 17:57:39 UTC, to 1.0.0 "
            "(revision 1)", risk="medium", reason="the mode is approve",
    diff='- template.spec.containers.app.image: "registry.example/payment-gateway:1.1.0"\n'
         '+ template.spec.containers.app.image: "registry.example/payment-gateway:1.0.0"',
    by_hand="kubectl -n payments rollout undo deployment/payment-gateway --to-revision=1",
    undo="kubectl -n payments rollout undo deployment/payment-gateway --to-revision=2")
SCALE = Remedy(
    1, "scale_up", RemedyStatus.WAITING, "backend", "overload", "more_traffic", target="deployment/backend",
    deed="Scale deployment/backend from 4 to 8 pods", risk="low", reversible=True, reason="the mode is approve",
    summary="scale deployment/backend from 4 to 8 pods for 155 requests/s (25 a pod)",
    diff="- replicas: 4\n+ replicas: 8", by_hand="kubectl -n payments scale deployment/backend --replicas=8",
    undo="kubectl -n payments scale deployment/backend --replicas=4", before=encode(Before(4)),
    parameters=encode(Parameters(8, "u", 25.0, 4, 12)))
OTHERS = (Other("2025-11-25T17:59:01.000Z#01", "restart of the pods of backend"),
          Other("2025-11-25T17:59:01.000Z#02", "restore of the configuration of backend"))
CAUSES = {
    "restore_configuration": Cause(
        "network", "network_policy", "payment-gateway", 0.997, "the NetworkPolicy pci-lockdown was created 5 s before "
        "the symptom began and denies egress of payment-gateway; connections to the database time out"),
    "rollback": Cause("code_bug", "bad_release", "payment-gateway", 0.999, "version 1.1.0 fails 42.6%, version 1.0.0 "
                      "0.5%, at the same time"),
    "scale_up": Cause("overload", "more_traffic", "backend", 0.93, "three times the usual traffic, CPU at the limit")}


def shown(remedy: Remedy, *, form: bool = True, later: tuple[Remedy, ...] = (), incident: dict[str, Any] | None = None,
          others: tuple[Other, ...] = (), **task: Any) -> Shown:
    """Return what the page shows of a question about a remedy, asked a minute ago."""
    asked = Task(INCIDENT, 1, "payment-gateway", "approval", NOW - 60, NOW + 840, ("sre: Ada Lovelace", "sre: Bo Li"),
                 otherwise="the next remedy follows: restart of the pods")
    asked = replace(asked, **task)
    failing = Finding(source="newrelic", component=remedy.component, value=0.426, baseline=0.004,
                      detail=ErrorRate(requests=400.0, errors=170.0, series=tuple(
                          Bucket(NOW - 60 + 10 * place, 400.0 / 6, 170.0 / 6) for place in range(6))),
                      window=Window(NOW - 60, NOW))
    record = IncidentRecord(
        replace(Incident(INCIDENT, "payment-gateway", "2025-11-25T17:58:00.000Z", kind="high_error_rate",
                         onset="2025-11-25T17:58:25.000Z", affected=(remedy.component,),
                         cause=CAUSES[remedy.action]), **(incident or {})),
        looked=(Looked("2025-11-25T17:59:00.000Z", "newrelic", "s", "2025-11-25T17:59:00.000Z", (failing,)),),
        remedies=(remedy, *later))
    service = shipped_service()
    fields = Link(INCIDENT, "01", "sre: Ada Lovelace", int(asked.expires_at)).fields("k" * 48)
    links = (Reference("Report", "https://eu-central-1.console.aws.amazon.com/s3/object/reports?region=eu-central-1"),
             Reference("New Relic: error rate of payment-gateway", "https://one.newrelic.com/launcher"))
    choice = choice_of(remedy)
    iam = commands("https://abcdefghijklmnop.lambda-url.eu-central-1.on.aws/", "eu-central-1", INCIDENT, "01",
                   "approval")
    return Shown(asked, record, remedy, question(service, record, remedy, asked.in_plan, NOW, others),
                 "\n".join([iam, *by_iam(choice, others)]), links, fields if form else None, choice, others)


VOTES = (Vote("person:ada", "Ada Lovelace (ada, role Responder of account 123456789012)", "arn",
              "2025-11-25T17:59:40.000Z"),)
ESCALATED = {"escalated_at": "2025-11-25T18:14:02.000Z", "status": "waiting for people"}
RESTARTED = Remedy(2, "restart_pods", RemedyStatus.REVERTED, "payment-gateway", deed="Restart 2 of 4 pods of "
                   "deployment/payment-gateway", applied_at="2025-11-25T18:14:20.000Z")
DONE = replace(ROLLBACK, status=RemedyStatus.VERIFIED, applied_at="2025-11-25T18:00:31.000Z",
               verified_at="2025-11-25T18:06:31.000Z")
PAGES: dict[str, Callable[[], str]] = {
    "delete": lambda: question_page(shown(LOCKDOWN), NOW),
    "rollback": lambda: question_page(shown(ROLLBACK), NOW),
    "scale": lambda: question_page(shown(SCALE, others=OTHERS), NOW),
    "expired": lambda: question_page(shown(
        replace(LOCKDOWN, status=RemedyStatus.REJECTED), later=(RESTARTED,), incident=ESCALATED), NOW + 1300),
    "decided": lambda: question_page(shown(
        DONE, decision="approve", decided_by="whoever holds the link sent to sre: Ada Lovelace",
        decided_at="2025-11-25T18:00:20.000Z", incident={"recovery_verified_at": "2025-11-25T18:06:31.000Z",
                                                         "recovered_at": "2025-11-25T18:01:02.000Z"}), NOW + 900),
    "two": lambda: question_page(shown(ROLLBACK, form=False, needed=2, votes=VOTES), NOW),
    "refused": lambda: message_page("This link cannot be used", (
        "Nothing was decided: this link cannot be used: two people must approve this, and a link says nothing of who "
        "holds it.", "Open the link of the newest message that you got, or answer in Slack or by IAM as the message in "
                     "the incident's channel says.")),
}


def written(folder: Path) -> list[Path]:
    """Write the pages to a folder, and return their paths."""
    for name, page in PAGES.items():
        (folder / f"{name}.html").write_text(page())
    return sorted(folder.glob("*.html"))


def looked(script: str, folder: Path, files: list[Path]) -> dict[str, Any]:
    """Return what a script says of pages in a headless Chromium."""
    done = subprocess.run(["node", str(ROOT / "tests" / "pages" / f"{script}.mjs"), str(folder), *map(str, files)],
                          capture_output=True, text=True, timeout=300, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads((folder / f"{script}.json").read_text())
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs_browser()
    return tmp_path_factory.mktemp("approval")


@pytest.fixture(scope="module")
def reach(folder: Path) -> dict[str, Any]:
    return {f"{name} at {width}": page for name, pages in looked("reach", folder, written(folder)).items()
            for width, page in pages.items()}


def test_the_buttons_are_in_reach_without_scrolling_and_large_enough(reach: dict[str, Any]) -> None:
    for name, page in reach.items():
        decide = [button for button in page["buttons"] if button["text"] in ("Reject", "Approve")]
        wanted = ["Reject", "Approve"] if name.split()[0] in ("delete", "rollback", "scale") else []
        assert [button["text"] for button in decide] == wanted, name
        assert all(button["seen"] for button in decide), name
        for button in page["buttons"]:
            assert button["height"] >= 44 and button["width"] >= 44, (name, button)


def test_nothing_overlaps_is_covered_or_cut(reach: dict[str, Any]) -> None:
    assert {name: (page["overlaps"], page["cut"], page["covered"], page["wider"]) for name, page in reach.items()} == {
        name: ([], [], 0, 0) for name in reach}


def test_the_keyboard_reaches_every_block_and_button_and_shows_where_it_is(reach: dict[str, Any]) -> None:
    for name, page in reach.items():
        assert [stop for stop in page["stops"] if stop["outline"] == "none" or stop["hidden"]] == [], name
        reached = [stop["text"] for stop in page["stops"] if stop["tag"] == "BUTTON"]
        assert reached == [button["text"] for button in page["buttons"]], name


def test_no_button_is_printed(reach: dict[str, Any]) -> None:
    assert {name for name, page in reach.items() if page["printed"]} == set()


def test_no_request_leaves_the_page_and_axe_finds_nothing_in_light_or_dark(folder: Path) -> None:
    seen = looked("look", folder, written(folder))
    assert {name: (page["requests"], page["errors"], page["violations"]) for name, page in seen.items()} == {
        name: ([], [], []) for name in PAGES}
