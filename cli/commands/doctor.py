"""``responder doctor``: what works in the account, what does not, and how to mend it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.output import AsJson, ConfigFolder, Profile, Refused, Region, show, tell

if TYPE_CHECKING:
    from cli.doctor.model import Probe
    from cli.doctor.surroundings import Surroundings


def command(
    config: ConfigFolder = "config",
    service: Annotated[list[str] | None, typer.Option(
        "--service", metavar="NAME", help="Look at this service alone; may be given several times.")] = None,
    only: Annotated[list[str] | None, typer.Option(
        "--only", metavar="PROBE", help="Ask this probe alone; may be given several times.")] = None,
    context: Annotated[str, typer.Option(
        help="A context of your kubeconfig; without it the cluster is reached by EKS, as your AWS identity.")] = "",
    elsewhere: Annotated[list[str] | None, typer.Option(
        "--elsewhere", metavar="SERVICE=PROFILE",
        help="The AWS profile for a service in another account or Region.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Print what is well, too.")] = False,
    probes: Annotated[bool, typer.Option("--probes", help="List the probes and the rights that each needs.")] = False,
    as_json: AsJson = False,
    profile: Profile = "",
    region: Region = "",
) -> int:
    """Look at everything that an incident would need: secrets, queries, rights, alarms, rules, the table, remedies.

    It changes nothing: it reads, asks the sources' functions as an incident would, and tries remedies by dry runs and
    simulations. What it may not ask is "not known". Exit code 0: all is well; 1: something is broken; 3: nothing is
    broken, but something is not known.
    """
    from cli.doctor.render import render
    from cli.doctor.run import diagnosed

    chosen = _chosen(only or [])
    if probes:
        return _listed(chosen, as_json)
    here = _surroundings(config, service or [], profile, region, context, elsewhere or [])
    tell(f"responder doctor: asks {len(chosen)} probes, which takes up to a minute and a half")
    diagnosis = diagnosed(here, chosen)
    show(diagnosis, as_json, lambda console: render(console, diagnosis, chosen, every))
    return diagnosis.code


def _chosen(only: list[str]) -> tuple[Probe, ...]:
    from cli.doctor.probes import every

    known = every()
    names = [probe.name for probe in known]
    for name in only:
        if name not in names:
            raise Refused(f"--only {name}: there is no such probe; there are: {', '.join(names)}")
    return tuple(probe for probe in known if not only or probe.name in only)


def _listed(chosen: tuple[Probe, ...], as_json: bool) -> int:
    from cli.doctor.render import rights

    if as_json:
        statement = {"Effect": "Allow", "Action": rights(chosen), "Resource": "*"}
        show({"Version": "2012-10-17", "Statement": [statement]}, True, lambda console: None)
    else:
        for probe in chosen:
            typer.echo(f"{probe.name}: {probe.about}\n  {', '.join(probe.rights)}")
    return 0


def _surroundings(config: str, named: list[str], profile: str, region: str, context: str, elsewhere: list[str]
                  ) -> Surroundings:
    import boto3

    from cli.doctor.account import Account
    from cli.doctor.cluster import by
    from cli.doctor.surroundings import Surroundings
    from stacks.configuration import read_folder, read_settings

    folder = Path(config)
    services, settings = read_folder(folder), read_settings(folder)
    known = {service.service: service for service in services}
    for name in named:
        if name not in known:
            raise Refused(f"--service {name}: {config} has no such service; it has: {', '.join(known)}")
    remote: dict[str, Account] = {}
    for pair in elsewhere:
        name, _, other = pair.partition("=")
        if name not in known or not other:
            raise Refused(f"--elsewhere {pair}: expected SERVICE=PROFILE, with a service of {config}")
        remote[name] = Account(boto3.Session(profile_name=other, region_name=known[name].aws.region or region or None),
                               settings.stack_name)
    account = Account(boto3.Session(profile_name=profile or None, region_name=region or None), settings.stack_name)
    return Surroundings(folder, settings, tuple(services), tuple(known[name] for name in named) or tuple(services),
                        account, by(context), remote)
