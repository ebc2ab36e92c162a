"""The command line finds its commands, and says in one sentence what went wrong."""

from __future__ import annotations

import pytest
import typer
from botocore.exceptions import ClientError, NoCredentialsError
from typer.testing import CliRunner

from cli import app, output


def failing(error: Exception) -> typer.Typer:
    """A program with one command that fails."""
    def command() -> None:
        raise error

    program = typer.Typer()
    program.command("alone")(app._guarded("alone", command))
    return program


@pytest.mark.parametrize(("error", "code", "told"), [
    (output.Refused("no incident begins with 'x'"), 2, "responder alone: no incident begins with 'x'"),
    (output.Refused("the cluster did not answer", output.NOT_ASKED), 3, "the cluster did not answer"),
    (NoCredentialsError(), 3, "sign in"),
    (ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetItem"), 3,
     "AWS refused GetItem: AccessDenied"),
])
def test_what_goes_wrong_is_one_sentence_and_an_exit_code(error: Exception, code: int, told: str) -> None:
    done = CliRunner().invoke(failing(error), [])
    assert done.exit_code == code
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not done.stdout


def test_a_mistake_of_the_program_is_not_taken_for_one_of_the_user() -> None:
    done = CliRunner().invoke(failing(KeyError("x")), [])
    assert isinstance(done.exception, KeyError)


def test_each_command_says_what_it_does_and_can_answer_a_program() -> None:
    program = app.built()
    groups = [group.typer_instance for group in program.registered_groups]
    for one in [*program.registered_commands, *(one for group in groups for one in group.registered_commands)]:
        assert one.callback is not None
        assert (one.callback.__doc__ or "").strip(), one.name
    assert CliRunner().invoke(program, ["--help"]).exit_code == 0
