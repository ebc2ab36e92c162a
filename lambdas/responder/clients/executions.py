"""Start the state machine, once for each name.

Step Functions takes a name once in ninety days (AWS's page "StartExecution"): what is run twice starts once.
"""

from __future__ import annotations

import hashlib
import json

from responder.clients import aws
from responder.clients.failure import CallFailed
from responder.model.codec import Json

_TAKEN = "ExecutionAlreadyExists"


def digest(text: str) -> str:
    """Return what stands for a text in an execution's name, which has at most 80 characters of few kinds."""
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def start(machine: str, name: str, given: Json) -> bool:
    """Start an execution with an input; False where its name was taken before. Raises CallFailed."""
    try:
        with aws.failures("Step Functions"):
            aws.client("stepfunctions").start_execution(stateMachineArn=machine, name=name, input=json.dumps(given))
    except CallFailed as failed:
        if failed.code != _TAKEN:
            raise
        return False
    return True
