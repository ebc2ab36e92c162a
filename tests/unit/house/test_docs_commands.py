"""Every command in the docs works: it runs here, or what it names is looked up in the program that it calls.

What is collected: fenced blocks of ``sh`` and ``console``, and indented blocks that begin with a program, of the README
and all pages. What runs here and is cheap is run. What starts a sandbox, or takes minutes, is looked up: the target of
make and its recipe, the options in the program's help. A command of ``responder`` is parsed by the program. What is for
an account alone (aws, cdk, kubectl) is held to the models of botocore; what nothing here knows stands in a block under
``<!-- in an account -->``. Any other block fails.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import botocore.session
import click
import pytest
from botocore import xform_name
from typer.main import get_command

from cli.app import built
from tests.conftest import ROOT

MARK = "<!-- in an account -->"
PAGES = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
         *sorted((ROOT / "docs").rglob("*.md"))]
_PROGRAMS = ("aws", "cdk", "cd", "eval", "export", "git", "kubectl", "make", "node_modules/.bin/cdk", "npx", "pip",
             "python", "python3", ".venv/bin/python", ".venv/bin/responder", "responder", "UPDATE_SNAPSHOT=1")
_FENCED = re.compile(rf"({re.escape(MARK)}\s*\n+)?^( *)```(sh|console|shell|bash)\b[^\n]*\n(.*?)^ *```", re.M | re.S)
_INDENTED = re.compile(rf"({re.escape(MARK)} *)?(?:\A|\n)\n((?: {{4,}}(?:{'|'.join(map(re.escape, _PROGRAMS))})"
                       r"[ \n][^\n]*\n?(?: {4,}[^\n]*\n?)*))")
_RUN = {"make help", "make network", "make rbac SERVICE=payment-gateway"}
"""What is run as it stands, each within two seconds."""
_FREE = ("git", "cd", "export", "pip", "npx", "eval", "jq")
"""Programs that the project does not bring, and that need no account."""


class Command(NamedTuple):
    """One line of a block."""

    page: str
    text: str
    in_account: bool
    """Whether its block is marked."""


def blocks(text: str) -> Iterator[tuple[bool, str]]:
    """Yield whether a block is marked, and its text."""
    for found in _FENCED.finditer(text):
        yield bool(found[1]), found[4]
    for found in _INDENTED.finditer(_FENCED.sub("", text)):
        yield bool(found[1]), found[2]


def lines(block: str) -> Iterator[str]:
    """Yield the commands of a block: continued lines together, without prompts, remarks and what a program answered."""
    rows = [row.strip() for row in block.replace("\\\n", " ").splitlines()]
    prompted = any(row.startswith("$ ") for row in rows)
    for row in rows:
        if not row or row.startswith("#") or (prompted and not row.startswith("$ ")):
            continue
        yield re.sub(r"\s+", " ", re.sub(r"\s+# .*$", "", row.removeprefix("$ ")))


COMMANDS = [Command(str(path.relative_to(ROOT)), line, marked) for path in PAGES if path.exists()
            for marked, block in blocks(path.read_text(encoding="utf-8")) for line in lines(block)]


def parts(text: str) -> Iterator[list[str]]:
    """Yield the words of each program of a line; what is optional is there: ``[--json FOLDER]``."""
    read = shlex.shlex(re.sub(r"\[([^\[\]]*)\]", r"\1", text), posix=True, punctuation_chars="|&>")
    read.whitespace_split, read.commenters = True, ""
    words: list[str] = []
    for word in read:
        if word in ("|", "&&"):
            yield words
            words = []
        else:
            words.append(word)
    # Where the output goes is no word of the program.
    yield words[:words.index(">")] if ">" in words else words


@cache
def told(*program: str) -> str:
    """What a program's --help says."""
    done = subprocess.run([*program, "--help"], cwd=ROOT, capture_output=True, text=True, check=False,
                          env=_environment())
    assert done.returncode == 0, f"{program}: {done.stderr[-500:]}"
    return done.stdout


def _environment() -> dict[str, str]:
    return {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": f"{ROOT}:{ROOT / 'lambdas'}",
            "COLUMNS": "200"}


def of_make(words: list[str]) -> None:
    done = subprocess.run(["make", "--dry-run", "-o", "setup", *words], cwd=ROOT, capture_output=True, text=True,
                          check=False, env=_environment())
    assert done.returncode == 0, done.stderr


