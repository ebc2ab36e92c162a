"""Start a function before it is needed: load what its first call would load, and do nothing else.

The state machine sends ``Warm`` to functions beside a phase's questions (``plan/warming.py`` says which).
Modules are imported, clients and TLS contexts made, and the secrets of a source read: those are kept for five minutes
anyway. Where the service is in another account, the function's role there is assumed. No vendor and no cluster is
asked here, nothing is written, and the gate that each change needs stays closed. Where all of it is there already, a
call returns at once. A failure is logged and costs nothing but the cold start that was to be saved.

A source that takes longer than confirming the incident does is asked ahead, once it is ready (``handlers/ask.py``).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from responder.clients import aws, targets
from responder.handlers import environment
from responder.handlers.step import event_of, log
from responder.model.codec import Json
from responder.model.frozen import dataclass
from responder.model.service import Service, load

if TYPE_CHECKING:
    from responder.sources import Statement

_HTTP = "responder.clients.http"


@dataclass(frozen=True)
class Warm:
    """The event; any other event of a function is none."""

    warm: bool = False
    service: str = ""
    """The incident's service."""
    ahead: Json = None
    """What a source will be asked for the first diagnosis (``handlers/ask.py:Ask``); None: nothing is asked ahead."""


def warmed(event: Json, load_it: Callable[[Service], None]) -> Warm | None:
    """Return the event where it asks to get ready only; then ``load_it`` has done so, or its failure is logged."""
    given = event_of(Warm, event)
    if not given.warm:
        return None
    try:
        service = load(given.service)
        with targets.aimed(service):
            load_it(service)
    except Exception as error:
        log(warm=given.service, error=repr(error)[:500])
    return given


def source(service: Service) -> None:
    """Get ready to ask the source that the function's environment names."""
    from responder import sources

    mine = sources.load(environment.source())
    _clients(mine.statements(service), ["dynamodb"] if mine.reads else [])
    if environment.looks_table():
        from responder.handlers import looks

        looks.client()
    # Where raw answers are kept; with the time-out that ``handlers/ask.py`` gives it.
    aws.client("s3", 2)
    for name in mine.secrets(service):
        aws.secret(name)
    _connections(service, bool(mine.kubernetes_group))


def remedy(service: Service) -> None:
    """Get ready to plan and apply the action that the function's environment names."""
    from responder import actions

    importlib.import_module("responder.handlers.act")
    mine = actions.find(environment.action())
    _clients(mine.statements(service), ("dynamodb", "lambda", "ssm"))
    _connections(service, bool(mine.kubernetes_group))


def steps(service: Service) -> None:
    """Get ready for all steps of the function."""
    for name in environment.steps():
        importlib.import_module(f"responder.handlers.{name}")
    _clients((), ("dynamodb", "lambda", "ssm"))


def _clients(statements: Iterable[Statement], more: Iterable[str]) -> None:
    """Make the clients of the services that IAM lets the function call, and of ``more``; others are logged."""
    for name in dict.fromkeys([*more, *(action.partition(":")[0] for item in statements for action in item.actions)]):
        aws.client(name)


def _connections(service: Service, cluster: bool) -> None:
    """Make what HTTPS needs, where the function's own modules use it: for the ``cluster``, or for a vendor."""
    if _HTTP in sys.modules:
        from responder.clients.http import Http

        # Authorities are read for vendors; a cluster has one of its own, which EKS names.
        Http(0.0, verify=not cluster).close()
    if cluster:
        from responder.clients import kubernetes

        kubernetes.token(service.cluster.name)
