"""AWS clients with short time-outs, and their errors in the words of a finding's status."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from responder.clients import aws_answers, aws_limits, gate, raw, targets
from responder.clients.failure import CallFailed

_THROTTLED = frozenset({"Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded",
                        "TooManyRequestsException", "SlowDown", "RequestThrottled"})
UNAUTHORIZED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "ExpiredToken",
                           "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException",
                           "SignatureDoesNotMatch", "NotAuthorized", "NotAuthorizedException",
                           "SubscriptionRequiredException", "MissingAuthenticationToken",
                           "MissingAuthenticationTokenException"})
_SECRET_SECONDS = 300.0
_UNREAD_SECONDS = 30.0
"""For how long a secret is not asked for again that got no answer: a step has several messages to send by a channel,
and would spend its whole time on waiting for the same."""
_CONNECT_SECONDS = 2
_OWN = frozenset({"secretsmanager", "sts", "s3", "dynamodb", "ssm", "sns"})
"""Services that are the responder's own tools: what they answer is no evidence, and some of it is secret."""
_RECORDS = frozenset({"dynamodb", "s3", "sns", "stepfunctions", "lambda", "secretsmanager", "sts", "appconfigdata",
                      "cloudwatch"})
"""Services in which the responder keeps records or metrics or tells people, or that only read: a write there is no
remedy."""
_AT_HOME = _OWN - {"ssm"} | {"stepfunctions", "lambda"}
"""Services that are asked in the responder's own account and Region, wherever the service is."""
_READS = ("Describe", "Get", "List", "Lookup", "Head", "BatchGet", "Search", "StartQuery", "StopQuery")
"""How the names of calls begin that change nothing (Service Authorization Reference: access level Read or List)."""


def client(service: str, read_timeout_seconds: int = 5, region: str | None = None, attempts: int = 3) -> Any:
    """Return the boto3 client of an AWS service, in the account and Region of the service that is looked after.

    The responder's own tools are in its own. Within ``targets.at_home`` everything is. See ``made``.
    """
    target = targets.HERE if service in _AT_HOME else targets.current()
    return made(service, read_timeout_seconds, region or target.region or None, attempts, target)


@cache
def made(service: str, read_timeout_seconds: int = 5, region: str | None = None, attempts: int = 3,
         target: targets.Target = targets.HERE) -> Any:
    """Return botocore's client of an AWS service at a target, the same as boto3's; one for the life of the function.

    A call ends after the time that two unanswered attempts take: 14 s unless ``read_timeout_seconds`` says otherwise,
    which is less than any function's time-out. ``aws_limits.until`` can shorten it. A call that takes longer raises
    CallFailed with ``timeout``.
    """
    # Without boto3 itself, and s3transfer that it loads, a cold start takes a seventh less.
    made = targets.session(target if target.role_arn else targets.HERE).create_client(
        service, region_name=region, config=Config(
            connect_timeout=_CONNECT_SECONDS, read_timeout=read_timeout_seconds,
            # A tenth of a step's time goes to it where evidence is written: ``records/form.py`` makes each item.
            parameter_validation=service != "dynamodb",
            retries={"mode": "standard", "total_max_attempts": attempts}))
    if service not in _RECORDS:
        # This runs first, and before each attempt: a stopped change is never sent.
        made.meta.events.register_first("before-send.*", _before_send)
        made.meta.events.register("after-call.*", _changed)
    aws_limits.limit(made, service, min(attempts, 2) * (_CONNECT_SECONDS + read_timeout_seconds))
    aws_answers.hold(made)
    if service not in _OWN:
        made.meta.events.register("after-call.*", _answered)
    return made


def _before_send(event_name: str, **_: Any) -> None:
    operation = event_name.rpartition(".")[2]
    if not operation.startswith(_READS):
        gate.check(operation)


def _changed(http_response: Any, model: Any, **_: Any) -> None:
    if http_response.status_code < 300 and not model.name.startswith(_READS):
        gate.made()


def _answered(parsed: dict[str, Any], model: Any, **_: Any) -> None:
    raw.answered_data(f"{model.service_model.service_name} {model.name}",
                      {key: value for key, value in parsed.items() if key != "ResponseMetadata"})


@contextmanager
def failures(system: str) -> Iterator[None]:
    """Turn boto3's errors within the block into CallFailed.

    So is a part that the block reads of an answer and that is not there: a proxy's page in XML is parsed as an answer
    without any of its parts.
    """
    try:
        yield
    except ClientError as error:
        raise _failed(system, error) from error
    except (ConnectTimeoutError, ReadTimeoutError) as error:
        raise CallFailed("timeout", f"{system} did not answer in time") from error
    except (EndpointConnectionError, HTTPClientError) as error:
        raise CallFailed("unavailable", f"{system} could not be reached: {type(error).__name__}") from error
    except (ResponseParserError, UnicodeDecodeError, RecursionError) as error:
        raise CallFailed("malformed", f"{system} answered with something unreadable") from error
    except BotoCoreError as error:
        raise CallFailed("unavailable", f"{system}: {type(error).__name__}") from error
    except KeyError as error:
        raise CallFailed("malformed", f"{system} answered without {error}") from error


def _failed(system: str, error: ClientError) -> CallFailed:
    code = str(error.response.get("Error", {}).get("Code", ""))
    http_status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _THROTTLED:
        return CallFailed("throttled", f"{system} throttles: {code}", code=code, http_status=http_status)
    if code in UNAUTHORIZED:
        return CallFailed("unauthorized", f"{system} refused the credentials ({code})", code=code,
                          http_status=http_status)
    return CallFailed("unavailable", f"{system} answered with {code or 'an error'}", code=code,
                      http_status=http_status)


def secret(name: str) -> str:
    """Return a secret's text from Secrets Manager; it is read again after five minutes, because it may be rotated.

    Raises CallFailed with ``unauthorized`` where it may not be read or does not exist, and for a while after it could
    not be read in time.
    """
    now = time.monotonic()
    until, note = _UNREAD.get(name, (now, ""))
    if now < until:
        raise CallFailed("unauthorized", note)
    return _secret(name, int(now // _SECRET_SECONDS))


_UNREAD: dict[str, tuple[float, str]] = {}
"""Secrets that got no answer lately: until when that holds, and what is said of it."""


@lru_cache(maxsize=8)
def _secret(name: str, _period: int) -> str:
    try:
        with failures("Secrets Manager"):
            value: str = client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    except CallFailed as failed:
        note = f"the secret {name} could not be read: {failed.note}"
        if failed.status == "timeout":
            _UNREAD[name] = time.monotonic() + _UNREAD_SECONDS, note
        raise CallFailed("unauthorized", note, code=failed.code, http_status=failed.http_status) from failed
    return value.strip()
