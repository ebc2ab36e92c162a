"""How the engine starts and calls functions: what they find, and that nobody waits for an event or for a log."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ministack.core import lambda_runtime
from ministack.services import dynamodb, lambda_svc, stepfunctions

from sandbox import invocations, runtime


def test_code_is_unpacked_once_and_each_process_sees_all_of_it(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invocations, "_UNPACKED", tmp_path / "functions")
    monkeypatch.setattr(lambda_runtime, "zipfile", lambda_runtime.zipfile)
    invocations.unpack_code_once()
    seen = []
    for version in ("one", "one", "two"):
        place = tmp_path / f"place-{len(seen)}"
        place.mkdir()
        with zipfile.ZipFile(tmp_path / "code.zip", "w") as code:
            code.writestr(zipfile.ZipInfo("responder/handler.py"), version)
        with lambda_runtime.zipfile.ZipFile(str(tmp_path / "code.zip")) as given:
            given.extractall(str(place))
        seen.append((place / "responder" / "handler.py").resolve())
        assert seen[-1].read_text() == version
        assert list(seen[-1].parent.glob("__pycache__/handler.*.pyc"))
    assert seen[0] == seen[1] != seen[2]


def test_a_function_finds_the_sdk_and_nothing_else_of_this_machine(tmp_path: Path) -> None:
    """So what its package lacks fails here as in Lambda, and what is there by chance changes nothing."""
    code = ("import importlib.util, json\n"
            "print(json.dumps([name for name in ('boto3', 'botocore', 'h2', 'rich', 'pytest', 'httpx', 'responder')"
            " if importlib.util.find_spec(name)]))")
    done = subprocess.run([runtime.python(tmp_path), "-c", code], cwd="/", capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == ["boto3", "botocore"]


LOGGING = """
import json, sys
for line in sys.stdin:
    for number in range(json.loads(line)):
        print(f"line {number}", file=sys.stderr, flush=True)
    print("done", flush=True)
"""


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """A function's process with the engine's own reader of its log."""
    monkeypatch.setattr(lambda_runtime.Worker, "_drain_stderr_bounded", lambda_runtime.Worker._drain_stderr_bounded)
    invocations.answer_without_waiting_for_logs()
    made = lambda_runtime.Worker("f", {}, b"")
    made._proc = subprocess.Popen([runtime.python(tmp_path), "-c", LOGGING], text=True, bufsize=1,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    made._stderr_queue = lambda_runtime.queue.Queue()
    threading.Thread(target=made._read_stderr, daemon=True).start()
    yield made
    made._proc.kill()
    made._proc.wait()


@pytest.mark.parametrize("lines", [0, 1, 500])
def test_an_answer_has_its_whole_log_and_waits_for_no_other(worker: Any, lines: int) -> None:
    waited = []
    for _ in range(5):
        worker._proc.stdin.write(f"{lines}\n")
        worker._proc.stdin.flush()
        worker._proc.stdout.readline()
        began = time.monotonic()
        assert worker._drain_stderr_bounded().splitlines() == [f"line {number}" for number in range(lines)]
        waited.append(time.monotonic() - began)
    # The engine's own wait is 50 ms where nothing is logged; a busy machine may be late now and then.
    assert lines or min(waited) < 0.04


def test_a_task_does_not_wait_for_an_event_and_waits_for_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, waited = threading.Event(), threading.Event()
    events: list[Any] = []

    def asynchronously(function: Any, event: Any) -> None:
        events.append(event)
        threading.Thread(target=lambda: (begun.set(), waited.wait(5)), daemon=True).start()

    monkeypatch.setattr(stepfunctions, "_invoke_resource", lambda resource, given: {"StatusCode": 200})
    monkeypatch.setattr(lambda_svc, "_get_func_record_for_ref", lambda name: (
        ({"config": {}}, {"FunctionName": name}, name) if name == "there" else (None, None, name)))
    monkeypatch.setattr(lambda_svc, "invoke_async_with_retry", asynchronously)
    invocations.invoke_events_without_waiting()
    invoke, resource = stepfunctions._invoke_resource, "arn:aws:states:::lambda:invoke"
    given = {"FunctionName": "there", "InvocationType": "Event", "Payload": {"warm": True}}
    assert invoke(resource, given)["StatusCode"] == 202
    assert begun.wait(5) and events == [{"warm": True}]
    assert invoke(resource, given | {"InvocationType": "RequestResponse"})["StatusCode"] == 200
    with pytest.raises(stepfunctions._ExecutionError):
        invoke(resource, given | {"FunctionName": "nowhere"})
    waited.set()


def test_an_execution_starts_at_once_and_a_wait_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    for name in ("_run_execution", "time"):
        monkeypatch.setattr(stepfunctions, name, getattr(stepfunctions, name))
    monkeypatch.setattr(invocations, "time", SimpleNamespace(**{**vars(time), "sleep": slept.append}))
    invocations.start_executions_at_once()
    machine = stepfunctions._create_state_machine({
        "name": "waits", "roleArn": "arn:aws:iam::000000000000:role/r", "definition": json.dumps({
            "StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 70, "End": True}}})})
    execution = json.loads(stepfunctions._start_execution({
        "stateMachineArn": json.loads(machine[2])["stateMachineArn"]})[2])["executionArn"]
    end = time.monotonic() + 10
    while stepfunctions._executions[execution]["status"] == "RUNNING" and time.monotonic() < end:
        time.sleep(0.01)
    assert slept == [70.0]


def test_entries_of_a_stream_are_gathered_until_the_window_of_their_mapping_has_passed(
        monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda Developer Guide, "Batching behavior". Whoever reads the stream itself waits for nothing."""
    stream, now, handed = ["first"], SimpleNamespace(seconds=100.0), list[list[str]]()
    position = 0

    def poll() -> bool:
        nonlocal position
        if found := dynamodb.stream_records_since("timeline", position, 10):
            handed.append(found)
            position += len(found)
        return bool(found)

    for table, seconds in (("other", 9), ("timeline", 3)):
        monkeypatch.setitem(lambda_svc._esms, table, {
            "UUID": table, "EventSourceArn": f"arn:aws:dynamodb:here:0:table/{table}/stream/label",
            "MaximumBatchingWindowInSeconds": seconds})
    monkeypatch.setattr(lambda_svc, "_poll_dynamodb_streams", poll)
    monkeypatch.setattr(dynamodb, "stream_records_since", lambda table, since, most: stream[since:since + most])
    monkeypatch.setattr(invocations, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    invocations.wait_for_the_batching_window()
    assert not lambda_svc._poll_dynamodb_streams() and dynamodb.stream_records_since("timeline", 0, 10) == ["first"]
    stream.append("second")
    now.seconds += 2.9
    assert not lambda_svc._poll_dynamodb_streams() and not handed
    now.seconds += 0.1
    assert lambda_svc._poll_dynamodb_streams() and handed == [["first", "second"]]
    stream.append("third")
    now.seconds += 60
    assert not lambda_svc._poll_dynamodb_streams()  # its window begins with it
    now.seconds += 3
    assert lambda_svc._poll_dynamodb_streams() and handed[1:] == [["third"]]
