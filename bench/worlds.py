"""What each source costs in each of the sandbox's worlds: time and memory of one look, beside the default world.

A sandbox is up and healthy, with two hours of history. Each source that a key of the world touches is asked as in the
diagnosis, in a fresh process, with the deployed bundle and the rights of its function's role.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from bench import Benchmark, Outcome, Row
from bench.bed import fresh
from bench.bed.fresh import ROOT

_TOUCHED = {
    "newrelic": ("newrelic",), "splunk": ("splunk",), "database": ("rds",),
    "workloads": ("kubernetes", "rollouts", "utilisation", "changes"), "mesh": ("kubernetes", "utilisation"),
    "images": ("kubernetes", "rollouts"), "account": ("cloudtrail", "eks", "rds", "aws_health")}
"""Key of a world to the sources that read what it changes."""
_USABLE = ("ok", "partial", "empty")
_ASK = """
import os, resource, time
os.environ["SOURCE"] = {name!r}
from responder.handlers.ask import handler
answer = handler({{"incident": {{"id": "bench", "service": "payment-gateway", "opened_at": {now!r}}},
                  "phase": "diagnose", "now": {now!r}}}, None)
used = resource.getrusage(resource.RUSAGE_SELF)
report = {{"ms": answer["milliseconds"], "cpu_ms": (used.ru_utime + used.ru_stime) * 1000,
          "said": [[f["name"], f["status"], f.get("note", "")] for f in answer.get("findings", [])]}}
"""


class Bed:
    """A sandbox that is up and healthy."""

    def __init__(self, sandbox: Any) -> None:
        import boto3

        from sandbox.remote import Remote

        self._sandbox, self._remote = sandbox, Remote(sandbox.ports)
        self._lambda, self._sts = boto3.client("lambda"), boto3.client("sts")

    def begin(self, world: Mapping[str, str]) -> None:
        """Begin anew in a world, with the ledger's baseline."""
        from sandbox.remote import Beginning

        self._remote.reset(Beginning(world=world))
        self._lambda.invoke(FunctionName="incident-response-ledger:live")["Payload"].read()

    def ask(self, source: str) -> dict[str, Any]:
        """Ask a source once; returns ``ms``, ``cpu_ms``, ``peak_mb`` and what its findings say of themselves."""
        from sandbox.places import aws_environment

        settings = self._lambda.get_function_configuration(
            FunctionName=f"incident-response-source-{source.replace('_', '-')}")
        role = self._sts.assume_role(RoleArn=settings["Role"], RoleSessionName="bench")["Credentials"]
        ports = self._sandbox.ports
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return fresh.run(_ASK.format(name=source, now=now), path=(ROOT / ".build" / "function",
                                                                  fresh.packages("boto3")), environment={
            **settings.get("Environment", {}).get("Variables", {}), **aws_environment(ports),
            "AWS_ACCESS_KEY_ID": role["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": role["SecretAccessKey"],
            "AWS_SESSION_TOKEN": role["SessionToken"],
            "AWS_ENDPOINT_URL_CLOUDWATCH": f"http://127.0.0.1:{ports.cloudwatch}",
            **{f"AWS_ENDPOINT_URL_{name.upper()}": f"http://127.0.0.1:{ports.world}/aws/{name}"
               for name in ("rds", "pi", "health", "cloudtrail", "eks", "ec2")}})


def run(repeats: int) -> Outcome:
    """Return two rows for each source and value of a world's key: its time, and its peak of memory."""
    from sandbox import run as sandbox_run
    from sandbox import worlds

    sandbox = sandbox_run.up(lambda what, seconds: None)
    try:
        return _measured(Bed(sandbox), worlds.every(), repeats)
    finally:
        sandbox_run.down()


def _measured(bed: Bed, keys: Mapping[str, Any], repeats: int) -> Outcome:
    bed.begin({})
    usual = {name: _least(bed, name, repeats) for name in sorted({name for key in keys for name in _TOUCHED[key]})}
    rows, told = [], []
    for key, known in keys.items():
        for value in known.values[1:]:
            bed.begin({key: value})
            for name in _TOUCHED[key]:
                found = _least(bed, name, repeats)
                what = f"source {name}, {key}={value}"
                rows += [Row(what, found["ms"], "ms", f"{key}={known.values[0]}", usual[name]["ms"],
                             note=f"{found['cpu_ms']:.0f} ms of processor time with the start, "
                                  f"{usual[name]['cpu_ms']:.0f} there"),
                         Row(what, found["peak_mb"], "MB", f"{key}={known.values[0]}", usual[name]["peak_mb"])]
                told += [f"{what}: {finding} {status} {note}" for finding, status, note in found["said"]
                         if status not in _USABLE]
    return Outcome(rows, "\n".join(sorted(set(told))))


def _least(bed: Bed, source: str, repeats: int) -> dict[str, Any]:
    """The quickest of several looks, with the highest of their peaks."""
    looks = [bed.ask(source) for _ in range(repeats)]
    return min(looks, key=lambda look: look["ms"]) | {"peak_mb": max(look["peak_mb"] for look in looks)}


BENCHMARK = Benchmark("each source's time and memory in each world, beside the default world", run, repeats=3)
