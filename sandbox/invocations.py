"""How the engine starts and calls functions, where it differs from Lambda in what an incident's speed depends on."""

from __future__ import annotations

import contextvars
import hashlib
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc, stepfunctions

from sandbox.places import STATE

_UNPACKED = STATE / "functions"


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
