"""How long each function takes until it can begin, against an empty handler with the one AWS client it needs.

Fresh processes with what a function has: the bundle with its bytecode, and boto3. What is timed is what a cold start
does in this project's hands: importing the handler and its own module, and making the clients that it uses; the
interpreter's own start is left out on both sides. The time is the processor's: on a busy machine the clock on the wall
measures the neighbours. The goal is 1.5 times the empty handler, and twice where Kubernetes is read.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench import Benchmark, Outcome, Row
from bench.bed import fresh

_FUNCTION = """
import time
started = time.process_time()
import importlib, os, sys
for name in {modules!r}:
    importlib.import_module("responder." + name)
from responder.clients import aws
aws.client({client!r})
if "responder.clients.http" in sys.modules:
    # Its engine is loaded with the first client. Which certificates it takes is the callers' affair.
    from responder.clients.http import Http
    Http(0.0, verify=False)
report["ms"] = (time.process_time() - started) * 1000
"""
_FLOOR = """
import time
started = time.process_time()
import boto3
boto3.client({client!r})
report["ms"] = (time.process_time() - started) * 1000
"""
_SHOWN = ("boto3", "httpx", "jinja2", "kubernetes", "h2", "pydantic", "asyncio")


_ALONE = ("ledger", "health", "heartbeat", "live", "timeline", "approve", "answer", "sweep", "usual_traffic", "signals")
"""Handlers that are functions by themselves."""
_KEPT_IN = "s3"
"""Where a source keeps what it was answered (``handlers/ask.py``): the client of those that need no other."""
_OF_CLUSTERS = frozenset({"ledger"})
"""Those among them that read clusters themselves."""


@dataclass(frozen=True)
class Function:
    """What a function loads at a cold start."""

    modules: tuple[str, ...]
    client: str
    """The AWS client that it needs first."""
    kubernetes: bool = False
    """Whether it reads a cluster."""

    @property
    def highest_ratio(self) -> float:
        """The goal, as a multiple of the empty handler."""
        return 2.0 if self.kubernetes else 1.5


def functions() -> dict[str, Function]:
    """Return each function by its name."""
    from responder import actions, sources
    from stacks.step_groups import GROUPS

    found: dict[str, Function] = {}
    for name, group in GROUPS.items():
        found[f"step {name}"] = Function(("handlers.steps", *(f"handlers.{step}" for step in group.steps)), "dynamodb")
    for name in _ALONE:
        found[name] = Function((f"handlers.{name}",), "dynamodb", name in _OF_CLUSTERS)
    service = fresh.service()
    for source in sources.all():
        needs = ["secretsmanager"] if source.secrets(service) else []
        needs += ["dynamodb"] if source.reads else []
        needs += [statement.actions[0].partition(":")[0] for statement in source.statements(service)]
        found[f"source {source.name}"] = Function(("handlers.ask", f"sources.{source.name}"), (needs or [_KEPT_IN])[0],
                                                  bool(source.kubernetes_group))
    for action in actions.every():
        found[f"action {action.name}"] = Function(("handlers.steps", "handlers.act", f"actions.{action.name}"),
                                                  "dynamodb", bool(action.kubernetes_group))
    return found


def run(repeats: int) -> Outcome:
    """Return a row per function, each beside its floor by turns."""
    path = (fresh.function(), fresh.packages("boto3"))
    rows = []
    for name, one in functions().items():
        client = one.client
        found = fresh.rounds({"function": _FUNCTION.format(modules=one.modules, client=client),
                              "floor": _FLOOR.format(client=client)}, repeats, path=path)
        shown = ", ".join(module for module in _SHOWN if module in found["function"]["modules"])
        rows.append(Row(name, found["function"]["ms"], "ms", f"empty handler, boto3.client({client!r})",
                        found["floor"]["ms"], highest_ratio=one.highest_ratio,
                        note=f"{found['function']['peak_mb']:.0f} MB; {shown}"))
    return Outcome(rows)


BENCHMARK = Benchmark("cold import of each function", run)
