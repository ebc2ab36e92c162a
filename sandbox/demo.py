"""The demo: a bad release of the payment gateway, from alarm to postmortem, as it happens in the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sandbox import run as sandbox_run
from sandbox.drill.contract import read
from sandbox.drill.result import Result
from sandbox.drill.run import Moment, Runner, report_file
from sandbox.places import ROOT, STATE, Up
from sandbox.remote import Remote

DRILL = ROOT / "drills" / "bad-release.yaml"
_BARS = " ▁▂▃▄▅▆▇█"
_WIDTH = 72
_BALANCER_SECONDS = 70.0


def demo(keep: bool) -> int:
    """Run the demo and return 0 if the expectations of its drill held, 1 if not."""
    console = Console(highlight=False)
    was_up = Up.load() is not None
    drill, = read([DRILL])
    console.print("[bold]An outage of a payment gateway, on this machine[/]\n")
    try:
        progress = Progress(console)
        sandbox = sandbox_run.up(progress, drill.overrides())
        console.print("  a payment platform with 40 requests a second, healthy for two hours")
        runner = Runner(sandbox, progress)
        console.print(f"\n[bold]Now a bad release goes out.[/] {drill.about}\n")
        view = View()
        began = time.time()
        if console.is_terminal:
            with Live(console=console, refresh_per_second=4) as live:
                result = runner.run(drill, lambda moment: live.update(view.render(moment)))
        else:
            # No terminal: each step is a line, which a log can hold.
            result = runner.run(drill, lambda moment: view.lines(moment, console))
        balancer = _balancer(sandbox, began, console)
        _summary(console, sandbox, result, view, balancer, keep or was_up)
    finally:
        if not keep and not was_up:
            sandbox_run.down()
    return 0 if result.met else 1


class Progress:
    """Prints each part of the start, with the time it took."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, what: str, seconds: float | None) -> None:
        if seconds is None:
            if self._console.is_terminal:
                self._console.print(f"  [dim]{what} …[/]", end="\r")
        else:
            self._console.print(f"  {what} [dim]({seconds:.1f} s)[/]" + " " * 12)


class View:
    """The error rate beside the incident's steps."""

    def __init__(self) -> None:
        self._shown: set[str] = set()
        self.moment = Moment(0.0)

    def steps(self, moment: Moment) -> list[tuple[float, str, str]]:
        """Return [(seconds from the fault, what, why)], the alarm's among them."""
        found = [(0.0, "a bad release goes out", "")]
        found += [(at - moment.started, f"alarm {name.removeprefix('incident-response-')}", "")
                  for name, at in moment.alarms.items() if at >= moment.started]
        found += [(_epoch(item["at"]) - moment.started, item["what"], item.get("why") or "")
                  for item in moment.items if item["sk"].startswith("TIMELINE#")]
        return sorted(found, key=lambda step: step[0])

    def render(self, moment: Moment) -> Group:
        """Draw the moment for a terminal."""
        self.moment = moment
        recent = [row for row in moment.recent if row[0] >= moment.started - 8][-_WIDTH:]
        rates = [errors / requests if requests else 0.0 for _, requests, errors in recent]
        bars = Text()
        for rate in rates:
            bars.append(_BARS[min(8, round(rate * 16))] if rate > 0.02 else "▁",
                        style="red" if rate > 0.05 else "green")
        last = recent[-5:]
        now = sum(row[2] for row in last) / max(1, sum(row[1] for row in last))
        told = Text(f"{now:6.1%} of payments fail", style="bold red" if now > 0.05 else "bold green")
        table = Table(box=None, show_header=False, pad_edge=False, expand=True)
        table.add_column(justify="right", no_wrap=True, style="dim", width=8)
        table.add_column(ratio=1)
        for seconds, what, why in self.steps(moment):
            text = Text(what)
            if why:
                text.append(f"  {why if len(why) <= 160 else why[:159] + '…'}", style="dim")
            table.add_row(f"{seconds:.1f} s", text)
        return Group(Panel(Group(bars, told), title=f"error rate, one bar a second · {moment.seconds:.0f} s",
                           title_align="left"), table)

    def lines(self, moment: Moment, console: Console) -> None:
        """Print what is new as lines."""
        self.moment = moment
        recent = moment.recent[-5:]
        rate = sum(row[2] for row in recent) / max(1, sum(row[1] for row in recent))
        for seconds, what, why in self.steps(moment):
            key = f"{seconds:.1f} {what}"
            if key not in self._shown:
                self._shown.add(key)
                console.print(f"{seconds:7.1f} s  error rate {rate:6.1%}  {what}"
                              + (f": {why[:160]}" if why else ""), soft_wrap=True, markup=False)


