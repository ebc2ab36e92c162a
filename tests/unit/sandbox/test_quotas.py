"""The sandbox's engine is as strict as AWS: each quota is broken here, by the engine's own way in."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from ministack.services import lambda_svc, stepfunctions
from ministack.services.cloudformation import provisioners

from sandbox.quotas import functions, states
from sandbox.quotas.rates import Buckets

_TOUCHED = {
    stepfunctions: ("_error_matches", "_execute_pass", "_execute_choice", "_execute_wait", "_execute_task",
                    "_execute_map", "_execute_parallel", "_invoke_resource", "_invoke_with_callback",
                    "_apply_state_assign", "_add_event", "_run_sub_machine", "_call_lambda"),
    lambda_svc: ("_acquire_execution_slot", "_ACCOUNT_CONCURRENCY_CAP", "_invoke", "_execute_function")}
CAUGHT = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, names in _TOUCHED.items():
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.setitem(provisioners._RESOURCE_HANDLERS, "AWS::Lambda::Function",
                        provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"])
    states.keep()
    functions.keep()


def run(machine: dict[str, Any], answer: Any = None, monkeypatch: pytest.MonkeyPatch | None = None,
        given: Any = None) -> dict[str, Any]:
    """Run an execution to its end; functions answer with ``answer``."""
    if monkeypatch:
        monkeypatch.setattr(stepfunctions, "_resolve_lambda_function_ref", lambda reference, optimized: reference)
        monkeypatch.setattr(stepfunctions, "_call_lambda", lambda function, event: answer(event))
        monkeypatch.setattr(stepfunctions, "_scaled_sleep", lambda seconds: None)
    execution: dict[str, Any] = {
        "executionArn": "e", "stateMachineArn": "m", "name": "n", "status": "RUNNING", "events": [],
        "input": json.dumps(given or {}), "startDate": "2026-11-26T00:00:00Z"}
    stepfunctions._executions["e"] = execution
    stepfunctions._state_machines["m"] = {"name": "m", "definition": json.dumps(
        {"QueryLanguage": "JSONata", **machine})}
    stepfunctions._run_execution("e")
    return execution


def task(catch: bool = True, **more: Any) -> dict[str, Any]:
    return {"StartAt": "Ask", "States": {
        "Ask": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True,
                "Arguments": {"FunctionName": "f", "Payload": {}}, "Output": "{% $states.result.Payload %}",
                **({"Catch": CAUGHT} if catch else {}), **more},
        "Caught": {"Type": "Pass", "End": True}}}


def test_an_answer_of_more_than_262144_bytes_ends_the_execution_and_no_catch_takes_it(
        monkeypatch: pytest.MonkeyPatch) -> None:
    fits = run(task(), lambda event: "x" * 262_000, monkeypatch)
    assert fits["status"] == "SUCCEEDED"
    # Bytes of UTF-8 count, not characters.
    for answer in ("x" * 262_200, "é" * 131_100):
        ended = run(task(), lambda event, answer=answer: answer, monkeypatch)
        assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_only_its_own_name_catches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    named = task(Catch=[{"ErrorEquals": ["States.DataLimitExceeded"], "Next": "Caught"}])
    assert run(named, lambda event: "x" * 300_000, monkeypatch)["status"] == "SUCCEEDED"


def test_the_answers_of_a_map_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = {"StartAt": "One", "States": {"One": {**task(False)["States"]["Ask"]}}}
    machine = {"StartAt": "All", "States": {
        "All": {"Type": "Map", "Items": "{% [1, 2, 3] %}", "ItemProcessor": inner, "Catch": CAUGHT, "End": True},
        "Caught": {"Type": "Pass", "End": True}}}
    ended = run(machine, lambda event: "x" * 80_000, monkeypatch)
    # AWS: 4 of the Map, 3 iterations of 2 and 5 events.
    assert (ended["status"], ended["history_length"]) == ("SUCCEEDED", 4 + 3 * (2 + 5))
    assert run(machine, lambda event: "x" * 90_000, monkeypatch)["error"] == "States.DataLimitExceeded"


def test_a_variable_has_a_size() -> None:
    machine = {"StartAt": "Keep", "States": {"Keep": {"Type": "Pass", "End": True, "Output": {}, "Assign": {
        "a": "{% $pad('', 140000, 'x') %}", "b": "{% $pad('', 140000, 'x') %}"}}}}
    assert run(machine)["error"] == "States.DataLimitExceeded"
    machine["States"]["Keep"]["Assign"].pop("b")
    assert run(machine)["status"] == "SUCCEEDED"


def test_an_execution_ends_with_its_25000th_event() -> None:
    machine = {"StartAt": "Round", "States": {"Round": {"Type": "Pass", "Next": "Round"}}}
    ended = run(machine)
    assert ended["status"] == "FAILED" and "history events" in ended["cause"]
    assert 24_990 <= ended["history_length"] <= 25_003


def test_a_throttled_function_is_tried_again_by_the_state_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def execute(function: Any, event: Any) -> dict[str, Any]:
        tries.append(1)
        return lambda_svc._throttle_response("ReservedFunctionConcurrentInvocationLimitExceeded", "Rate Exceeded") if (
            len(tries) < 4) else {"body": {"done": True}}

    there = {"concurrency": 1}, {"FunctionName": "f"}, "f"
    monkeypatch.setattr(lambda_svc, "_get_func_record_for_ref", lambda reference: there)
    monkeypatch.setattr(lambda_svc, "_execution_record_for_config", lambda function, config: {})
    monkeypatch.setattr(lambda_svc, "_execute_function_with_config_scope", execute)
    monkeypatch.setattr(stepfunctions, "_resolve_lambda_function_ref", lambda reference, optimized: reference)
    monkeypatch.setattr(stepfunctions, "_scaled_sleep", lambda seconds: None)
    retry = [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "MaxAttempts": 5}]
    ended = run(task(False, Retry=retry))
    assert (ended["status"], len(tries)) == ("SUCCEEDED", 4)
    tries.clear()
    assert run(task(False))["error"] == "Lambda.TooManyRequestsException"


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """Two functions, of which one reserves."""
    found = {name: {"config": {"FunctionName": name}, "concurrency": number}
             for name, number in (("page", 3), ("decide", 5), ("other", None))}
    monkeypatch.setattr(lambda_svc, "_functions", found)
    monkeypatch.setattr(lambda_svc, "_inflight_key", lambda config: config["FunctionName"])
    monkeypatch.setattr(lambda_svc, "_inflight", {})
    return found


def taken(deployed: dict[str, dict[str, Any]], name: str) -> tuple[int, str]:
    """How many of a function's executions begin, until one does not, and why."""
    for count in range(2000):
        slot, why = lambda_svc._acquire_execution_slot(deployed[name], deployed[name]["config"])
        if slot is None:
            return count, why
    return 2000, ""


