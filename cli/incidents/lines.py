"""How an overview and an open incident are written as lines of text, for a terminal or a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from rich.console import Console

from cli.incidents.overview import Overview, ServiceNow
from cli.incidents.standing import Standing
from cli.incidents.switch import Switch
from cli.incidents.waiting import Waiting
from responder.model.moment import seconds
from responder.plan.question import minutes
from responder.plan.review import PastIncident
from responder.plan.wording import duration, listed, stamp, words


def printed(lines: Iterable[str]) -> Callable[[Console], None]:
    """Return what prints lines as they are: what others have written is no markup."""
    def render(console: Console) -> None:
        for line in lines:
            console.print(line, markup=False)

    return render


def overview_lines(found: Overview) -> Iterator[str]:
    """Yield an overview: what is open first, then the services, then what is over."""
    now = seconds(found.at)
    yield f"{found.stack} at {stamp(found.at)} UTC"
    yield ""
    if found.open:
        for one in found.open:
            yield from standing_lines(one, now)
            yield ""
    else:
        yield "No incident is open." if not found.unread else "No incident is known to be open."
        yield ""
    for service in found.services:
        yield from _service_lines(service, now)
        yield ""
    if found.last:
        yield f"The last {len(found.last)} incidents:" if len(found.last) > 1 else "The last incident:"
        yield from past_lines(found.last)
        yield ""
    for note in found.unread:
        yield f"Not known: {note}"


def standing_lines(one: Standing, now: float) -> Iterator[str]:
    """Yield how an open incident stands."""
    yield f"OPEN  {one.id}  {one.title}"
    # What the record says last is no longer so where nothing handles the incident.
    yield f"  since {stamp(one.opened_at)} UTC, mode {one.mode}." + (
        "" if one.execution.has_ended else f" {one.status}")
    for sentence in one.known:
        yield f"  - {sentence}"
    if one.execution.has_ended:
        yield f"  NOTHING HANDLES IT: its execution is {one.execution.status}" + (
            f" since {stamp(one.execution.ended_at)} UTC" if one.execution.ended_at else "") + (
            f" ({one.execution.cause})" if one.execution.cause else "") + (
            f". To let the responder go on: responder take-over {one.id} --give-back")
        return
    if one.next:
        yield f"  Next: {one.next}"
    yield f"  Who: {one.who}"
    for question in one.waiting:
        yield from waiting_lines(one.id, question, now)
    yield f"  Next deadline: {_until(one.deadline, now)} ({one.deadline_of})"


def waiting_lines(incident: str, one: Waiting, now: float) -> Iterator[str]:
    """Yield a question or a task that is open, and the command that answers it."""
    if one.kind == "manual":
        yield f"  A task is open until {_until(one.until, now)}: {one.deed}"
        yield f"    When it is done: responder approve {incident} done --task {one.task}"
        return
    if seconds(one.until) <= now:
        yield f"  A question expired at {_until(one.until, now)}: {one.deed}? The responder goes on without an answer."
        return
    yield f"  Waiting for a yes until {_until(one.until, now)}: {one.deed}?"
    people = f" {one.needed} people must approve; {listed(one.said_yes) or 'nobody'} has so far." if (
        one.needed > 1) else ""
    yield f"    Asked: {listed(one.asked)}.{people}"
    yield f"    To answer: responder approve {incident} yes|no --task {one.task}"


def past_lines(past: Sequence[PastIncident]) -> Iterator[str]:
    """Yield incidents that have a report, one a line."""
    wide = max((len(one.id) for one in past), default=0)
    for one in past:
        took = f"well after {duration(one.recovery_seconds)}" if one.recovery_seconds is not None else ""
        said = one.title or ", ".join(part for part in (words(one.mechanism or one.cause), one.component) if part)
        yield "  " + "  ".join(part for part in (
            one.id.ljust(wide), stamp(one.opened_at), words(one.outcome), took, said) if part)


def switch_line(switch: Switch) -> str:
    """Return what a kill switch says."""
    if switch.state == "never set":
        return "never set, so nothing is changed"
    odd = f" (its value is {switch.value!r})" if switch.stops and switch.value != "engaged" else ""
    since = f", since {stamp(switch.since)} UTC" if switch.since else ""
    return f"{switch.state.upper() if switch.stops else switch.state}{odd}{since}{_by(switch)}"


def _by(switch: Switch) -> str:
    said = switch.why or (f"by {switch.by}" if switch.by else "")
    return f" ({said})" if said else ""


def _service_lines(one: ServiceNow, now: float) -> Iterator[str]:
    settings = f"configuration {one.configuration}" if one.configuration else "as deployed"
    yield f"{one.service}: mode {one.mode} ({settings})"
    if one.mode == "auto":
        yield f"  alone: {', '.join(one.acts_alone) or 'nothing'}; asks first: {', '.join(one.asks_first) or 'nothing'}"
    yield f"  kill switch: {switch_line(one.switch) if one.switch else 'not known'}"
    beat = one.heartbeat
    if beat is None:
        yield "  heartbeat: not known"
    elif not beat.at:
        yield "  heartbeat: none yet"
    else:
        yield (f"  heartbeat: {'LATE, the last was' if beat.is_late else 'at'} {stamp(beat.at)} UTC, "
               f"{duration(max(now - seconds(beat.at), 0.0))} ago" + (
                   "; all of it can be read" if not beat.unread else ""))
        for reading in beat.unread:
            yield f"    NOT READ: {reading.part}: {reading.note}"


def _until(at: str, now: float) -> str:
    left = seconds(at) - now
    return f"{stamp(at)} UTC ({f'in {minutes(left)}' if left > 0 else f'{duration(-left)} ago'})"
