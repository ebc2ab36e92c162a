"""``responder``: finds its commands, and turns what goes wrong into one sentence and an exit code."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import typer
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, TokenRetrievalError

from cli import commands
from cli.output import NOT_ASKED, WRONG_INPUT, Refused, tell
from stacks.configuration import ConfigurationError


def built() -> typer.Typer:
    """Return the program with every command of ``cli/commands``."""
    app = typer.Typer(name="responder", no_args_is_help=True, pretty_exceptions_enable=False,
                      context_settings={"help_option_names": ["-h", "--help"]},
                      help="Set up, check and run the incident responder.")
    for found in sorted(pkgutil.iter_modules(commands.__path__), key=lambda module: module.name):
        module = importlib.import_module(f"{commands.__name__}.{found.name}")
        name = found.name.replace("_", "-")
        if hasattr(module, "app"):
            for one in module.app.registered_commands:
                one.callback = _guarded(name, one.callback)
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(_guarded(name, module.command))
    app.callback()(_whole)
    return app


def _whole() -> None:
    """Set up, check and run the incident responder."""


def _guarded(name: str, command: Callable[..., int | None]) -> Callable[..., None]:
    @functools.wraps(command)
    def run(*given: Any, **named: Any) -> None:
        try:
            code = command(*given, **named)
        except (Refused, ConfigurationError, BotoCoreError, ClientError) as error:
            tell(f"responder {name}: {_sentence(error)}")
            raise typer.Exit(_code(error)) from error
        if code:
            raise typer.Exit(code)

    return run


def _code(error: Exception) -> int:
    if isinstance(error, Refused):
        return error.code
    return WRONG_INPUT if isinstance(error, ConfigurationError) else NOT_ASKED


def _sentence(error: Exception) -> str:
    if isinstance(error, NoCredentialsError | TokenRetrievalError):
        return "no AWS credentials were found, or they have expired; sign in (aws sso login), or name a --profile"
    if isinstance(error, NoRegionError):
        return "no AWS Region is known; name a --region, or set AWS_REGION"
    if isinstance(error, ClientError):
        said = error.response.get("Error", {})
        return f"AWS refused {error.operation_name}: {said.get('Code', 'unknown')}: {said.get('Message', 'no reason')}"
    if isinstance(error, ConfigurationError):
        return f"the configuration cannot be used:\n{error}"
    return str(error)


def main() -> None:
    """Run the command that the arguments name."""
    built()()
