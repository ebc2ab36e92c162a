"""What logs, metrics and traces of its own cost a function at its cold start: the time before and after, by turns.

Fresh processes with what a function has (``bench/bed/fresh.py``). Beside the function as it is stands the same one
with nothing but the standard library's logging. CPU time, because a busy machine adds waiting to both.
"""

from __future__ import annotations

from bench import Benchmark, Outcome, Row
from bench.bed import fresh
from bench.imports import functions

HIGHEST_MS = 60.0
_START = """
import time
started = time.process_time()
import importlib, logging
for name in {modules!r}:
    importlib.import_module("responder." + name)
client = {client!r}
if client:
    from responder.clients import aws
    aws.client(client)
logging.getLogger().setLevel(logging.INFO)
logging.getLogger().info("started")
"""
_OBSERVED = _START + """
from responder.clients import telemetry
from responder.model.measure import Metric, count
telemetry.begin(service="s", incident="i", step="s", execution="e")
with telemetry.traced("## step", incident="i"):
    telemetry.write({{"said": "x"}})
telemetry.emit("n", [count(Metric.OPENED, "s")])
"""
_END = """
report["ms"] = (time.process_time() - started) * 1000
"""
_SAMPLED = {"AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000", "LAMBDA_TASK_ROOT": "/var/task",
            "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"}


def run(repeats: int) -> Outcome:
    """Return a row per function: the CPU time that is added, beside the whole without it."""
    path = (fresh.function(), fresh.packages("boto3"))
    rows = []
    for name, one in functions().items():
        found = fresh.rounds({
            "observed": (_OBSERVED + _END).format(modules=one.modules, client=one.client),
            "plain": (_START + _END).format(modules=one.modules, client=one.client)}, repeats, path=path,
            environment=_SAMPLED)
        added = found["observed"]["ms"] - found["plain"]["ms"]
        rows.append(Row(name, added, "ms", "its cold start without them, CPU", found["plain"]["ms"],
                        highest=HIGHEST_MS, note=f"{found['observed']['peak_mb'] - found['plain']['peak_mb']:.0f} MB"))
    return Outcome(rows)


BENCHMARK = Benchmark("what logs, metrics and traces cost each function at its cold start", run)
