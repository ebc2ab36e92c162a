"""What warming saves: the first call of a function in a fresh process, cold, after it was warmed, and the call after.

Processor time of the deployed bundle against a stand-in on this machine, as ``getrusage`` counts it, because other work
on the machine does not change that. In AWS a function of 512 MiB has 0.29 of a processor while it is called, so a
millisecond here is more than three there.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench import Benchmark, Outcome, Row
from bench.bed import fresh
from bench.bed.stand_in import stand_in

_SOURCES, _ACTIONS = ("kubernetes", "rollouts", "splunk", "utilisation"), ("rollback", "scale_up")
_CODE = """
import resource, time
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1000
begun = cpu()
{function}
if {warm}:
    handler({{"warm": True, "service": "payment-gateway"}}, None)
ready = cpu()
call()
first = cpu()
call()
report = {{"ready_ms": ready - begun, "first_ms": first - ready, "second_ms": cpu() - first,
           "cold_ms": first - begun}}
"""
_ASK = """
import os
os.environ["SOURCE"] = {name!r}
from responder.handlers.ask import handler
def call():
    handler({{"incident": {{"id": "bench", "service": "payment-gateway", "opened_at": {now!r}}},
             "phase": "diagnose", "now": {now!r}}}, None)
"""
_PLAN = """
import os, time
os.environ["ACTION"] = {name!r}
from responder.handlers.steps import remedy as handler
def call():
    import importlib
    from responder import actions
    from responder.clients import aws
    from responder.model.service import load
    importlib.import_module("responder.handlers.act")
    for client in ("dynamodb", "lambda"):
        aws.client(client)  # the record and the timeline, which are not served here
    actions.find({name!r}).plan_of(actions.RemediationContext(
        load("payment-gateway"), "bench", 1, "code_bug", "bad_release", "payment-gateway", None,
        time.monotonic() + 60), {{}})
"""


def run(repeats: int) -> Outcome:
    """Return a row per function: its first call after it was warmed, beside a cold start with its first call."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    functions = {**{f"source {name}": _ASK.format(name=name, now=now) for name in _SOURCES},
                 **{f"action {name}, its plan": _PLAN.format(name=name) for name in _ACTIONS}}
    rows = []
    with tempfile.TemporaryDirectory() as folder, stand_in(Path(folder)) as served:
        for name, function in functions.items():
            found = fresh.rounds({word: _CODE.format(function=function, warm=warm)
                                  for word, warm in (("cold", False), ("warmed", True))}, repeats,
                                 path=(fresh.function(), fresh.packages("boto3")), environment=served.environment())
            warmed, cold = found["warmed"], found["cold"]
            rows.append(Row(f"{name}, first call after warming", warmed["first_ms"], "ms", "cold start and first call",
                            cold["cold_ms"], note=f"warming {warmed['ready_ms']:.0f} ms; the second call "
                                                  f"{warmed['second_ms']:.0f} ms"))
    return Outcome(rows)


BENCHMARK = Benchmark("the first call of a function after it was warmed, beside a cold one", run)
