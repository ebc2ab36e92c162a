"""The readers of ``responder init``: one file asks one system, and registers itself by being here.

A reader gives one kind of part of the facts. What it may not read, or cannot, is said, and the others go on. It asks
with read rights only, and what it returns has no secret in it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from cli.init.facts import Facts, Workload
from cli.output import Refused


@dataclass(frozen=True)
class Asked:
    """What the user says: what it is about, and how the vendors are reached."""

    service: str
    namespace: str
    cluster: str
    components: tuple[str, ...] = ()
    """Workloads that are the service's, where the user names them."""
    context: str = ""
    newrelic_account: int = 0
    """0: New Relic is not asked."""
    newrelic_endpoint: str = "https://api.newrelic.com/graphql"
    newrelic_key: str = field(default="", repr=False)
    splunk_url: str = ""
    splunk_token: str = field(default="", repr=False)
    splunk_search: str = ""
    """Where its logs are, if the user knows: ``index=payments``; empty: found."""
    prometheus_url: str = ""


@dataclass
class Known:
    """What a reader may use: the AWS session, and what is known already."""

    session: Any
    """boto3's session."""
    workloads: tuple[Workload, ...] = ()
    http: httpx.Client = field(default_factory=httpx.Client)
    troubles: list[str] = field(default_factory=list)
    """What a part of a reader could not read, in sentences: the reader goes on without it."""

    def tried(self, what: str, ask: Callable[[], Any], otherwise: Any) -> Any:
        """Return what ``ask`` gives, or ``otherwise``, and note why, where it is refused."""
        try:
            return ask()
        except ERRORS as error:
            self.troubles.append(f"{what}: {sentence(error)}")
            return otherwise


@dataclass(frozen=True)
class Reader:
    """One system that is asked."""

    name: str
    title: str
    """What it reads, for people: "RDS instances, clusters and proxies"."""
    part: type[object]
    read: Callable[[Asked, Known], object]
    rights: tuple[str, ...]
    """What it needs, as IAM or the vendor calls it."""
    applies: Callable[[Asked], bool] = lambda asked: True
    without: str = ""
    """What is not known where the user did not name the system."""
    first: bool = False
    """Whether the others need what it finds."""


@dataclass(frozen=True)
class Outcome:
    """How a reader fared."""

    reader: str
    title: str
    read: bool
    troubles: tuple[str, ...] = ()
    """Why it read nothing, or what it could not read."""
    rights: tuple[str, ...] = ()


ERRORS = (ApiException, HTTPError, ClientError, BotoCoreError, httpx.HTTPError, Refused, ValueError, KeyError,
          TypeError, OSError)
"""What a system that refuses, fails or answers something else raises."""
_TIMEOUT_SECONDS = 70.0
"""Longer than the vendors let a query run."""
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorizedException")


@cache
def every() -> tuple[Reader, ...]:
    """All readers."""
    return tuple(importlib.import_module(f"{__name__}.{module.name}").READER
                 for module in pkgutil.iter_modules(__path__))


def read_all(asked: Asked, session: Any, http: httpx.Client | None = None) -> tuple[Facts, tuple[Outcome, ...]]:
    """Ask all systems that the user named, side by side; what cannot be read is said in the outcomes."""
    parts: list[object] = []
    outcomes: list[Outcome] = []
    workloads: tuple[Workload, ...] = ()
    for readers in ([one for one in every() if one.first], [one for one in every() if not one.first]):
        wanted = [reader for reader in readers if reader.applies(asked)]
        outcomes += [Outcome(reader.name, reader.title, False, (reader.without,))
                     for reader in readers if reader not in wanted and reader.without]
        with ThreadPoolExecutor(8) as pool:
            known = [Known(session, workloads, http or httpx.Client(timeout=_TIMEOUT_SECONDS)) for _ in wanted]
            for part, outcome in pool.map(_one, wanted, [asked] * len(wanted), known):
                outcomes.append(outcome)
                parts += [part] if part is not None else []
        workloads = tuple(workload for part in parts for workload in getattr(part, "workloads", ()))
    return Facts(parts), tuple(outcomes)


def _one(reader: Reader, asked: Asked, known: Known) -> tuple[object | None, Outcome]:
    try:
        part = reader.read(asked, known)
    except ERRORS as error:
        return None, Outcome(reader.name, reader.title, False, (*known.troubles, sentence(error)), reader.rights)
    return part, Outcome(reader.name, reader.title, True, tuple(known.troubles), reader.rights)


def sentence(error: Exception) -> str:
    """Return what went wrong, in one line."""
    if isinstance(error, ApiException):
        what = {401: "the credentials were refused", 403: "it is forbidden", 404: "it is not there"}.get(error.status)
        return f"{what or 'the Kubernetes API failed'} ({error.status}){_said(error)}"
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        may_not = f"{error.operation_name} is not allowed" if code in _DENIED else f"{error.operation_name} failed"
        return f"{may_not} ({code})"
    if isinstance(error, KeyError | TypeError):
        return f"the answer has another shape than expected ({type(error).__name__}: {error})"
    return " ".join(str(error).split())[:300] or type(error).__name__


def _said(error: ApiException) -> str:
    text = str(error.body or "")
    found = text.partition('"message":"')[2].partition('"')[0]
    return f": {found[:200]}" if found else ""


def pages(client: Any, operation: str, key: str, most: int = 200, **given: Any) -> list[Mapping[str, Any]]:
    """Return the items of all pages of a call of boto3, of ``most`` pages at most."""
    found: list[Mapping[str, Any]] = []
    for number, page in enumerate(client.get_paginator(operation).paginate(**given)):
        found += page.get(key) or []
        if number + 1 >= most:
            break
    return found