def _balancer(sandbox: Up, began: float, console: Console) -> float | None:
    """When the load balancer's alarm went off; waits for the end of the minute, when its metrics come."""
    name = "incident-response-payment-gateway-load-balancer-error-rate"
    end = time.time() + _BALANCER_SECONDS
    told = False
    while time.time() < end:
        at = Remote(sandbox.ports).status().went_off.get(name)
        if at and at >= began:
            return at
        # By then the minute of the fault has ended, and its delay has passed.
        if time.time() > (began // 60 + 2) * 60 + 6:
            return None
        if not told:
            console.print("  [dim]waiting for the minute to end, for the load balancer's own alarm …[/]")
            told = True
        time.sleep(1)
    return None


def _summary(console: Console, sandbox: Up, result: Result, view: View, balancer: float | None,
             stays: bool) -> None:
    seconds, started = result.seconds, view.moment.started
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    table.add_row("outcome", f"{result.outcome}" + ("" if result.met else f"  [red]{result.unmet}[/]"))
    cause = result.cause
    table.add_row("cause", f"{cause.id} ({cause.mechanism}), confidence {cause.confidence or 0:.0%}")
    for item in _evidence(view.moment.items):
        table.add_row("", f"for: {item}")
    for action in result.actions:
        table.add_row("done", f"{action.id} on {action.target}: {action.status}, decided by {action.decided_by}")
    steps = "  ".join(f"{name.replace('_', ' ')} {value:.1f}" for name, value in asdict(seconds).items()
                      if value is not None)
    table.add_row("seconds", f"from the fault: {steps}")
    if seconds.opened is not None and seconds.first_action is not None:
        table.add_row("", f"from the alarm's event to the remedy: {seconds.first_action - seconds.opened:.1f}; "
                          + _shares(view.moment.items))
    table.add_row("detection", f"own metrics, 10 s: {_since(seconds.alarm)}; load balancer's, each minute: "
                  + (_since(balancer - started) if balancer else "not raised: its minute was well enough"))
    table.add_row("cost", f"${result.cost_usd:.4f} at AWS's list prices")
    console.print()
    console.print(Panel(table, title="What happened", title_align="left"))
    addresses = [address for address in (result.report.html, result.report.markdown, result.report.json) if address]
    if addresses:
        files = [report_file(sandbox, address, STATE / "reports") for address in addresses]
        console.print(f"[bold]Postmortem[/]: {addresses[0]}", soft_wrap=True)
        console.print(f"  open in a browser: file://{files[0]}", soft_wrap=True)
    endpoint = f"--endpoint-url http://127.0.0.1:{sandbox.ports.aws}"
    console.print("[bold]Look further[/]" + (":" if stays else ": this sandbox is ended now; `make up` before "
                                             "`make demo` keeps it, for"), soft_wrap=True)
    for line in (f"aws {endpoint} stepfunctions get-execution-history --execution-arn {result.execution_arn}",
                 f"aws {endpoint} dynamodb query --table-name {sandbox.outputs['Timeline']} "
                 "--key-condition-expression 'pk = :i' --expression-attribute-values "
                 f"'{{\":i\": {{\"S\": \"INCIDENT#{result.incident_id}\"}}}}'"):
        console.print(f"  {line}", soft_wrap=True, markup=False)


def _evidence(items: Sequence[Mapping[str, Any]]) -> list[str]:
    incident: Mapping[str, Any] = next((item for item in items if item["sk"] == "INCIDENT"), {})
    ranking = incident.get("ranking") or []
    return list(ranking[0]["evidence_for"]) if ranking else []


def _shares(items: Sequence[Mapping[str, Any]]) -> str:
    """The share of each step between opening and the remedy."""
    incident: Mapping[str, Any] = next((item for item in items if item["sk"] == "INCIDENT"), {})
    action: Mapping[str, Any] = next((item for item in items if item["sk"].startswith("ACTION#")), {})
    moments = [("confirm", incident.get("confirmed_at")), ("isolate", incident.get("isolated_at")),
               ("diagnose", incident.get("diagnosed_at")), ("plan", action.get("planned_at")),
               ("guard and apply", action.get("applied_at"))]
    before, parts = _epoch(incident["opened_at"]), []
    for name, moment in moments:
        if moment:
            parts.append(f"{name} {_epoch(moment) - before:.1f}")
            before = _epoch(moment)
    return ", ".join(parts)


def _since(seconds: float | None) -> str:
    return "not raised" if seconds is None else f"after {seconds:.1f} s"


def _epoch(moment: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(moment).timestamp()


if __name__ == "__main__":
    sys.exit(demo(keep=False))

