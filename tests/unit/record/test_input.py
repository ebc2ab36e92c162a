"""Bad input: the configuration and the drills say where, what was found and what is expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.control_plane import binaries
from sandbox.drill.contract import ContractError, read
from sandbox.places import Ports, SandboxError
from stacks.configuration import ConfigurationError, read_file, read_folder
from tests.conftest import ROOT

SHIPPED = (ROOT / "config" / "payment-gateway.yaml").read_text()


@pytest.mark.parametrize(("old", "new", "said"), [
    ("hold_seconds: 300", "hold_secs: 300", "recovery.hold_secs: found an unknown field; expected 'hold_seconds'?"),
    ("mode: observe", "mode: aut", "mode: found 'aut'"),
    ("entry: frontend", "entry: fronted", "entry: found 'fronted'"),
    ("calls: [backend]", "calls: [backnd]", "expected 'backend'?"),
    ("rollback: auto", "rolback: auto", "expected 'rollback'?"),
    ("account: 1234567", "account: abc", "newrelic.account: found 'abc'"),
    ("https://splunk.internal.example:8089", "http://splunk.internal.example:8089", "an https:// address"),
    ('runbook: ""', "runbook: http://wiki.example/x", "links.runbook: found 'http://wiki.example/x'; expected an https://"),
    ('dashboard: ""', 'dashboard: "https://x.example/<a|b>"', "links.dashboard: found"),
    ("runbooks: {}", "runbooks: {code_bugs: https://wiki.example}", "expected 'code_bug'?"),
    ("{observe: warning,", "{observe: low,", "pagerduty.severity.observe: found 'low'"),
    ("service: payment-gateway ", "service: Payment_Gateway ", "lower-case letters"),
    ("cluster:\n", "clstr:\n", "clstr: found an unknown field; expected 'cluster'?"),
    ("mode: observe", "mode: [", "found a [ that is never closed"),
    ("target: fallback", "target: fallbck", "probes[2].target: found 'fallbck'; expected 'fallback'?"),
    ("target: fallback", "target: ledger", "found 'ledger'; expected a component, the database, a provider"),
    ("target: fallback", "target: primary", "a target that no other probe has"),
    ("host: api.fallback.example, port: 443", "host: https://api.fallback.example, port: 443",
     "probes[2].host: found 'https://api.fallback.example'; expected a host's name or IPv4 address alone"),
    ("api.fallback.example, port: 443", "api.fallback.example, port: 70000",
     "probes[2].port: found 70000; expected 1 to 65535"),
    ("subnet-0b1c2d3e4f5061728", "subnet-mine", "network.subnets[1]: found 'subnet-mine'; expected an id like subnet-"),
    ("freezes: []", 'freezes: [{start: "fri 18:00", end: "mon 25:00"}]', "freezes[0].end: found 'mon 25:00'"),
    ("freezes: []", 'freezes: [{start: "2026-12-24T00:00:00", end: "2026-12-27T00:00:00"}]', "a time with its zone"),
    ("freezes: []", 'freezes: [{start: "fri 18:00", end: "2026-12-27T00:00:00Z"}]', "of the same kind as start"),
    ("freezes: []", 'freezes: [{start: "2026-12-27T00:00:00Z", end: "2026-12-24T00:00:00Z"}]', "a time after start"),
    ("freezes: []", 'freezes: [{start: "fri 18:00", end: "mon 06:00", allows: [rolback]}]', "expected 'rollback'?"),
    ("wait_seconds: 900             #", "wait_seconds: -5 #", "approval.wait_seconds: found -5; expected 10 to 86400"),
    ("two_person: []", "two_person: [restore-database]", "expected 'restore_database'?"),
    ("roles: [sre]", "roles: [nobody]", "approval.roles[0]: found 'nobody'; expected a role of the team"),
    ("links: low", "links: true", "approval.links: found true; expected 'none', 'low' or 'medium'"),
    ("links: low", "links: high", "approval.links: found 'high'; expected 'none', 'low' or 'medium'"),
    ("Network team, role: network", "Network team, role: network, slack: C0ALL", "team[2].slack: found 'C0ALL'"),
    ("Network team, role: network", "Network team, role: network, email: team", "team[2].email: found 'team'"),
    ("Network team, role: network", "Network team, role: network, iam: ada", "team[2].iam: found 'ada'; expected arn:"),
    ("Network team, role: network", 'Network team, role: network, iam: "arn:aws:sts::123456789012:assumed-role/R/*"',
     "with * in the role alone"),
    ("on call, role: sre}", "Ada, role: sre}\n  - {name: network  Team, role: sre}", "team[3].name: found"),
    ("on call, role: sre}", "on call, role: sre, slack: U1}\n  - {name: Bo, role: sre, slack: U1}",
     "team[1].slack: found 'U1'; expected another than that of Site reliability engineer on call"),
    ("on call, role: sre}", "on call, role: sre, email: a@x}\n  - {name: Bo, role: sre, email: A@x}",
     "team[1].email"),
    ("prefix: inc ", "team: acme\n  prefix: inc ", "slack.team: found 'acme'; expected an id such as T0123456789"),
    ("payments-pg16 ", "default.postgres16 ", "parameter_group: found 'default.postgres16'; expected the name of"),
    ('cluster_parameter_group: ""', "cluster_parameter_group: payments-pg16",
     "database.cluster_parameter_group: found 'payments-pg16'; expected the DB cluster's group, whose name is another"),
    ('cluster: ""  ', "cluster: payments-db  ", "database.cluster: found 'payments-db'; expected the DB cluster's"),
    ('proxy: ""  ', "proxy: pay.proxy-abc.rds.example  ", "database.proxy: found 'pay.proxy-abc.rds.example'"),
    ("instance: payments-db  ", 'instance: ""  ', "expected database.instance or database.cluster"),
    ("[sg-0c1d2e3f405162738]", "[]", "network.security_groups: found none; expected at least one"),
    ("canaries: [payments-checkout]", "canaries: payments-checkout",
     "metrics.canaries: found 'payments-checkout'; expected a list: [payments-checkout]"),
    ('time_zone: ""', "time_zone: Europe/Berlni", "time_zone: found 'Europe/Berlni'; expected 'Europe/Berlin'?"),
    ("sev3: [{affected_share: 0.01}]", "sev3: [{affected_share: 5}]", "sev3[0].affected_share: found 5; expected a"),
    ("sev3: [{affected_share: 0.01}]", "sev3: [{money: 9}]", "sev3[0].money: found 9; expected reports.payment"),
    ("lock_days: 0 ", "payment: {average: 40, currency: Euro}\n  lock_days: 0 ", "payment.currency: found 'Euro'"),
    ("lock_days: 0 ", "objective: {success_share: 99.9, requests_per_day: 0}\n  lock_days: 0 ",
     "objective.success_share: found 99.9; expected a share between 0 and 1"),
    ("error_rate: 0.05 ", "error_rate: 5% ", "error_rate: found '5%'; expected a share such as 0.05 for 5%"),
    ("hold_seconds: 300", "hold_seconds: 5m", "found '5m'; expected seconds as a number, such as 300"),
    ("mode: observe", "datadog: {}", "datadog: unknown source 'datadog'; known are metrics (CloudWatch), newrelic, "),
    ("mode: observe", "opsgenie: {}", "opsgenie: unknown channel 'opsgenie'; known are notify_emails, pagerduty, "),
    ("mode: observe", "mode: observe\nmode: auto", "mode: found a field that line 9 has already; expected each field"),
    ("{name: frontend, role: frontend,", "{name: frontend, name: backend,",
     "components[0].name: found a field that line"),
    ("cluster:\n", "cluster:\n\t", "a tab; YAML is indented with spaces"),
    ("namespace: payments  ", "namespace: 7  ", "cluster.namespace: found 7; expected a text"),
    ("cloudtrail: true", "cloudtrail: perhaps", "aws.cloudtrail: found 'perhaps'; expected true or false"),
])
def test_a_broken_configuration_names_the_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in SHIPPED
    file = tmp_path / "x.yaml"
    file.write_text(SHIPPED.replace(old, new, 1))
    with pytest.raises(ConfigurationError) as raised:
        read_file(file)
    assert said in str(raised.value)
    assert f"{file}:" in str(raised.value)


@pytest.mark.parametrize(("content", "said"), [
    (None, "x.yaml: no such file"), (b"", "x.yaml: the file is empty"), (b"# nothing\n", "x.yaml: the file is empty"),
    (b"\xff\xfe", "x.yaml: found a file in UTF-16; expected UTF-8"),
    (b"- a\n", "x.yaml:1: found a list; expected a mapping of fields"),
    (b"service: x\n\tmode: auto\n", "x.yaml:2: a tab; YAML is indented with spaces"),
    (b"service: x\nmode: auto\n\nmode: observe\n",
     "x.yaml:4: mode: found a field that line 2 has already; expected each field once"),
    (b"policy: {rollback: off}\n",
     "x.yaml:1: policy.rollback: found off, which YAML reads as false; expected 'off' in quotes, "),
    (b"when: 2026-13-45\n", "x.yaml:1: when: found an unknown field"),
    (b"service: \x00\n", "x.yaml:1: found a control character (U+0000)"),
    (b"&a [*a]\n", "x.yaml:1: found a list"),
    (b"1: x\n", "x.yaml:1: 1: found 1, a number; expected a field's name"),
])
def test_a_file_that_is_no_configuration_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "x.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError) as raised:
        read_file(file)
    assert said in str(raised.value)


def test_a_folder_without_a_configuration_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"the folder has no \.yaml file; each service needs one"):
        read_folder(tmp_path)


def test_two_people_must_be_there_to_approve_as_two(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    one = SHIPPED.replace("two_person: []", "two_person: [rollback]").replace(
        "on call, role: sre}", "on call, role: sre, iam: 'arn:aws:iam::123456789012:user/ada'}")
    file.write_text(one)
    with pytest.raises(ConfigurationError, match=r"approval\.two_person: found 1 of approval.roles with an identity"):
        read_file(file)
    file.write_text(one.replace("name: Network team, role: network", "name: Bo, role: sre, slack: U2"))
    assert read_file(file).approval.two_person == ("rollback",)


def test_services_that_are_probed_share_a_network(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SHIPPED)
    other = SHIPPED.replace("service: payment-gateway ", "service: other ", 1)
    (tmp_path / "b.yaml").write_text(other)
    assert len(read_folder(tmp_path)) == 2
    (tmp_path / "b.yaml").write_text(other.replace("sg-0c1d2e3f405162738", "sg-0c1d2e3f405162739"))
    with pytest.raises(ConfigurationError, match="expected a name that no other network has"):
        read_folder(tmp_path)


def test_the_shipped_configuration_observes() -> None:
    service, = read_folder(ROOT / "config")
    assert service.mode == "observe"


DRILL = """name: x
about: y
events:
- at: 0s
  release: {component: payment-gateway, version: 1.1.0, error_rate: 0.4}
