"""What the user is asked: service, namespace and cluster, and no more; without a terminal, options say it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError

from cli.kube import contexts_of_clusters
from cli.output import Refused, tell

NEW_RELIC_SECRET, SPLUNK_SECRET = "incident-response/newrelic", "incident-response/splunk"
"""Names of the secrets with the vendors' keys, as the shipped configuration has them."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_MOST_SHOWN = 30


def at_a_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def service_name(given: str, terminal: bool) -> str:
    """Return a valid name of a service; raises Refused."""
    name = given or _prompt("name of the service (lower-case letters, digits, hyphens)", "SERVICE", (), terminal)
    if not _NAME.fullmatch(name) or len(name) > 40:
        raise Refused(f"SERVICE {name!r}: expected up to 40 lower-case letters, digits and single hyphens")
    return name


def cluster_name(given: str, session: Any, terminal: bool) -> str:
    """Return the EKS cluster: the one that is named, or the only one that there is; raises Refused."""
    if given:
        return given
    try:
        found = [name for page in session.client("eks").get_paginator("list_clusters").paginate()
                 for name in page["clusters"]]
    except (ClientError, BotoCoreError):
        found = contexts_of_clusters()
    return found[0] if len(found) == 1 else _prompt("EKS cluster", "--cluster", found, terminal)


def namespace_name(given: str, found: Callable[[], Sequence[str]], terminal: bool) -> str:
    """Return the namespace of the workloads; raises Refused."""
    name = given or _prompt("namespace of the workloads", "--namespace", found() if terminal else (), terminal)
    if not _NAMESPACE.fullmatch(name):
        raise Refused(f"--namespace {name!r}: expected the name of a Kubernetes namespace")
    return name


def secret_value(variable: str, name: str, session: Any) -> str:
    """Return a key from the environment, or from the secret that the user names; empty where there is none of both.

    It stays in memory, and is sent to its vendor alone.
    """
    if value := os.environ.get(variable, "").strip():
        return value
    if not name:
        return ""
    try:
        return str(session.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]).strip()
    except (ClientError, BotoCoreError, KeyError):
        return ""


def _prompt(what: str, option: str, found: Sequence[str], terminal: bool) -> str:
    shown = ", ".join(found[:_MOST_SHOWN]) + (", …" if len(found) > _MOST_SHOWN else "")
    if not terminal:
        raise Refused(f"{option} is missing: expected the {what}" + (f", one of {shown}" if shown else ""))
    if shown:
        tell(f"There are: {shown}")
    return str(typer.prompt(what[0].upper() + what[1:], err=True)).strip()