def test_a_flood_takes_no_more_than_it_reserves_and_leaves_the_others_theirs(
        deployed: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(functions.CONCURRENCY_VARIABLE, "20")
    assert taken(deployed, "page") == (3, "function")
    assert taken(deployed, "other") == (20 - 3 - 5, "account")
    assert taken(deployed, "decide") == (5, "function")


def test_what_a_flood_takes_without_a_reservation_is_missing_to_all_that_reserve_nothing(
        deployed: dict[str, dict[str, Any]]) -> None:
    deployed["page"]["concurrency"] = None
    assert taken(deployed, "page") == (995, "account")
    assert taken(deployed, "other") == (0, "account")
    assert taken(deployed, "decide") == (5, "function")


def test_a_deployment_keeps_a_hundred_unreserved(deployed: dict[str, dict[str, Any]]) -> None:
    functions.check_reserved("decide", 897)
    with pytest.raises(ValueError, match="below its minimum value of"):
        functions.check_reserved("decide", 898)


def test_a_functions_environment_has_four_kilobytes() -> None:
    functions.check_environment("f", {"A": "x" * 4000})
    with pytest.raises(ValueError, match="4KB"):
        functions.check_environment("f", {"A": "x" * 4090})


def test_calls_of_a_control_plane_are_throttled_until_tokens_come_back() -> None:
    clock = [0.0]
    buckets = Buckets(lambda: clock[0])
    assert [buckets.take("eks", "DescribeCluster") for _ in range(11)].count(True) == 10
    clock[0] = 1.0
    assert [buckets.take("eks", "DescribeCluster") for _ in range(11)].count(True) == 5
    assert buckets.take("eks", "ListNodegroups") and buckets.take("eks", "CreateCluster")


def test_side_by_side_no_token_is_taken_twice() -> None:
    buckets, taken = Buckets(lambda: 0.0), []
    threads = [threading.Thread(target=lambda: taken.append(buckets.take("ssm", "GetParameter"))) for _ in range(80)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken.count(True) == 40
