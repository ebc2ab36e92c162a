"""How the engine starts and calls functions, where it differs from Lambda in what an incident's speed depends on."""

from __future__ import annotations

import compileall
import contextvars
import hashlib
import os
import queue
import select
import shutil
import threading
import time
from contextlib import suppress
from pathlib import Path
from py_compile import PycInvalidationMode
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import dynamodb, lambda_svc, stepfunctions

from sandbox import runtime
from sandbox.places import STATE

_UNPACKED, _RUNTIME = STATE / "functions", STATE / "runtime"


def run_on_the_runtime_alone() -> None:
    """A function sees all packages of the engine's own environment; Lambda's runtime has the SDK alone."""
    detected, python = lambda_runtime._detect_runtime_binary, str(runtime.python(_RUNTIME))

    def detect(name: str) -> tuple[str, str]:
        binary, script = detected(name)
        return (python if name.startswith("python") else binary), script

    lambda_runtime._detect_runtime_binary = detect


def wait_for_the_batching_window() -> None:
    """A table's stream is handed over at once, whatever ``MaximumBatchingWindowInSeconds`` says.

    Lambda gathers what comes from the first entry on (Lambda Developer Guide: "Batching behavior"). Here the window
    begins with entries that the mapping filters out too, and is asked for once a second where nothing comes.
    """
    poll, since = lambda_svc._poll_dynamodb_streams, dynamodb.stream_records_since
    polled = contextvars.ContextVar("polled", default=False)
    waited: dict[str, tuple[int, float]] = {}

    def poll_gathered() -> bool:
        token = polled.set(True)
        try:
            return bool(poll())
        finally:
            polled.reset(token)

    def gathered(table: str, position: int, limit: int, **scope: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = since(table, position, limit, **scope)
        if not polled.get() or not found:
            return found
        if waited.get(table, (-1, 0.0))[0] != position:
            waited[table] = position, time.monotonic()
        return found if time.monotonic() >= waited[table][1] + _window_seconds(table) else []

    lambda_svc._poll_dynamodb_streams, dynamodb.stream_records_since = poll_gathered, gathered


def _window_seconds(table: str) -> float:
    return max((float(mapping.get("MaximumBatchingWindowInSeconds") or 0) for mapping in lambda_svc._esms.values()
                if f":table/{table}/stream/" in mapping.get("EventSourceArn", "")), default=0.0)


def answer_without_waiting_for_logs() -> None:
    """After each call of a function, the engine waits 5 to 50 ms for lines of its log that may come yet.

    In Lambda, who has called gets the answer, and the log goes its own way. What a worker logged before it answered is
    in its pipe already, so it is read there.
    """

    def read(worker: Any) -> None:
        worker.log = log = _Log(worker._proc, worker._stderr_queue)
        log.read_to_its_end()

    def drain(worker: Any, *_: float) -> str:
        lines: list[str] = []
        if log := getattr(worker, "log", None):
            log.read()
        with suppress(queue.Empty):
            while True:
                lines.append(worker._stderr_queue.get_nowait())
        return "\n".join(lines)

    lambda_runtime.Worker._read_stderr = read
    lambda_runtime.Worker._drain_stderr_bounded = drain


class _Log:
    """The log of a process: who reads of it puts the lines into the queue before another one may look."""

    def __init__(self, process: Any, lines: queue.Queue[str]) -> None:
        self._lines, self._begun, self._lock, self._ended = lines, b"", threading.Lock(), False
        # One of its own: the engine closes the process's, and the number would be another file's.
        self._file = os.dup(process.stderr.fileno())

    def read_to_its_end(self) -> None:
        """Read whatever comes, until the process has ended."""
        while not self._ended:
            self._wait(None)
            self.read()
        os.close(self._file)

    def read(self) -> None:
        """Read what is there."""
        with self._lock:
            while not self._ended and self._wait(0):
                found = os.read(self._file, 65536)
                self._ended = not found
                *lines, self._begun = (self._begun + (found or b"\n")).split(b"\n")
                for line in lines:
                    if line or found:
                        self._lines.put(line.decode(errors="replace"))

    def _wait(self, milliseconds: int | None) -> bool:
        waiting = select.poll()
        waiting.register(self._file, select.POLLIN)
        return bool(waiting.poll(milliseconds))


def unpack_code_once() -> None:
    """Each start of a function unpacks its code, half a second of the engine's one thread.

    Lambda does that on machines of its own. Here all processes of the same code share one folder.
    """
    shutil.rmtree(_UNPACKED, ignore_errors=True)
    lambda_runtime.zipfile = SimpleNamespace(ZipFile=_Unpacked)


class _Unpacked:
    """A zip file whose folders are links to the one copy that was unpacked."""

    _lock = threading.Lock()
    _whole = lambda_runtime.zipfile.ZipFile

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def __enter__(self) -> _Unpacked:
        return self

    def __exit__(self, *_: object) -> None:
        self._path.unlink()

    def extractall(self, target: str) -> None:
        """Link what is at the top of the zip file into ``target``, an empty folder."""
        folder = _UNPACKED / hashlib.sha256(self._path.read_bytes()).hexdigest()[:16]
        with self._lock:
            if not folder.is_dir():
                partial = folder.with_suffix(".partial")
                with self._whole(self._path) as whole:
                    whole.extractall(partial)
                # In the package is bytecode for the functions' Python, which is not the one that runs them here.
                compileall.compile_dir(partial, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
                                       stripdir=str(partial), prependdir=str(folder))
                partial.rename(folder)
        for part in folder.iterdir():
            (Path(target) / part.name).symlink_to(part)


def invoke_events_without_waiting() -> None:
    """A task that invokes a function as an event waits for its result; Step Functions goes on at once.

    Source: AWS, "Invoke an AWS Lambda function with Step Functions": with ``InvocationType`` ``Event``, Lambda answers
    202 as soon as the event is in its queue.
    """
    invoke = stepfunctions._invoke_resource

    def invoked(resource: str, given: Any) -> Any:
        if "states:::lambda:invoke" not in resource or given.get("InvocationType") != "Event":
            return invoke(resource, given)
        reference = stepfunctions._resolve_lambda_function_ref(given["FunctionName"], optimized=True)
        function, config, name = lambda_svc._get_func_record_for_ref(reference)
        if not function or not config:
            raise stepfunctions._ExecutionError("Lambda.ResourceNotFoundException", f"Function not found: {name}")
        record = lambda_svc._execution_record_for_config(function, config)
        contextvars.copy_context().run(lambda_svc.invoke_async_with_retry, record, given.get("Payload", {}))
        return {"StatusCode": 202, "Payload": {}}

    stepfunctions._invoke_resource = invoked


def start_executions_at_once() -> None:
    """The engine pauses for 150 ms before the first state of each execution; Step Functions does not."""
    run = stepfunctions._run_execution
    starting: contextvars.ContextVar[bool] = contextvars.ContextVar("starting", default=False)

    def sleep(seconds: float) -> None:
        if starting.get():
            starting.set(False)
            return
        time.sleep(seconds)

    def started(execution: str) -> None:
        # The pause is the first thing that it does, in a thread and a context of its own.
        starting.set(True)
        run(execution)

    stepfunctions.time = SimpleNamespace(**{**vars(time), "sleep": sleep})
    stepfunctions._run_execution = started
