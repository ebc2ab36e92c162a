"""One mistake does not hide the others: in one file, over files, and whatever the mistakes are."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as some

from stacks.configuration import check_folder
from stacks.reading.problem import Problem
from tests.unit.cli.check.broken_files import BASE, CONTRADICTIONS, KINDS, NAMES, SECRETS, WARNINGS, Broken

SHOP = "shop.yaml"
ALONE = {"one source, where two must agree", "a vendor in another spelling", "a mode that may do nothing",
         "a web token in place of a number"}
"""What takes away whole sections, or changes what others are about."""
DEPENDS = {"a callee that is nobody": {"database", "dependencies", "providers"},
           "a window shorter than a period": {"metrics"}, "a role that nobody has": {"team"},
           "an entry that is nobody": {"components"}, "a developer of nobody's component": {"components"},
           "a component of the status page that is nobody": {"components"}, "two things of one name": {"components"},
           "more sources than there are": {"aws", "cluster", "metrics", "newrelic", "splunk", "prometheus", "providers",
                                           "database", "network"}}
"""What a check has to read before it can say so."""
APART = [broken for broken in (*KINDS, *SECRETS, *NAMES, *CONTRADICTIONS, *WARNINGS) if broken.name not in ALONE]


def told(problems: tuple[Problem, ...]) -> list[tuple[str, str]]:
    return [(problem.path, problem.found) for problem in problems]


def spans(broken: Broken) -> tuple[int, int]:
    start = BASE.index(broken.old)
    return start, start + len(broken.old)


def meet(one: Broken, other: Broken) -> bool:
    """Whether two change the same lines, or the same section."""
    return bool((sections(one) | DEPENDS.get(one.name, set())) & sections(other)
                or sections(one) & DEPENDS.get(other.name, set()))


def sections(broken: Broken) -> set[str]:
    return {said.field.partition(".")[0].partition("[")[0] for said in broken.said} | {
        line.partition(":")[0] for line in BASE[slice(*spans(broken))].split("\n") if line[:1].isalpha()}


def of_all(chosen: list[Broken]) -> str:
    text = BASE
    for broken in sorted(chosen, key=spans, reverse=True):
        start, end = spans(broken)
        text = text[:start] + broken.new + text[end:]
    return text


@settings(max_examples=20)
@given(some.lists(some.sampled_from(APART), min_size=2, max_size=6, unique_by=lambda broken: broken.name))
def test_mistakes_of_different_sections_are_all_named(chosen: list[Broken]) -> None:
    kept: list[Broken] = []
    for broken in chosen:
        if not any(meet(broken, other) for other in kept):
            kept.append(broken)
    with TemporaryDirectory() as folder:
        (Path(folder) / SHOP).write_text(of_all(kept), encoding="utf-8")
        paths = {path for path, _ in told(check_folder(Path(folder)).problems)}
    errors = {said.field for broken in kept for said in broken.said if said.severity == "error"}
    # A warning waits until what it is about can be read.
    assert errors <= paths


def test_the_mistakes_of_each_file_of_a_folder_are_named(tmp_path: Path) -> None:
    (tmp_path / "deployment.yaml").write_text("prefix: Stage\nkeys: {log: true}\n")
    (tmp_path / "a.yaml").write_text(BASE.replace("entry: web", "entry: [web"))
    (tmp_path / "b.yaml").write_text(BASE.replace("mode: observe", "mode: observe\nmode: auto"))
    (tmp_path / "c.yml").write_text(BASE.replace("give_up_seconds: 900", "give_up_seconds: 9"))
    (tmp_path / "d.yaml").write_text("")
    told = [str(problem).removeprefix(f"{tmp_path}/").partition("; ")[0].partition(": found")[0]
            for problem in check_folder(tmp_path).errors]
    assert told == ["a.yaml:16", "b.yaml:4: mode", "c.yml:82: recovery.give_up_seconds", "d.yaml: the file is empty",
                    "deployment.yaml:1: prefix", "deployment.yaml:2: keys.log"]


def test_what_is_wrong_in_form_does_not_hide_the_rest_of_the_file(tmp_path: Path) -> None:
    text = BASE.replace("description: Sells things.", 'description: "Sells things.').replace(
        "    calls: [orders]", "    calls: [orders").replace("cluster:\n  name", "cluster:\n\tname").replace(
        "mode: observe", "mode: obsreve").replace("hold_seconds: 300", "hold_seconds: 5m").replace(
        "  secret: responder/splunk\n", "  secret: responder/splunk\n  secret: responder/other\n").replace(
        "error_rate: 0.05\n  latency", "error_rate: 5%\n  latency", 1)
    (tmp_path / SHOP).write_text(text)
    problems = check_folder(tmp_path).problems
    lines = text.split("\n")
    assert [lines[problem.line - 1].strip() for problem in problems] == [
        'description: "Sells things.', "mode: obsreve", "name: shop-cluster", "calls: [orders",
        "secret: responder/other", "error_rate: 5%", "hold_seconds: 5m"]


def test_services_of_one_name_are_named_with_their_files(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(BASE)
    problem, = check_folder(tmp_path).problems
    assert str(problem) == f"{tmp_path}/b.yaml:1: service: found 'shop'; expected a name that a.yaml does not have"


def test_how_a_file_was_saved_moves_no_line_and_hides_nothing(tmp_path: Path) -> None:
    text = BASE.replace("mode: observe", "mode: obsreve")
    for content in (text.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + text.encode()):
        (tmp_path / SHOP).write_bytes(content)
        problem, = check_folder(tmp_path).problems
        assert (problem.line, problem.path) == (3, "mode")
    (tmp_path / SHOP).write_bytes(BASE.replace("\n", "\r\n").encode("utf-8-sig"))
    assert not check_folder(tmp_path).problems


def test_what_auto_says_holds_in_mode_auto_and_is_warned_of_before(tmp_path: Path) -> None:
    text = BASE.replace("provider_switch:\n  config_map: orders-config\n  key: PROVIDER\n", "").replace(
        "  roles: [sre]", "  roles: [sre]\n  two_person: [rollback]")
    for mode, level in (("observe", "warning"), ("approve", "warning"), ("auto", "error")):
        (tmp_path / SHOP).write_text(text.replace("mode: observe", f"mode: {mode}"))
        assert [(problem.path, problem.level) for problem in check_folder(tmp_path).problems] == [
            ("policy.switch_provider", level), ("approval.two_person[0]", level)]


def test_what_a_network_lacks_is_named_beside_other_mistakes_and_beside_other_files(tmp_path: Path) -> None:
    lacking = ("network:\n  subnets: [subnet-0a1b2c3d4e5f60718]\n  security_groups: [sg-0c1d2e3f405162738]\n"
               "  functions: [newrelic]\n  endpoints: [s3, secretsmanager]\n")
    (tmp_path / "a.yaml").write_text(
        BASE.replace("aws:\n", f"{lacking}aws:\n").replace("error_rate: 0.05", "error_rate: 5"))
    (tmp_path / "b.yaml").write_text(
        BASE.replace("service: shop", "service: shop-b").replace("mode: observe", "mode: x"))
    told = {(Path(problem.file).name, problem.path) for problem in check_folder(tmp_path).errors}
    assert {("a.yaml", "network.nat"), ("a.yaml", "alarms.error_rate"), ("b.yaml", "mode")} <= told
