"""Lambda's quotas: reserved and account concurrency, payloads, and the size of a function's environment.

Sources: Lambda's pages "Lambda quotas" (1,000 concurrent executions, 100 of them kept for functions that reserve none;
6 MB of payload each for request and response, 1 MB where nobody waits; 4 KB for all environment variables), "Invoke"
(TooManyRequestsException with its reason, RequestTooLargeException) and "Configuring reserved concurrency for a
function". The engine's CloudFormation ignores ReservedConcurrentExecutions.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc, stepfunctions
from ministack.services.cloudformation import provisioners

CONCURRENCY = 1_000
KEPT_UNRESERVED = 100
ENVIRONMENT_BYTES = 4_096
WAITED_BYTES = 6_291_456
NOT_WAITED_BYTES = 1_048_576
CONCURRENCY_VARIABLE = "SANDBOX_CONCURRENCY"
"""The account's quota of concurrent executions, where it is not the usual one: new accounts have 10."""


def quota() -> int:
    """The account's concurrent executions."""
    return int(os.environ.get(CONCURRENCY_VARIABLE) or CONCURRENCY)


def keep() -> None:
    """Hold the engine to the quotas."""
    lambda_svc._ACCOUNT_CONCURRENCY_CAP = quota()
    lambda_svc._acquire_execution_slot = _slot
    _deploy_within_quotas()
    _limit_payloads()
    _name_throttles()


def check_environment(name: str, variables: dict[str, Any]) -> None:
    """Raise ValueError where a function's environment is too large."""
    measured = json.dumps({key: str(value) for key, value in variables.items()}, ensure_ascii=False,
                          separators=(",", ":"))
    if len(measured.encode()) > ENVIRONMENT_BYTES:
        raise ValueError(f"{name}: Lambda was unable to configure your environment variables because the environment "
                         "variables you have provided exceeded the 4KB limit. (InvalidParameterValueException)")


def check_reserved(name: str, wanted: int) -> None:
    """Raise ValueError where a reservation leaves too little for functions that reserve nothing."""
    others = sum(_reserved(each) or 0 for key in list(lambda_svc._functions.keys())
                 if key != name and (each := lambda_svc._functions[key]))
    if quota() - others - wanted < KEPT_UNRESERVED:
        raise ValueError(f"{name}: Specified ReservedConcurrentExecutions for function decreases account's "
                         f"UnreservedConcurrentExecution below its minimum value of [{KEPT_UNRESERVED}]. "
                         "(InvalidParameterValueException)")


def _reserved(function: dict[str, Any]) -> int | None:
    found: int | None = lambda_svc._reserved_concurrency(function, function.get("config") or {})
    return found


def _slot(function: dict[str, Any], config: dict[str, Any]) -> tuple[str | None, str | None]:
    """Take one of a function's reserved executions, or one that no function has reserved."""
    key, reserved = lambda_svc._inflight_key(config), lambda_svc._reserved_concurrency(function, config)
    functions = [lambda_svc._functions[name] for name in list(lambda_svc._functions.keys())]
    reserving = {lambda_svc._inflight_key(each["config"]): number for each in functions
                 if each and (number := _reserved(each)) is not None}
    with lambda_svc._inflight_lock:
        running = lambda_svc._inflight
        if reserved is not None and running.get(key, 0) >= reserved:
            return None, "function"
        shared = sum(number for name, number in running.items() if name not in reserving)
        if reserved is None and shared >= quota() - sum(reserving.values()):
            return None, "account"
        running[key] = running.get(key, 0) + 1
        lambda_svc._inflight_total += 1
    return key, None


def _deploy_within_quotas() -> None:
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]

    def around(provision: Callable[..., Any], place: int) -> Callable[..., Any]:
        def provisioned(*given: Any, **more: Any) -> Any:
            properties = given[place]
            name = properties.get("FunctionName", str(given[0]))
            check_environment(name, (properties.get("Environment") or {}).get("Variables") or {})
            wanted = properties.get("ReservedConcurrentExecutions")
            if wanted is not None:
                check_reserved(name, int(wanted))
            answer = provision(*given, **more)
            function = lambda_svc._functions.get(name)
            if function is not None:
                function["concurrency"] = None if wanted is None else int(wanted)
            return answer

        return provisioned

    provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"] = {
        **handlers, "create": around(handlers["create"], 1), "update": around(handlers["update"], 2)}


def _limit_payloads() -> None:
    invoke, execute = lambda_svc._invoke, lambda_svc._execute_function

    async def invoked(name: str, event: Any, headers: dict[str, Any], *given: Any, **more: Any) -> Any:
        kind = headers.get("x-amz-invocation-type") or headers.get("X-Amz-Invocation-Type") or "RequestResponse"
        most, size = NOT_WAITED_BYTES if kind == "Event" else WAITED_BYTES, _size(event)
        if size > most:
            return error_response_json("RequestTooLargeException", f"{size} byte payload is too large for the {kind} "
                                       f"invocation type (limit {most} bytes)", 413)
        return await invoke(name, event, headers, *given, **more)

    def executed(function: dict[str, Any], event: Any) -> dict[str, Any]:
        answer: dict[str, Any] = execute(function, event)
        if not answer.get("error") and _size(answer.get("body")) > WAITED_BYTES:
            return {**answer, "error": True, "body": {
                "errorType": "Function.ResponseSizeTooLarge",
                "errorMessage": f"Response payload size exceeded maximum allowed payload size ({WAITED_BYTES} bytes)."}}
        return answer

    lambda_svc._invoke, lambda_svc._execute_function = invoked, executed


def _size(value: Any) -> int:
    text = value if isinstance(value, str | bytes) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))


def _name_throttles() -> None:
    """A state machine's task that is throttled fails with Lambda's own error, which can be retried by name."""
    call = stepfunctions._call_lambda

    def called(function: str, event: Any) -> Any:
        try:
            return call(function, event)
        except stepfunctions._ExecutionError as error:
            if '"TooManyRequestsException"' in str(error.cause):
                raise stepfunctions._ExecutionError("Lambda.TooManyRequestsException", error.cause) from error
            raise

    stepfunctions._call_lambda = called
