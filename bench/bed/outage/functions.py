"""The deployed functions by their names: handler, environment and time, as the stack gives them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from bench.bed.outage.world import action_seconds, source_seconds
from responder import sources
from responder.clients import aws, marks
from responder.handlers import answer, ask, settings, steps, timeline
from stacks.step_groups import GROUPS

TABLE = "timeline"
ALL = {"TABLE": TABLE, "BUCKET": "reports", "SETTINGS": "bed", "AWS_REGION": "us-east-1",
       "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "bed", "AWS_SECRET_ACCESS_KEY": "bed",
       "AWS_EC2_METADATA_DISABLED": "true", "POWERTOOLS_METRICS_NAMESPACE": "", "MARK_KEY": "marks",
       "TOPIC": "arn:aws:sns:us-east-1:000000000000:incidents", "ANSWER_URL": "https://answers.bed",
       "APPROVAL_URL": "https://approvals.bed", "APPROVAL_KEY": "incident-response/approvals"}


_OWN = ("SOURCE", "ACTION", "STEPS", "TIMELINE", "LOOKS")
"""What the functions' environments differ in."""


@dataclass(frozen=True)
class Function:
    """A function."""

    handler: Callable[[Any, object], Any]
    seconds: float
    """How long it may run."""
    environment: Mapping[str, str]


@cache
def named(name: str) -> Function:
    """Return a function by its name; raises KeyError for one that is not deployed."""
    kind, _, what = name.partition("-")
    if kind == "source":
        return Function(ask.handler, source_seconds(what), {"SOURCE": what, "TIMELINE": "timeline", "LOOKS": TABLE})
    if kind == "action":
        return Function(steps.remedy, action_seconds(what), {"ACTION": what, "TIMELINE": "timeline"})
    if name == "answers":
        return Function(answer.handler, 20, {"TIMELINE": "timeline"})
    if name == "timeline":
        return Function(timeline.handler, 20, {"TIMELINE": ""})
    group = GROUPS[name]
    return Function(steps.handler, group.timeout_seconds, {"STEPS": ",".join(group.steps), "TIMELINE": "timeline"})


def asked_ahead(name: str) -> bool:
    """Whether a function is one that is asked before its answer is needed."""
    kind, _, what = name.partition("-")
    return kind == "source" and sources.load(what).ahead is not None


def cold() -> None:
    """Let a function's process know nothing of before: what processes keep is kept by all functions here."""
    # A function has no way to forget, and needs none: its process ends.
    aws._secret.cache_clear()  # noqa: SLF001
    aws._UNREAD.clear()  # noqa: SLF001
    marks._key.cache_clear()  # noqa: SLF001
    settings._LATELY.clear()  # noqa: SLF001
    settings._KNOWN.clear()  # noqa: SLF001


@contextmanager
def surroundings(function: Function) -> Iterator[None]:
    """Give the process a function's environment within the block."""
    before = {key: os.environ.get(key) for key in _OWN}
    _set({key: function.environment.get(key) for key in _OWN})
    try:
        yield
    finally:
        _set(before)


def _set(values: Mapping[str, str | None]) -> None:
    for key, value in values.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value
