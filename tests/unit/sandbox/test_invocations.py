"""How the engine starts and calls functions: code is unpacked once, and nobody waits for an event."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ministack.core import lambda_runtime
from ministack.services import lambda_svc, stepfunctions

from sandbox import invocations


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
    assert seen[0] == seen[1] != seen[2]


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
