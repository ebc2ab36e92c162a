"""The doctor's findings as people read them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from cli.doctor.model import Check, Diagnosis, Probe, Verdict

_MARKS: dict[Verdict, str] = {"broken": "[bold red]BROKEN [/]", "unknown": "[yellow]UNKNOWN[/]",
                              "note": "[cyan]NOTE   [/]", "well": "[green]WELL   [/]"}


def render(console: Console, diagnosis: Diagnosis, probes: Sequence[Probe], every: bool) -> None:
    """Print what was found, probe by probe; what is well only as a count, unless ``every`` check is wanted."""
    console.print(f"Looked at {diagnosis.at} (UTC), account {diagnosis.account}, {diagnosis.region}, as "
                  f"{diagnosis.caller}; services: {', '.join(diagnosis.services)}", markup=False)
    for probe in probes:
        mine = [check for check in diagnosis.checks if check.probe == probe.name]
        shown = mine if every else [check for check in mine if check.verdict != "well"]
        fine = sum(check.verdict == "well" for check in mine)
        console.print(f"\n[bold]{probe.name}[/] ({probe.about}): {fine} of {len(mine)} well")
        for check in shown:
            _print(console, check)
    console.print(f"\n{_summary(diagnosis)}")


def _print(console: Console, check: Check) -> None:
    service = f"{check.service}: " if check.service else ""
    console.print(f"  {_MARKS[check.verdict]} {escape(service + check.subject)}: {escape(check.says)}")
    if check.mend:
        console.print(f"          mend: {check.mend}", markup=False)


def _summary(diagnosis: Diagnosis) -> str:
    broken, unknown = diagnosis.count("broken"), diagnosis.count("unknown")
    said = (f"{broken} broken, {unknown} not known, {diagnosis.count('note')} notes, "
            f"{diagnosis.count('well')} well.")
    if unknown:
        said += " What is not known may work or not: somebody with the rights that are named can tell."
    return said


def rights(probes: Sequence[Probe]) -> list[str]:
    """Return the IAM actions that the probes need, each once."""
    return sorted({right for probe in probes for right in probe.rights if not right.startswith("kubernetes:")})
