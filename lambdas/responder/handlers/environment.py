"""What a function's environment says (``stacks/functions``): read here and nowhere else in this folder.

What a function cannot do without raises KeyError where it is missing; the rest is empty then.
"""

from __future__ import annotations

import os


def table() -> str:
    """The name of the timeline table."""
    return os.environ["TABLE"]


def looks_table() -> str:
    """The name of the table with the sources' budgets and shared look-ups; empty where the function may not ask it."""
    return os.getenv("LOOKS", "")


def timeline() -> str:
    """The name of the function that writes the timeline; empty where this one writes it itself."""
    return os.getenv("TIMELINE", "")


def bucket() -> str:
    """The name of the bucket for reports and raw answers."""
    return os.environ["BUCKET"]


def reports() -> str:
    """The name of the bucket for reports; empty where the function is not told it."""
    try:
        return bucket()
    except KeyError:
        return ""


def answer_bytes() -> int:
    """The most that a source's answer has between states; what all sources answer has room in one state."""
    return int(os.getenv("ANSWER_BYTES", "8192"))


def settings() -> str:
    """The id of the AppConfig application with the services' settings; empty where only the bundled ones are used."""
    return os.getenv("SETTINGS", "")


def source() -> str:
    """The name of the source that the function asks."""
    return os.environ["SOURCE"]


def action() -> str:
    """The name of the action that the function carries out."""
    return os.environ["ACTION"]


def steps() -> tuple[str, ...]:
    """The names of the steps' modules that the function has."""
    return tuple(os.environ["STEPS"].split(","))


def services() -> tuple[str, ...]:
    """The names of the services that the function looks after; empty: all."""
    return tuple(filter(None, os.getenv("SERVICES", "").split(",")))


def region() -> str:
    """The AWS region."""
    return os.getenv("AWS_REGION", "")


def answer_url() -> str:
    """The address at which people answer by IAM."""
    return os.getenv("ANSWER_URL", "")


def approval_url() -> str:
    """The address of the signed links; empty where none are used."""
    return os.getenv("APPROVAL_URL", "")


def approval_key() -> str:
    """The name of the secret that signs links; empty where none are used."""
    return os.getenv("APPROVAL_KEY", "")


def namespace() -> str:
    """The namespace of the responder's own metrics: the deployment's prefix; empty where none are written."""
    return os.getenv("POWERTOOLS_METRICS_NAMESPACE", "")


def memory_mib() -> int:
    """The function's memory in MiB, which Lambda sets; 0 elsewhere."""
    return int(os.getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0"))


def function_name() -> str:
    """The function's name, which Lambda sets; empty elsewhere."""
    return os.getenv("AWS_LAMBDA_FUNCTION_NAME", "")


def part() -> str:
    """The source or the action that the function is for; empty for other functions."""
    return os.getenv("SOURCE", "") or os.getenv("ACTION", "")


def topic() -> str:
    """The ARN of the incident topic."""
    return os.getenv("TOPIC", "")


def state_machine() -> str:
    """The ARN of the state machine; empty where the function need not know it."""
    return os.getenv("STATE_MACHINE", "")
