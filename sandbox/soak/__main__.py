"""``python -m sandbox.soak [--minutes N] [--json OUT] [--record FOLDER] [DRILL…]``: drills without a pause.

After each drill it measures the memory and the open handles of the engine, its workers, the platform and the control
plane, counts the items of the table that never expire and the executions that did not end. The engine's memory is taken
without S3's objects, for reports are there to stay. In the end it says what grows.

Exit codes: 0 nothing grows; 1 something does, a drill was not met, or the sandbox failed; 2 bad input.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import boto3

from sandbox import run as sandbox_run
from sandbox.drill.contract import ContractError, Drill, read
from sandbox.drill.run import Runner, keep_record
from sandbox.places import ROOT, SandboxError, Up
from sandbox.soak.judging import Sample, after_warm_up, grown, reasons
from sandbox.soak.measuring import held

MINUTES = 60.0
_DRILLS = ("bad-release", "false-alarm", "provider-outage")
_END_SECONDS = 60.0
"""A drill is over when the incident has its report; the execution may still have a state to go."""


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.soak", description="Drills without a pause: what grows?")
    parser.add_argument("drills", nargs="*", type=Path, metavar="FILE-OR-FOLDER", help="default: a few of drills/")
    parser.add_argument("--minutes", type=float, default=MINUTES, metavar="N")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write all samples to a file, after each drill")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="keep the record of each drill, its last one")
    given = parser.parse_args(arguments)
    try:
        drills = alike(read(given.drills or [path for name in _DRILLS if (path := ROOT / "drills" / f"{name}.yaml")
                                             .is_file()]))
    except ContractError as error:
        print(f"nothing was started:\n{error}", file=sys.stderr)
        return 2
    if given.minutes <= 0 or not drills:
        parser.error("--minutes must be more than 0, and there must be a drill")
    try:
        samples = soak(drills, given.minutes * 60, given.json, given.record)
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    return told(samples)


def alike(drills: Sequence[Drill]) -> list[Drill]:
    """Return the drills that need the same deployment as the first: another one would end the workers in between."""
    return [drill for drill in drills if drill.overrides() == drills[0].overrides()]


def soak(drills: Sequence[Drill], seconds: float, out: Path | None, records: Path | None = None) -> list[Sample]:
    """Run the drills in turn until the time is over; return a sample after each. Raises SandboxError."""
    samples: list[Sample] = []
    was_up = Up.load() is not None
    began = time.monotonic()
    try:
        runner = Runner(sandbox_run.up(overrides=drills[0].overrides()))
        for drill in itertools.cycle(drills):
            if samples and time.monotonic() - began >= seconds:
                break
            result = runner.run(drill)
            if records:
                keep_record(runner, drill.name, records, drill.world({}))
            unended = _unended(runner.sandbox)
            values = held(runner.sandbox.processes) | {"table: items without an end": float(_endless(runner.sandbox))}
            # Reports are there to stay, and the engine keeps S3's objects in its memory.
            values["engine: MB"] -= _stored_mb()
            samples.append(Sample(time.monotonic() - began, drill.name, values, unended, tuple(result.unmet)))
            print(f"{samples[-1].at_seconds:6.0f} s  {drill.name}: " + ", ".join(
                f"{name} {value:.0f}" for name, value in values.items() if name.endswith(("MB", "end")))
                + "".join(f"\n          {problem}" for problem in result.unmet), flush=True)
            if out:
                out.write_text(json.dumps([asdict(sample) for sample in samples], indent=1) + "\n", encoding="utf-8")
    finally:
        if not was_up:
            sandbox_run.down()
    return samples


def told(samples: Sequence[Sample]) -> int:
    """Print how each measure went, and why it fails, where it does; return the exit code."""
    for one in grown(after_warm_up(samples)):
        print(f"  {one.name:38} {one.first:9.1f} to {one.last:9.1f}, {one.an_hour:+8.1f} an hour "
              f"({one.allowed:.1f} allowed){'  GROWS' if one.grows else ''}")
    found = reasons(samples)
    for reason in found:
        print(f"FAILED: {reason}")
    print(f"{len(samples)} drills: {'nothing grows' if not found else f'{len(found)} problems'}")
    return 1 if found else 0


def _unended(sandbox: Up) -> tuple[str, ...]:
    """Return the executions that still run a while after the drill was over."""
    functions = boto3.client("stepfunctions")
    until = time.monotonic() + _END_SECONDS
    while True:
        pages = functions.get_paginator("list_executions").paginate(
            stateMachineArn=sandbox.outputs["StateMachine"], statusFilter="RUNNING")
        running = [execution["name"] for page in pages for execution in page["executions"]]
        if not running or time.monotonic() > until:
            return tuple(running)
        time.sleep(2)


def _endless(sandbox: Up) -> int:
    """Count the table's items that never expire."""
    return sum(page["Count"] for page in boto3.client("dynamodb").get_paginator("scan").paginate(
        TableName=sandbox.outputs["Timeline"], ConsistentRead=True, Select="COUNT",
        FilterExpression="attribute_not_exists(expires)"))


def _stored_mb() -> float:
    """Return what S3 holds in all buckets, older versions of objects included."""
    s3 = boto3.client("s3")
    return sum(int(version["Size"]) for bucket in s3.list_buckets()["Buckets"]
               for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket["Name"])
               for version in page.get("Versions", [])) / 2**20


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
