"""CloudWatch Synthetics: the account's canaries. Format: "Amazon CloudWatch Synthetics API", DescribeCanaries."""

from __future__ import annotations

import json

from sandbox.places import CANARY
from sandbox.vendors.gate import Answer
from sandbox.vendors.wire import Refused


def answer(method: str, path: str) -> Answer:
    """Answer one request; raises Refused."""
    if (method, path.partition("?")[0].rstrip("/")) != ("POST", "/canaries"):
        raise Refused("ResourceNotFoundException", f"Unknown path {path}", 404)
    canary = {"Id": "0b7d6f5e-4a3c-4d0c-9a3c-0d5f9a2f6f10", "Name": CANARY, "Status": {"State": "RUNNING"},
              "RuntimeVersion": "syn-nodejs-puppeteer-9.1",
              "Schedule": {"Expression": "rate(1 minute)", "DurationInSeconds": 0}}
    return Answer(200, json.dumps({"Canaries": [canary]}).encode())
