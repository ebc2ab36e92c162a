"""``responder approve``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from cli.incidents.options import Incident, OfService, Stack, Yes, confirmed
from cli.output import NOT_WELL, WELL, WRONG_INPUT, AsJson, ConfigFolder, Profile, Refused, Region, show, tell

Word = Annotated[str, typer.Argument(metavar="[yes|no|done]", help=(
    "The answer: yes or no to a question, done for a task. Without it the question is shown and you are asked."))]
Task = Annotated[str, typer.Option("--task", help="The question's id, such as 01 or 01m, where several are open.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with your answer.")]
Value = Annotated[int | None, typer.Option("--value", help="With yes: another value than the planned one.")]
Instead = Annotated[str, typer.Option("--instead", metavar="ID", help="With no: the remedy that comes first instead.")]


def command(incident: Incident = "latest", word: Word = "", task: Task = "", reason: Reason = "",
            value: Value = None, instead: Instead = "", yes: Yes = False, service: OfService = "",
            config: ConfigFolder = "config", stack: Stack = "", profile: Profile = "", region: Region = "",
            as_json: AsJson = False) -> int:
    """Answer what an open incident asks people, as yourself: approve or reject a remedy, or mark a task as done.

    It shows what will be done and asks before it answers. Who may answer is decided by the responder, as for every
    other way to answer; your name in AWS is kept with the answer. The exit code is 1 where the answer decides nothing.
    """
    from cli.incidents.answering import DECISIONS, answer_of, send
    from cli.incidents.lines import printed
    from cli.incidents.place import find
    from cli.incidents.questions import question_lines, question_of
    from cli.incidents.who import caller

    if incident in DECISIONS and not word:
        incident, word = "latest", incident
    place = find(Path(config), stack, profile, region)
    asked = question_of(place, place.chosen(service), incident, task, time.time())
    for line in question_lines(asked, time.time()):
        tell(line)
    who = caller(place)
    said = word or _asked(asked.one.kind)
    answer = answer_of(asked.one, asked.standing.id, said, reason, value, instead)
    tell(f"\nYou answer as {who.arn}.")
    if word:
        confirmed(f"Answer {said!r} to task {answer.task} of {answer.incident}?", yes)
    found = send(place, answer)
    show(found, as_json, printed([f"{found.result}: {found.said}"]))
    return WELL if found.counts else NOT_WELL


def _asked(kind: str) -> str:
    takes = "yes or no" if kind == "approval" else "done"
    if not sys.stdin.isatty():
        raise Refused(f"an answer is needed: {takes}", WRONG_INPUT)
    return str(typer.prompt(f"\nYour answer ({takes})", err=True)).strip().lower()
