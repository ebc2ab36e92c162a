"""The steps of a deployment: prepare, say what would change, synthesize, show the CDK's diff, deploy.

Sources: the AWS CDK Developer Guide's pages "cdk diff" and "cdk deploy" (``--require-approval never``: people were
asked before; ``--app FOLDER``: what was shown is what is deployed).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from pydantic import ValidationError

from cli.deploying.changes import changes
from cli.deploying.kept_logs import forget, in_the_way
from cli.output import NOT_ASKED, NOT_WELL, WRONG_INPUT, Refused
from responder.model.frozen import dataclass
from responder.model.service import Service
from stacks.configuration import read_folder, read_settings
from stacks.deployed import deployed_services
from stacks.elsewhere import is_elsewhere

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Plan:
    """A deployment that is about to be made."""

    folder: Path
    """Of the configuration that is deployed."""
    stack: str
    account: str
    region: str
    who: str
    """The ARN of who deploys."""
    context: tuple[str, ...]
    profile: str
    services: Mapping[str, Service]
    deployed: Mapping[str, Service] | None
    """What is deployed now; None: nothing is, or it cannot be read."""
    unread: str = ""
    """Why what is deployed now cannot be read."""
    session: Any = None
    """boto3's."""

    @property
    def out(self) -> Path:
        """The folder of the synthesized templates, one for each environment."""
        return ROOT / "cdk.out" / "deploy" / self.stack / f"{self.account}-{self.region}"


def folder_of(config: str, env: str) -> Path:
    """Return the folder of an environment; raises Refused where it is not there."""
    folder = Path(config) / env if env else Path(config)
    if not folder.is_dir():
        there = ", ".join(sorted(path.name for path in Path(config).glob("*") if path.is_dir())) or "none"
        raise Refused(f"{folder}: expected a folder with the configuration of the environment; {config} has {there}",
                      WRONG_INPUT)
    return folder


def prepared(config: str, env: str, account: str, context: tuple[str, ...], profile: str, region: str) -> Plan:
    """Return what is to be deployed and where; raises Refused, ConfigurationError and botocore's errors.

    The configuration is checked first, so that a mistake in it is told without credentials.
    """
    folder = folder_of(config, env)
    services, settings = {one.service: one for one in read_folder(folder)}, read_settings(folder)
    for one in context:
        if "=" not in one:
            raise Refused(f"--context {one[:60]}: expected KEY=VALUE", WRONG_INPUT)
    session = boto3.Session(profile_name=profile or None, region_name=region or None)
    me = session.client("sts").get_caller_identity()
    if account and me["Account"] != account:
        raise Refused(f"these are credentials of account {me['Account']}, and --account says {account}", WRONG_INPUT)
    deployed, unread = _deployed(session, settings.stack_name)
    return Plan(folder, settings.stack_name, me["Account"], str(session.region_name), me["Arn"], context, profile,
                services, deployed, unread, session)


def _deployed(session: Any, stack: str) -> tuple[Mapping[str, Service] | None, str]:
    try:
        return deployed_services(session.client("cloudformation"), stack), ""
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return None, "" if code == "ValidationError" else f"{code}: {error.response['Error'].get('Message', '')}"
    except ValidationError as error:
        return None, f"another version deployed it ({error.error_count()} fields)"


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield where it goes, and what would change of how the responder acts."""
    yield f"{plan.folder} → stack {plan.stack}, account {plan.account}, {plan.region}, as {plan.who}"
    if plan.unread:
        yield f"What is deployed now cannot be read ({plan.unread}); the CDK's diff shows it."
        return
    if plan.deployed is None:
        yield "A first deployment: there is no such stack."
    found = list(changes(plan.deployed or {}, plan.services))
    yield from (f"  {line}" for line in found)
    if not found:
        yield "  Nothing changes in the configuration."


def synthesize(plan: Plan) -> None:
    """Build the templates; raises Refused."""
    _cdk(plan, "synth", "--quiet", "--output", str(plan.out), "--context", f"config={plan.folder.resolve()}",
         *(part for one in plan.context for part in ("--context", one)))


def kept_logs(plan: Plan, may_forget: bool) -> tuple[str, ...]:
    """Return the log groups that are to be deleted first; raises Refused where there are any that may not be."""
    if plan.deployed is None:
        return ()
    template = json.loads((plan.out / f"{plan.stack}.template.json").read_text(encoding="utf-8"))
    names = in_the_way(plan.session, plan.stack, template)
    if names and not may_forget:
        raise Refused("nothing was deployed: log groups of functions that were there before are kept, and "
                      f"CloudFormation cannot make them anew: {', '.join(names)}. Export what you still want of them; "
                      "--forget-logs deletes them", NOT_WELL)
    return names


def diff(plan: Plan) -> None:
    """Show what would change of resources and rights; raises Refused."""
    _cdk(plan, "diff", plan.stack, "--app", str(plan.out))


def deploy(plan: Plan, forgotten: Sequence[str] = ()) -> None:
    """Delete kept log groups, and deploy what was shown; raises Refused."""
    forget(plan.session, forgotten)
    _cdk(plan, "deploy", plan.stack, "--app", str(plan.out), "--require-approval", "never")


def after_lines(plan: Plan) -> Iterator[str]:
    """Yield what a deployment does not do by itself."""
    yield f"{plan.stack} is deployed. No deployment releases a kill switch: `responder status` shows them."
    for name, service in plan.services.items():
        if is_elsewhere(service):
            yield f"{name} is in another account or Region: deploy its own stack there (docs/network.md)"


def _cdk(plan: Plan, *arguments: str) -> None:
    program = ROOT / "node_modules" / ".bin" / "cdk"
    if not program.exists():
        raise Refused(f"{program} is not there: `make setup` installs it", WRONG_INPUT)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}",
                   "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20", "AWS_REGION": plan.region,
                   **({"AWS_PROFILE": plan.profile} if plan.profile else {})}
    done = subprocess.run([str(program), *arguments], cwd=ROOT, check=False, env=environment)
    if done.returncode:
        raise Refused(f"cdk {arguments[0]} failed; it says why above",
                      NOT_WELL if arguments[0] == "synth" else NOT_ASKED)
