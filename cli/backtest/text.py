"""A report as a table and paragraphs: on a terminal by rich, and as Markdown; ``page`` makes HTML of the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from cli.backtest.outcome import Case, Proposed, Report
from responder.plan import remedies
from responder.plan.wording import duration, listed, moment, sentence, share, source_name, words

HEADINGS = ("When (UTC)", "Alarm", "Confirmed", "Failures arise", "Cause", "Remedy, by policy")
_RULED = {"run": "would run", "ask": "would ask", "refuse": "would be refused"}
_ANSWERED = {"confirmed": "confirmed", "false_alarm": "false alarm", "inconclusive": "not confirmed"}


def title(report: Report) -> str:
    """Return the report's title."""
    what = "What the responder would have decided" if report.origin == "backtest" else "What the responder decided"
    return f"{what}, {when(report.since)} to {when(report.until)} UTC"


def when(at: str) -> str:
    """Return a time as people read it, in UTC."""
    return f"{at[:10]} {at[11:16]}" if len(at) > 15 else moment(at)


def row(case: Case) -> tuple[str, ...]:
    """Return a case's cells, in the order of ``HEADINGS``."""
    after = f" after {duration(case.decided_after_seconds)}" if case.decided_after_seconds is not None else ""
    named = ""
    if case.named:
        named = f"{case.named}, {share(case.confidence)}" + (
            f", after {duration(case.cause_after_seconds)}" if case.cause_after_seconds is not None else "")
    elif case.cause:
        named = f"not named (likeliest: {case.likeliest}, {share(case.confidence)})" if case.likeliest else "not named"
    return (when(case.moment.at), case.moment.alarm or "(named by you)", _ANSWERED[case.answer] + after,
            "; ".join(case.failure_modes), named, "; ".join(map(_proposal, case.remedies)) or (
                "none" if case.answer == "confirmed" else ""))


def _proposal(one: Proposed) -> str:
    return f"{remedies.phrase(one.action)} of {one.component}: {_RULED[one.ruling]}"


def paragraphs(case: Case) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what is behind a case: a heading, and its sentences."""
    yield "Sources", tuple(sentence(f"{source_name(vote.source)} {_VOTED.get(vote.vote, vote.vote)}: {vote.reason}")
                           for vote in case.votes)
    if case.summary:
        yield "Cause", (sentence(case.summary),)
    yield "Remedies", (*(sentence(f"{_proposal(one)}, because {one.why}" if one.why else _proposal(one))
                         for one in case.remedies),
                       *(sentence(f"Not proposed: {one}") for one in case.not_proposed))
    yield "Not known", tuple(map(sentence, case.not_known))
    if case.ending:
        yield "Then", (sentence(case.ending),)


_VOTED = {"outage": "saw an outage", "healthy": "saw nothing wrong", "unknown": "could not tell"}


def summary(report: Report) -> tuple[str, ...]:
    """Return the report in a few sentences."""
    count = len(report.cases)
    answers = Counter(case.answer for case in report.cases)
    named = sum(bool(case.named) for case in report.cases)
    rulings = Counter(case.remedies[0].ruling if case.remedies else "none" for case in report.cases if case.named)
    said = [f"{count} incident{'s' * (count != 1)}: {answers['confirmed']} confirmed, {answers['false_alarm']} false "
            f"alarms, {answers['inconclusive']} left to people."]
    if answers["confirmed"]:
        said.append(f"The cause was named in {named} of {answers['confirmed']}; the first remedy would run in "
                    f"{rulings['run']}, ask in {rulings['ask']}, be refused in {rulings['refuse']}, and "
                    f"{rulings['none']} had none.")
    if report.compared:
        verdicts = Counter(one.verdict for one in report.compared)
        said.append("Compared: " + listed([f"{number} {words(verdict)}" for verdict, number in verdicts.items()]) + ".")
    return tuple(said)


def render(report: Report, console: Console) -> None:
    """Write a report to a terminal or a pipe."""
    console.print(title(report))
    if console.is_terminal:
        table = Table(*HEADINGS, show_lines=True)
        for case in report.cases:
            table.add_row(*row(case))
        console.print(table, soft_wrap=False)
    for case in report.cases:
        console.print()
        console.print(" | ".join(cell for cell in row(case) if cell), markup=False)
        for heading, sentences in paragraphs(case):
            for one in sentences:
                console.print(f"  {heading}: {one}", markup=False)
    console.print()
    for one in (*summary(report), *map(sentence, report.notes)):
        console.print(one, markup=False)
    for compared in report.compared:
        console.print(f"  {when(compared.at)}: {compared.verdict}{': ' if compared.detail else ''}{compared.detail}",
                      markup=False)
    if report.calls:
        console.print("Requests sent: " + ", ".join(f"{name} {count}" for name, count in sorted(report.calls.items())))


def markdown(report: Report) -> str:
    """Return a report as Markdown."""
    lines = [f"# {title(report)}", "", *summary(report), ""]
    lines += ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row(case)) + " |" for case in report.cases]
    if report.compared:
        lines += ["", "## Compared", ""]
        lines += [f"- {when(one.at)}: {one.verdict}{': ' if one.detail else ''}{_cell(one.detail)}"
                  for one in report.compared]
    for case in report.cases:
        lines += ["", f"## {when(case.moment.at)} UTC, {case.moment.service}", ""]
        lines += [f"- {heading}: {_cell(one)}" for heading, sentences in paragraphs(case) for one in sentences]
    if report.notes:
        lines += ["", "## What holds for all", "", *(f"- {_cell(sentence(note))}" for note in report.notes)]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
