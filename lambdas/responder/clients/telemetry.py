"""Logs, metrics and traces of the responder itself, by Powertools for AWS Lambda.

Powertools is imported with the first use, so that nothing else pays for it (``docs/own-health.md`` has what it costs).
Metrics are lines of JSON in the function's log, which CloudWatch reads as metrics: they need no right and no call.
Source: the CloudWatch User Guide's page "Specification: Embedded metric format".
"""

from __future__ import annotations

import logging
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from responder.model.masking import mask
from responder.model.measure import Dimensions, Measure

if TYPE_CHECKING:
    from aws_lambda_powertools.logging import Logger
    from aws_lambda_powertools.tracing import Tracer

_RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "location", "timestamp", "level"}
"""Names that a line of the log has already; a field called so gets a ``_`` behind its name."""


class _Stdout(logging.StreamHandler[Any]):
    """Writes to what is standard output now, not to what it was when the first line was written."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stdout
        super().emit(record)


@cache
def _logger() -> Logger:
    from aws_lambda_powertools.logging import Logger

    return Logger(service="-", level="INFO", logger_handler=_Stdout(), location=None, utc=True, use_rfc3339=True)


def begin(*, service: str, incident: str, step: str, execution: str) -> None:
    """Say what the lines of the log from here on are about; ``execution`` is their ``correlation_id``."""
    _logger().append_keys(service=service or "-", incident=incident or "-", step=step,
                          correlation_id=execution or None)


def write(fields: Mapping[str, object], *, failed: bool = False) -> None:
    """Write one line of JSON to the function's log, as an error where something failed; the fields are masked."""
    named = {f"{name}_" if name in _RESERVED else name: value for name, value in fields.items()}
    said = " ".join(f"{name}={value}" for name, value in fields.items() if isinstance(value, str | int | float))[:500]
    (_logger().error if failed else _logger().info)(said, extra=named)


def emit(namespace: str, measures: Iterable[Measure]) -> None:
    """Write measures to the log, one line for all of the same dimensions; nothing without a namespace.

    It raises nothing: an incident is handled whether or not it can be measured.
    """
    together: defaultdict[Dimensions, list[Measure]] = defaultdict(list)
    for measure in measures:
        together[measure.dimensions].append(measure)
    if not namespace or not together:
        return
    try:
        _emit(namespace, together)
    except Exception as error:
        write({"failed": "metrics", "why": mask(repr(error))[:500]}, failed=True)


def _emit(namespace: str, together: Mapping[Dimensions, Sequence[Measure]]) -> None:
    from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

    for dimensions, same in together.items():
        metrics = AmazonCloudWatchEMFProvider(namespace=namespace)
        for name, value in dimensions:
            metrics.add_dimension(name, value)
        for one in same:
            metrics.add_metric(one.metric.value, one.unit, one.value)
        metrics.flush_metrics()


@contextmanager
def traced(name: str, **annotations: str) -> Iterator[None]:
    """Trace the block as a subsegment with annotations, where X-Ray samples this invocation."""
    tracer = _tracer() if is_sampled() else None
    if tracer is None:
        yield
        return
    with tracer.provider.in_subsegment(name) as subsegment:
        for key, value in annotations.items():
            if value:
                subsegment.put_annotation(key, mask(value))
        yield


def is_sampled() -> bool:
    """Whether X-Ray samples this invocation (Lambda sets both variables; X-Ray: "Tracing header")."""
    return "Sampled=1" in os.environ.get("_X_AMZN_TRACE_ID", "") and bool(os.environ.get("AWS_XRAY_DAEMON_ADDRESS"))


@cache
def _tracer() -> Tracer:
    from aws_lambda_powertools.tracing import Tracer

    from responder.clients.xray import XRay

    return Tracer(service="-", disabled=False, auto_patch=False, provider=XRay())
