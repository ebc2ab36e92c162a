"""``responder init``: writes the configuration of a service from what is there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from botocore.config import Config
from rich.console import Console

from cli.init.asking import (
    NEW_RELIC_SECRET,
    SPLUNK_SECRET,
    at_a_terminal,
    cluster_name,
    namespace_name,
    secret_value,
    service_name,
)
from cli.init.decide.draft import draft
from cli.init.facts import Cluster
from cli.init.readers import ERRORS, Asked, read_all
from cli.init.writing import Initialised, file_of, written_to
from cli.kube import connect
from cli.output import NOT_ASKED, WELL, AsJson, ConfigFolder, Profile, Refused, Region, show, tell

_LIMITS = Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 5})


def command(
        service: Annotated[str, typer.Argument(metavar="[SERVICE]", help="The service's name.")] = "",
        namespace: Annotated[str, typer.Option(help="The Kubernetes namespace of its workloads.")] = "",
        cluster: Annotated[str, typer.Option(help="The EKS cluster; not needed where the account has one.")] = "",
        component: Annotated[list[str] | None, typer.Option(
            help="A workload that is a component; may be given several times. Without it they are found.")] = None,
        context: Annotated[str, typer.Option(help="The kubeconfig's context; without it the cluster's.")] = "",
        newrelic_account: Annotated[int, typer.Option(
            help="New Relic's account; the user key is read from NEW_RELIC_API_KEY, or from --newrelic-secret.")] = 0,
        newrelic_endpoint: Annotated[str, typer.Option(
            help="NerdGraph; https://api.eu.newrelic.com/graphql in Europe.")] = "https://api.newrelic.com/graphql",
        newrelic_secret: Annotated[str, typer.Option(
            help="The secret with the user key.")] = NEW_RELIC_SECRET,
        splunk_url: Annotated[str, typer.Option(
            help="Splunk's management address; the token is read from SPLUNK_TOKEN, or from --splunk-secret.")] = "",
        splunk_secret: Annotated[str, typer.Option(help="The secret with the token.")] = SPLUNK_SECRET,
        splunk_search: Annotated[str, typer.Option(
            help="The search that finds its logs, such as index=payments; without it all indexes are searched.")] = "",
        prometheus_url: Annotated[str, typer.Option(help="Prometheus, for a mesh's own count of calls.")] = "",
        config: ConfigFolder = "config",
        force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the file, and write nothing.")] = False,
        profile: Profile = "", region: Region = "", as_json: AsJson = False) -> int:
    """Write a service's configuration from what is there.

    Reads the cluster, load balancers, alarms, metrics, databases, and New Relic's and Splunk's fields, with read rights
    only, and writes FOLDER/SERVICE.yaml with comments: where each value comes from, how certain it is, and what it
    could not know. The service begins in mode observe. Secrets are named, never written.
    """
    session = _Session(boto3.Session(profile_name=profile or None, region_name=region or None))
    terminal = at_a_terminal() and not as_json
    name, in_cluster = service_name(service, terminal), cluster_name(cluster, session, terminal)

    def namespaces() -> list[str]:
        try:
            found = connect(in_cluster, context, session).items("api/v1/namespaces")
            return [one["metadata"]["name"] for one in found if not one["metadata"]["name"].startswith("kube-")]
        except ERRORS:
            return []

    asked = Asked(
        name, namespace_name(namespace, namespaces, terminal), in_cluster, tuple(component or ()), context,
        newrelic_account, newrelic_endpoint, secret_value("NEW_RELIC_API_KEY", newrelic_secret, session)
        if newrelic_account else "", splunk_url, secret_value("SPLUNK_TOKEN", splunk_secret, session)
        if splunk_url else "", splunk_search, prometheus_url)
    facts, outcomes = read_all(asked, session)
    for outcome in outcomes:
        for trouble in outcome.troubles:
            tell(f"{'not all of' if outcome.read else 'not read:'} {outcome.title}: {trouble}")
    if not any(outcome.read for outcome in outcomes):
        raise Refused("nothing could be read, so nothing was written; see the sentences above", NOT_ASKED)
    if facts.read(Cluster) and not facts.of(Cluster).workloads:
        tell(f"the namespace {asked.namespace} has no workloads: the components are left to you")
    result = written_to(file_of(Path(config), name), draft(asked, facts, outcomes, f"{datetime.now(UTC):%Y-%m-%d}"),
                        outcomes, force, dry_run)
    show(result, as_json, lambda console: _render(console, result))
    return WELL


class _Session:
    """boto3's session, whose clients give up after a while."""

    def __init__(self, session: boto3.Session) -> None:
        self._session = session

    def client(self, service: str) -> Any:
        """Return a client."""
        return self._session.client(service, config=_LIMITS)


def _render(console: Console, result: Initialised) -> None:
    if not result.written:
        console.print(result.text, markup=False, end="")
        return
    console.print(f"{result.file} was written, in mode observe.", markup=False)
    if result.todos:
        console.print(f"{len(result.todos)} things are left to you (lines with TODO):")
        for one in result.todos:
            console.print(f"  {one.field}: {one.what}", markup=False)
    for problem in result.problems:
        console.print(f"  not valid yet: {problem}", markup=False)
    console.print(f"Next: fill them in, then `responder check --config {Path(result.file).parent}`.", markup=False)
