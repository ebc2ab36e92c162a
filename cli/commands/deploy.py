"""``responder deploy``."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.incidents.options import Yes, confirmed
from cli.output import Profile, Region, tell

Env = Annotated[str, typer.Argument(metavar="[ENV]", help=(
    "The environment: its folder below that of the configuration, such as staging for config/staging."))]
Folder = Annotated[str, typer.Option("--config", metavar="FOLDER", help="The folder of all configurations.")]
Account = Annotated[str, typer.Option("--account", help="Refuse to deploy to any other account.")]
Context = Annotated[list[str] | None, typer.Option("--context", "-c", metavar="KEY=VALUE", help="Context for the CDK.")]
ForgetLogs = Annotated[bool, typer.Option("--forget-logs", help=(
    "Delete log groups that removed functions left and that stand in the way of the same functions."))]


def command(env: Env = "", config: Folder = "config", account: Account = "", context: Context = None,
            forget_logs: ForgetLogs = False, yes: Yes = False, profile: Profile = "", region: Region = "") -> None:
    """Deploy the responder: check the configuration, show what would change, ask, and deploy.

    It refuses a configuration that cannot be used, and goes nowhere without credentials. What changes is shown first
    in words (modes, policies, remedies, sources), and then as the CDK shows it (resources, rights, security groups).
    """
    from cli.deploying import steps

    plan = steps.prepared(config, env, account, tuple(context or ()), profile, region)
    for line in steps.plan_lines(plan):
        tell(line)
    steps.synthesize(plan)
    forgotten = steps.kept_logs(plan, forget_logs)
    steps.diff(plan)
    for name in forgotten:
        tell(f"Log group {name} is deleted first")
    confirmed(f"Deploy {plan.stack} to account {plan.account}, {plan.region}?", yes)
    steps.deploy(plan, forgotten)
    for line in steps.after_lines(plan):
        tell(line)