expect: {outcome: resolved}
"""


@pytest.mark.parametrize(("old", "new", "line", "said"), [
    ("error_rate: 0.4", "error_rte: 0.4", 5, "'error_rate'?"),
    ("release:", "relase:", 4, "'release'"),
    ("release: {component: payment-gateway, version: 1.1.0, error_rate: 0.4}", "provider: {fault: gone}", 5,
     "'down', 'errors', 'slow', "),
    ("at: 0s", "at: soon", 4, "a duration"),
    ("outcome: resolved", "outcome: fine", 6, "outcome"),
    ("component: payment-gateway", "component: gateway", 5, "payment-gateway"),
    ("name: x", "name: X Y", 1, "name"),
    ("release: {component: payment-gateway, version: 1.1.0, error_rate: 0.4}", "traffic: {factor: 4, client: me}", 5,
     "an IP address"),
    ("release: {component: payment-gateway, version: 1.1.0, error_rate: 0.4}",
     "traffic: {factor: 0.5, client: 192.0.2.1}", 5, "a factor above 1"),
    ("about: y", "abot: y", 2, "'about'?"),
])
def test_a_drill_that_does_not_fit_is_refused(tmp_path: Path, old: str, new: str, line: int, said: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(DRILL.replace(old, new, 1))
    with pytest.raises(ContractError) as raised:
        read([file])
    assert said in str(raised.value)
    assert any(abs(problem.line - line) <= 1 for problem in raised.value.problems)


def test_a_port_that_is_taken_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        if port > 64000:
            pytest.skip("the system gave a port too high for all in a row")
        monkeypatch.setenv("SANDBOX_PORT", str(port))
        with pytest.raises(SandboxError, match=str(port)):
            Ports.planned().check_free()


def test_assets_without_the_scheduler_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    with pytest.raises(SandboxError, match="kube-scheduler"):
        binaries.find()


def test_every_drill_of_the_catalogue_fits_the_contract() -> None:
    folders = [folder for folder in [ROOT / "drills", *(ROOT / "drills").rglob("*/")] if any(folder.glob("*.yaml"))]
    assert len(read(folders)) > 150


def test_the_drills_that_came_with_the_contract_fit_it() -> None:
    folder = ROOT.parent / "shared" / "drills"
    if not folder.is_dir():
        pytest.skip("only where the contract lies beside the repository")
    assert len(read([folder])) >= 3


@pytest.mark.parametrize(("text", "said"), [
    ("name: My Drill", "name: found 'My Drill'; expected lower-case letters, digits, hyphens"),
    ("about: [a]", "about: found ['a']; expected a text"),
    ("start: {requests_per_second: many}", "start.requests_per_second: found 'many'; expected a number"),
    ("events: []", "events: found []; expected at least one"),
    ("events: [{at: 0s, alarm: {count: many}}]", "events[0].alarm.count: found 'many'; expected a whole number"),
    ("events: [{at: 0s, release: {component: backend, version: '-1'}}]",
     "expected letters, digits, dots, hyphens, underscores"),
    ("events: [{at: 0s, pods: {component: backend, fault: deadlocked, count: 1}}]",
     "expected no count: all pods wait for each other"),
    ("events: [{at: 0s, aws_health: {service: '', code: X}}]", "expected a text that is not empty"),
    ("people: {answer: approve}", "people: found {'answer': 'approve'}; expected a list"),
    ("expect: {outcome: resolved, never: [scaleup]}", "'scale_up' in place of 'scaleup'?"),
])
def test_a_drill_says_in_words_what_is_expected(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "x.yaml"
    given = {**dict(line.split(": ", 1) for line in ("name: x", "about: y", "events: [{at: 0s, alarm: {}}]")),
             **dict([text.split(": ", 1)])}
    file.write_text("".join(f"{key}: {value}\n" for key, value in given.items()))
    with pytest.raises(ContractError) as raised:
        read([file])
    assert said in str(raised.value)


@pytest.mark.parametrize(("content", "said"), [
    (None, "nope.yaml: no such file"), (b"", "nope.yaml: the file is empty"),
    (b"\xff\xfe", "nope.yaml: not a text file in UTF-8 (byte 0)"), (b"- a\n", "found a list; expected a mapping"),
    (b"name: x\n\tabout: y\n", "a tab; YAML is indented with spaces"),
])
def test_a_file_that_is_no_drill_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "nope.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ContractError) as raised:
        read([file])
    assert said in str(raised.value)


def test_a_folder_without_drills_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"the folder has no \.yaml file"):
        read([tmp_path])
