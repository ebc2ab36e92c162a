"""An idle month's bill: each resource at its price, what schedules start, and the difference of two templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.app import built
from cli.costs.lines import Line, added, beyond, free, total
from cli.costs.month import of_template, unpriced
from cli.costs.schedules import calls_a_month
from responder.plan import own_metrics
from stacks.prices import MONTH_HOURS, PricesError, read, shipped
from tests.conftest import ROOT

SNAPSHOT = ROOT / "tests" / "stacks" / "snapshot.json"
PRICES = shipped()


def priced(resources: dict[str, Any]) -> dict[str, float]:
    """Part and thing to dollars."""
    return {f"{one.part}: {one.what}": one.dollars for one in of_template({"Resources": resources}, PRICES)}


def alarm(*periods: int) -> dict[str, Any]:
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [
        {"Id": "share", "Expression": "a / b"},
        *({"Id": f"m{number}", "MetricStat": {"Period": period, "Metric": {"MetricName": f"M{number}"}}}
          for number, period in enumerate(periods))]}}


def test_an_alarm_costs_by_its_metrics_and_more_where_its_period_is_short() -> None:
    assert priced({"A": alarm(60, 60, 300)}) == {"alarms: metrics of alarms": pytest.approx(0.30)}
    assert priced({"A": alarm(10, 10)}) == {"alarms: metrics of alarms, of 10 or 30 s": pytest.approx(0.60)}
    one = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Period": 10, "MetricName": "Requests"}}
    assert priced({"A": one}) == {"alarms: metrics of alarms, of 10 or 30 s": pytest.approx(0.30)}


def scheduled(handler: str, expression: str, **function: Any) -> dict[str, Any]:
    return {"Function": {"Type": "AWS::Lambda::Function", "Properties": {
                "Handler": f"responder.handlers.{handler}.handler", "MemorySize": 512, **function}},
            "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
            "Alias": {"Type": "AWS::Lambda::Alias", "Properties": {"FunctionName": {"Ref": "Function"}}},
            "Rule": {"Type": "AWS::Events::Rule", "Properties": {
                "ScheduleExpression": expression, "Targets": [{"Arn": {"Ref": "Alias"}}]}}}


def test_a_schedule_costs_what_its_function_runs_by_memory_and_architecture() -> None:
    runs = MONTH_HOURS * 12 * PRICES.use["sweep_seconds"].value / 2
    on_arm = priced(scheduled("sweep", "rate(5 minutes)", Architectures=["arm64"]))
    on_intel = priced(scheduled("sweep", "rate(5 minutes)"))
    assert on_arm["functions: GB-seconds of sweep"] == pytest.approx(runs * 0.0000133334)
    assert on_intel["functions: GB-seconds of sweep"] == pytest.approx(runs * 0.0000166667)
    assert "traces: traces" not in on_arm
    traced = priced(scheduled("sweep", "rate(5 minutes)", TracingConfig={"Mode": "Active"}))
    assert traced["traces: traces"] == pytest.approx(MONTH_HOURS * 12 * 0.000005)


def test_what_cannot_be_priced_is_named() -> None:
    resources = scheduled("sweep", "rate(5 fortnights)") | {"Bus": {"Type": "AWS::Nobody::Knows"}}
    assert unpriced({"Resources": resources}) == ("AWS::Nobody::Knows", "Rule")
    assert unpriced({"Resources": scheduled("newcomer", "rate(1 hour)")}) == ("schedule of newcomer",)
    assert unpriced(json.loads(SNAPSHOT.read_text())) == ()


@pytest.mark.parametrize(("expression", "calls"), [
    ("rate(1 minute)", 43_800), ("rate(2 hours)", 365), ("rate(1 day)", 730 / 24),
    ("cron(7 */3 * * ? *)", 8 * 730 / 24), ("cron(0,30 8-17 * * ? *)", 20 * 730 / 24),
    ("cron(5/20 1 * * ? *)", 3 * 730 / 24),
    ("cron(0 8 ? * MON-FRI *)", None), ("at(2026-11-26T10:00:00)", None)])
def test_schedules_are_counted_as_eventbridge_reads_them(expression: str, calls: float | None) -> None:
    assert calls_a_month(expression) == (pytest.approx(calls) if calls else None)


LINES = st.lists(st.builds(Line, st.sampled_from("ab"), st.sampled_from("xy"), st.floats(0.5, 100),
                           st.sampled_from(["alarm_metric", "trace"]), st.floats(0.5, 100)), max_size=8)


@given(LINES, LINES)
def test_a_difference_of_two_bills_is_the_difference_of_their_sums(less: list[Line], more: list[Line]) -> None:
    assert total(beyond([*less, *more], less)) == pytest.approx(total(more), abs=1e-6)
    assert total(added(less)) == pytest.approx(total(less))
    assert beyond(less, less) == ()


def test_free_allowances_pay_no_more_than_is_used() -> None:
    assert free([Line("alarms", "metrics", 4, "alarm_metric", 0.4)], PRICES) == pytest.approx(0.4)
    assert free([Line("alarms", "metrics", 40, "alarm_metric", 4.0)], PRICES) == pytest.approx(1.0)


def test_the_shipped_deployment_stays_within_what_its_page_says() -> None:
    """docs/costs.md says these; the snapshot is the template of the shipped configuration."""
    lines = of_template(json.loads(SNAPSHOT.read_text()), PRICES)
    assert total(lines) < 10.00
    by_part = {part: sum(one.dollars for one in lines if one.part == part) for part in {one.part for one in lines}}
    assert by_part["table"] < 0.15 and by_part["functions"] < 0.30
    assert max(by_part, key=lambda part: by_part[part]) == "alarms"


def test_a_further_service_stays_within_its_goal() -> None:
    """What a further service adds: its own alarms, their metric, and its share of what schedules start."""
    template = json.loads(SNAPSHOT.read_text())
    own = {f"Twin{name}": resource for name, resource in template["Resources"].items()
           if resource["Type"].startswith("AWS::CloudWatch") and "AlarmName" in resource["Properties"]}
    renamed = json.loads(json.dumps(own).replace('"Value": "payment-gateway"', '"Value": "payment-gateway-twin"'))
    two = {"Metadata": {"Services": {"a": {}, "b": {}}}, "Resources": {**template["Resources"], **renamed}}
    assert renamed
    assert 2.50 < total(beyond(of_template(two, PRICES), of_template(template, PRICES))) < 3.00


def test_a_large_cluster_hardly_makes_the_ledger_dearer(tmp_path: Path) -> None:
    """Reading 900 objects of 3 KB each minute would cost $3.70 a month."""
    many = tmp_path / "many.yaml"
    many.write_text("use: {ledger_objects: 900, ledger_object_kb: 3}")
    prices = read(many)
    table = sum(one.dollars for one in of_template(json.loads(SNAPSHOT.read_text()), prices) if one.part == "table")
    assert table < 0.2


# --- prices -----------------------------------------------------------------------------------------------------------

def test_the_functions_reckon_with_the_same_prices() -> None:
    """The functions cannot read the price list, which is not in their bundle."""
    assert PRICES["lambda_arm_gb_second"] == own_metrics._GB_SECOND
    assert PRICES["lambda_request"] == own_metrics._REQUEST
    assert PRICES["transition"] == own_metrics._TRANSITION


def test_a_file_of_ones_own_changes_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("region: eu-central-1\nprices: {alarm_metric: 0.08, key_month: {dollars: 1.2}}\n")
    prices = read(path)
    assert (prices["alarm_metric"], prices["key_month"], prices["dashboard"]) == (0.08, 1.2, 3.0)
    assert prices.prices["alarm_metric"].checked == "own" and prices.region == "eu-central-1"


@pytest.mark.parametrize(("text", "said"), [
    ("prices: {alarm_metrik: 1}", "prices.alarm_metrik is not known: 'alarm_metric'?"),
    ("prices: {alarm_metric: cheap}", "prices.alarm_metric: expected a number"),
    ("prices: {alarm_metric: -1}", "expected a number of at least 0"),
    ("prices: {alarm_metric: .nan}", "expected a number of at least 0"),
    ("prices: [1]", "prices: expected names with numbers"), ("price: {}", "expected region, date, prices"),
    ("", "expected")])
def test_a_file_that_cannot_be_used_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(PricesError) as refused:
        read(path)
    assert said in str(refused.value) and str(path) in str(refused.value)


# --- the command ------------------------------------------------------------------------------------------------------

def test_the_command_prices_a_template_and_holds_it_to_a_budget(tmp_path: Path) -> None:
    arguments = ["costs", "--template", str(SNAPSHOT), "--json"]
    done = CliRunner().invoke(built(), arguments)
    bill = json.loads(done.stdout)
    assert done.exit_code == 0 and bill["first_dollars"] == pytest.approx(
        sum(line["dollars"] for line in bill["first_service"]))
    assert CliRunner().invoke(built(), [*arguments, "--budget", "1"]).exit_code == 1
    half = tmp_path / "half.yaml"
    half.write_text("prices: {key_month: 0}")
    cheaper = json.loads(CliRunner().invoke(built(), [*arguments, "--prices", str(half)]).stdout)
    assert bill["first_dollars"] - cheaper["first_dollars"] == pytest.approx(PRICES["key_month"])


@pytest.mark.parametrize(("arguments", "said"), [
    (["--template", "nowhere.json"], "nowhere.json: expected a CloudFormation template"),
    (["--prices", "nowhere.yaml"], "nowhere.yaml"),
    (["--history", str(SNAPSHOT)], "expected the output of aws stepfunctions get-execution-history")])
def test_input_that_cannot_be_read_is_refused_in_one_sentence(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(built(), ["costs", *arguments])
    assert done.exit_code == 2 and said in done.stderr and "Traceback" not in done.stderr