def of_python(words: list[str]) -> None:
    if words[:1] != ["-m"]:
        assert (ROOT / words[0]).exists(), f"there is no {words[0]}"
        module = [words[0]]
    else:
        module = words[:2]
        name = ROOT / module[1].replace(".", "/")
        assert name.with_suffix(".py").exists() or name.is_dir() or module[1] in ("pytest", "venv", "pip"), module[1]
    options = [word.partition("=")[0] for word in words if word.startswith("--")]
    if options:
        under = [word for word in words[len(module):len(module) + 1] if word.isalpha() and word.islower()]
        said = told(sys.executable, *module, *under)
        assert [option for option in options if option not in said] == []


def of_responder(words: list[str]) -> None:
    """Parse a command without running it."""
    program = get_command(built())
    context = program.make_context("responder", list(words), resilient_parsing=False)
    name, command, rest = program.resolve_command(context, context._protected_args + context.args)
    while isinstance(command, click.Group) or hasattr(command, "commands"):
        context = command.make_context(name, rest, parent=context)
        name, command, rest = command.resolve_command(context, context._protected_args + context.args)
    command.make_context(name, rest, parent=context)


def of_aws(words: list[str]) -> None:
    """Look an operation and its options up in botocore's models."""
    if words[0] in ("configure", "sso", "--version") or words[:2] == ["s3", "cp"]:
        return
    models = {"stepfunctions": "stepfunctions", "deploy": "codedeploy", "s3api": "s3"}
    session = botocore.session.get_session()
    name = models.get(words[0], words[0])
    model = session.get_service_model(name)
    operation = next((one for one in model.operation_names if xform_name(one, "-") == words[1]), None)
    assert operation, f"aws {words[0]} has no {words[1]}"
    shape = model.operation_model(operation).input_shape
    known = {f"--{xform_name(member, '-')}" for member in (shape.members if shape else ())}
    general = {"--output", "--query", "--region", "--profile", "--no-cli-pager", "--cli-binary-format"}
    given = {word.partition("=")[0].replace("--no-", "--") for word in words if word.startswith("--")}
    assert given - known - general == set()


def test_the_docs_have_commands() -> None:
    """Else the patterns above would find none, and nothing would be held."""
    assert len(COMMANDS) >= 25 and {command.page for command in COMMANDS} >= {"README.md", "docs/manual-steps.md"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.page}: {command.text[:60]}")
def test_a_command_in_the_docs_is_one_that_works(command: Command) -> None:
    for words in parts(command.text):
        if command.in_account and words[0] not in ("responder", "make", "python"):
            continue
        match words[0]:
            case "make":
                of_make(words[1:])
            case "python" | "python3" | ".venv/bin/python":
                of_python(words[1:])
            case "responder" | ".venv/bin/responder":
                of_responder(words[1:])
            case "aws":
                of_aws(words[1:])
            case "kubectl":
                assert words[1] in ("apply", "get", "auth", "config", "delete", "diff", "describe"), words
            case "cdk" | "node_modules/.bin/cdk":
                assert words[1] in ("bootstrap", "deploy", "diff", "synth", "destroy"), words
            case "UPDATE_SNAPSHOT=1":
                of_python(words[2:])
            case _:
                assert words[0] in _FREE or "=" in words[0] or not re.match(r"[\w./-]+$", words[0]), (
                    f"{command.page}: this test knows no {words[0]}; teach it, or put {MARK} above the block")
    if command.text in _RUN:
        done = subprocess.run(["make", "-o", "setup", *next(parts(command.text))[1:]], cwd=ROOT, capture_output=True,
                              text=True, check=False, env=_environment(), timeout=20)
        assert done.returncode == 0 and done.stdout, done.stderr


@pytest.mark.parametrize("line", [
    "make dmo", "python -m sandbox drill x.yaml --jsn F", "responder costs --budgt 3", "responder cots",
    "aws stepfunctions start-executions --input x", "aws ssm put-parameter --nme /x", "curl https://example.com"])
def test_a_command_that_does_not_work_is_found(line: str) -> None:
    with pytest.raises((AssertionError, click.ClickException, SystemExit, Exception)) as found:
        test_a_command_in_the_docs_is_one_that_works(Command("README.md", line, False))
    assert not isinstance(found.value, NameError | AttributeError | TypeError), found.value
