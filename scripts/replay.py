"""``make replay INCIDENT=…``: make an incident's decisions again from its record, and show which ones differ.

INCIDENT is a file or ``s3://BUCKET/postmortems/SERVICE/ID/record.json.gz``. With ``--weights`` or ``--config`` it shows
what other weights, or another configuration (policy, thresholds), would have decided. ``--print-weights`` writes out
the shipped weights: change a copy, and pass it with ``--weights``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.codec import encode
from responder.model.service import Service
from responder.plan.replay import BadRecord, Decision, replay
from responder.plan.weights import shipped, weights_of
from responder.records.record import unpack


def main(arguments: list[str]) -> int:
    """Return 0 if every decision is the same, 1 if one differs, 2 if the input is unreadable."""
    parser = argparse.ArgumentParser(prog="make replay", description=__doc__.splitlines()[0])
    parser.add_argument("incident", nargs="?", default="", help="a record: a file or an s3:// address")
    parser.add_argument("--weights", type=Path, help="a file of weights in place of the shipped ones")
    parser.add_argument("--print-weights", action="store_true", help="print the shipped weights as JSON and end")
    parser.add_argument("--config", type=Path, help="a service's YAML file in place of the configuration then")
    parser.add_argument("--json", action="store_true", help="print the decisions as JSON")
    given = parser.parse_args(arguments)
    if given.print_weights:
        print(json.dumps(encode(shipped()), indent=1))
        return 0
    if not given.incident:
        parser.error("a record is needed: a file or an s3:// address")
    try:
        record = unpack(_content(given.incident))
        weights = weights_of(json.loads(given.weights.read_text()), given.weights.name) if given.weights else None
        started = time.perf_counter()
        decisions = replay(record, weights, _service(given.config) if given.config else None)
    except (OSError, ValueError, CallFailed) as error:
        print(f"replay: {given.incident}: {error}", file=sys.stderr)
        return 2
    milliseconds = (time.perf_counter() - started) * 1000
    if given.json:
        print(json.dumps([vars(decision) | {"same": decision.same} for decision in decisions], indent=1))
    else:
        _show(decisions, milliseconds)
    return 0 if all(decision.same for decision in decisions) else 1


def _content(incident: str) -> bytes:
    if not incident.startswith("s3://"):
        return Path(incident).read_bytes()
    bucket, _, key = incident.removeprefix("s3://").partition("/")
    with aws.failures("S3"):
        body: bytes = aws.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def _service(path: Path) -> Service:
    from stacks.configuration import read_file

    return read_file(path)


def _show(decisions: list[Decision], milliseconds: float) -> None:
    for decision in decisions:
        print(f"{'same ' if decision.same else 'OTHER'} {decision.at}  {decision.step}: {_told(decision.again)}")
        if not decision.same:
            print(f"      it was: {_told(decision.recorded)}")
        print(f"      {decision.why}")
    other = sum(not decision.same for decision in decisions)
    print(f"{len(decisions)} decisions in {milliseconds:.0f} ms; {other or 'none'} come{'s' if other == 1 else ''} out "
          "otherwise")


def _told(decision: dict[str, Any]) -> str:
    return ", ".join(f"{key} {json.dumps(value)}" for key, value in decision.items() if value not in (None, "", []))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BadRecord as error:
        sys.exit(f"replay: {error}")
