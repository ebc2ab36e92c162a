"""The page on which a person decides, as HTML: one file, no script, nothing that it loads.

Built of strings, because the template engine would take longer to import than all the rest of this function. All texts
pass ``_text``, which escapes them. The buttons stay at the bottom of the screen, in reach of a thumb.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from responder.model.frozen import dataclass
from responder.model.incident import IncidentRecord
from responder.model.moment import iso
from responder.model.reference import Reference
from responder.model.remedy import Remedy
from responder.model.visible import visible
from responder.plan import choices
from responder.plan import question as ask
from responder.plan.choices import Other
from responder.plan.deeds import Choice
from responder.plan.question import Line, Question
from responder.plan.wording import capital, clock
from responder.records.tasks import Task

_STYLE = """
:root{color-scheme:light dark;--ink:#1a1d21;--paper:#fff;--raised:#f4f6f8;--soft:#56606d;--line:#d5dae1;--yes:#0b6b35;
--no:#a4262c;--link:#0b57a4;--added:#0b6b35;--gone:#a4262c;--warn:#8a4b00}
@media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--paper:#15181c;--raised:#1e2329;--soft:#a5afbb;--line:#39414b;
--yes:#1e7d46;--no:#c0393f;--link:#7db7f5;--added:#6fd08c;--gone:#ff9a94;--warn:#f0b35e}}
*{box-sizing:border-box}
html{scroll-padding-bottom:12rem}
body{font:1.05rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:0;min-height:100svh;
display:flex;flex-direction:column}
main{flex:1;width:100%;max-width:46rem;margin:0 auto;padding:1rem max(1rem,env(safe-area-inset-right)) 1.5rem
max(1rem,env(safe-area-inset-left))}
.of{color:var(--soft);font-size:.9rem;margin:0;overflow-wrap:anywhere}
h1{font-size:1.45rem;line-height:1.25;margin:.25rem 0 .75rem;overflow-wrap:anywhere}
h2{font-size:1.05rem;margin:1.5rem 0 .4rem}
p{margin:.5rem 0;overflow-wrap:anywhere}
.told{border-left:.3rem solid var(--link);background:var(--raised);padding:.6rem .75rem;border-radius:0 .4rem .4rem 0}
.told.late{border-color:var(--warn)}
dl{margin:1rem 0 0}dt{color:var(--soft);font-size:.9rem;margin-top:.75rem}dd{margin:0;overflow-wrap:anywhere}
pre{background:var(--raised);border:1px solid var(--line);border-radius:.4rem;padding:.6rem .75rem;margin:.4rem 0;
font:.875rem/1.5 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
ins,del{text-decoration:none}ins{color:var(--added)}del{color:var(--gone)}
a{color:var(--link)}
ul{margin:.4rem 0;padding-left:1.2rem}li{margin:.3rem 0;overflow-wrap:anywhere}
form{position:sticky;bottom:0;background:var(--paper);border-top:1px solid var(--line);
padding:.6rem max(1rem,env(safe-area-inset-right)) max(.6rem,env(safe-area-inset-bottom))
max(1rem,env(safe-area-inset-left))}
.bar{max-width:44rem;margin:0 auto;display:flex;gap:.75rem;flex-wrap:wrap}
.bar p{flex:1 1 100%;margin:0;font-size:.9rem;color:var(--soft)}
button{flex:1 1 8rem;min-height:3.2rem;font:inherit;font-weight:600;color:#fff;border:0;border-radius:.5rem;
background:var(--yes);cursor:pointer}button.no{background:var(--no)}
button.other{display:block;width:100%;min-height:2.9rem;margin:.5rem 0;text-align:left;padding:.4rem .75rem;
color:var(--link);background:var(--raised);border:1px solid var(--line)}
label{flex:1 1 100%;display:flex;gap:.75rem;align-items:center}
select{flex:1;min-height:2.9rem;font:inherit;color:var(--ink);background:var(--raised);border:1px solid var(--soft);
border-radius:.4rem;padding:0 .5rem}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
@media print{:root{--ink:#000;--paper:#fff;--raised:#fff;--soft:#333;--line:#999;--added:#0b6b35;--gone:#a4262c;
--link:#000}form,button.other{display:none}body{display:block;font-size:10.5pt}pre{font-size:9pt}}
"""
_FIRST = ("The change", "Cause", "Risk", "If it does not help")
_ELSEWHERE = ("If nobody answers", "You may choose")
_SAID = {"approve": "Approved", "reject": "Rejected", "instead": "Rejected", "done": "Marked as done"}


@dataclass(frozen=True)
class Shown:
    """All that the page shows of one question."""

    task: Task
    record: IncidentRecord
    remedy: Remedy | None
    asked: Question | None
    """None for a manual task."""
    iam: str
    """The commands that answer by IAM."""
    links: tuple[Reference, ...] = ()
    fields: Mapping[str, str] | None = None
    """The form's hidden fields, which are the signed link; None: nothing can be decided on this page."""
    choice: Choice | None = None
    """The parameter that may be changed; None: none."""
    others: tuple[Other, ...] = ()
    """The remedies that may come first instead, and that the link may choose."""


def question_page(shown: Shown, now: float, told: str = "") -> str:
    """Return the page of a question: open, decided or expired; ``told`` is why the last try decided nothing."""
    task, asked, remedy = shown.task, shown.asked, shown.remedy
    decided, late = bool(task.decision), task.expires_at <= now
    title = asked.title if asked else f"Task: {ask.deed(remedy) if remedy else task.service}"
    heading = _SAID.get(task.decision, "Decided") if decided else "Expired" if late else ""
    parts = [_of(task, "Approval" if task.kind == "approval" else "Task"),
             _tag("h1", f"{heading}: {title}".rstrip("?") if heading else title)]
    if told:
        parts.append(_note("Your answer decided nothing: it had been decided before." if decided else
                           "Your answer decided nothing: it came too late." if late else told, late=True))
    if decided:
        parts += [*_decided(shown), _tag("h2", "What was asked")]
    elif late:
        parts += [*_expired(shown, now), _tag("h2", "What was asked")]
    elif asked:
        parts += [_tag("p", asked.lead), _note(f"If nobody answers, {ask.unanswered(task.in_plan, now)}")]
        parts += _votes(task)
    parts += _facts(shown)
    if not decided and not late:
        parts += _instead(shown) if shown.fields else []
        parts += [_tag("h2", "To answer by IAM instead"), _code(shown.iam)]
    if shown.links:
        parts += [_tag("h2", "Pages to open"), _links(shown.links)]
    form = _form(shown, now) if shown.fields and not decided and not late else ""
    return _document(title, "".join(parts), form)


def result_page(task: Task, query: str) -> str:
    """Return the page after an answer; ``query`` is the signed link, by which the person can look again."""
    said = _SAID.get(task.decision, "")
    if not said:
        return message_page("Your approval is kept", (
            f"{task.approved} of {task.needed} people have approved it. Another person must approve it, too, before "
            f"{clock(task.expires_at)} UTC.",), query)
    then = {"approve": "The guardrails are asked once more, then it is done.", "reject": "It will not be done.",
            "instead": "It will not be done now; the remedy that you chose comes first.",
            "done": "The responder watches whether the symptom goes away."}[task.decision]
    return message_page(said, (f"{said} at {clock(task.decided_at)} UTC. {then}",), query)


def message_page(title: str, sentences: Sequence[str], query: str = "") -> str:
    """Return a page that says something, with what to do; ``query``: the link back to the question."""
    back = f'<p><a href="?{html.escape(query, quote=True)}">See what becomes of it</a></p>' if query else ""
    return _document(title, _tag("h1", title) + _note(sentences[0]) + "".join(
        _tag("p", sentence) for sentence in sentences[1:]) + back, "")


def _votes(task: Task) -> list[str]:
    """Who has approved it already, where several must."""
    if task.needed < 2:
        return []
    told = "; ".join(f"{vote.shown} at {clock(vote.at)} UTC" for vote in task.votes)
    return [_note(f"{task.approved} of {task.needed} people have approved it" + (f": {told}." if told else " so far."))]


def _facts(shown: Shown) -> list[str]:
    """The facts for a decision: what happened, what changes, and each line of the question."""
    asked, remedy = shown.asked, shown.remedy
    if asked is None:
        return [_diff(remedy.diff) if remedy and remedy.diff else "",
                _list([Line("Asked", f"{', '.join(shown.task.asked)}."),
                       Line("To be done by", f"{clock(shown.task.expires_at)} UTC.")])]
    # Until when it can be answered stands above, and what may be chosen is part of the form. What is short comes before
    # the diff, which may be long.
    parts = [_list([line for line in asked.lines if line.name in _FIRST])]
    if asked.diff:
        parts += [_tag("h2", "What changes"), _diff(asked.diff)]
    parts.append(_list([line for line in asked.lines if line.name not in (*_FIRST, *_ELSEWHERE)]))
    if remedy and remedy.by_hand:
        parts += [_tag("h2", "The same by hand"), _code(remedy.by_hand)]
    return parts


def _decided(shown: Shown) -> list[str]:
    task, remedy = shown.task, shown.remedy
    said = _SAID.get(task.decision, task.decision)
    became = f" {ask.became(shown.record, remedy, task.chosen)}" if remedy and task.decision == "approve" else ""
    if task.other:
        became = f" They {choices.said(remedy, shown.record, task.chosen)}."
    return [_note(f"{said} by {task.decided_by} at {clock(task.decided_at)} UTC.{became}"),
            *_since(shown, task.decided_at)]


def _expired(shown: Shown, now: float) -> list[str]:
    task, remedy = shown.task, shown.remedy
    by_hand = [_tag("h2", "To do it now, by hand"), _tag("p", "Look first whether it is still needed."),
               _code(remedy.by_hand)] if remedy and remedy.by_hand else []
    return [_note(f"This expired at {clock(task.expires_at)} UTC, {ask.minutes(now - task.expires_at)} ago: nobody "
                  "decided in time, and it was not done.", late=True),
            *_since(shown, iso(task.expires_at)), *by_hand]


def _since(shown: Shown, after: str) -> list[str]:
    told = ask.since(shown.record, shown.task.number, after)
    return [_tag("h2", "Since then"), f"<ul>{''.join(_tag('li', sentence) for sentence in told)}</ul>"] if told else []


def _instead(shown: Shown) -> list[str]:
    """The buttons for other remedies, which belong to the form at the bottom."""
    if not shown.others:
        return []
    return [_tag("h2", "Or another remedy first"),
            _tag("p", "This one is rejected then. The other one is planned, and you are asked about it where it needs "
                      "an approval."),
            *(f'<button class=other form=answer name=other value="{_text(other.id)}">{_text(capital(other.words))}'
              "</button>" for other in shown.others)]


def _select(choice: Choice | None) -> str:
    """The field for the parameter that may be changed, with the planned value chosen."""
    if choice is None:
        return ""
    options = "".join(f'<option value="{option.value}"{" selected" * (option.value == choice.planned)}>'
                      f"{_text(option.words)}{' (as planned)' * (option.value == choice.planned)}</option>"
                      for option in choice.options)
    return f"<label>{_text(choice.label)} <select name=value>{options}</select></label>"


def _form(shown: Shown, now: float) -> str:
    hidden = "".join(f'<input type=hidden name="{_text(name)}" value="{_text(value)}">'
                     for name, value in (shown.fields or {}).items())
    buttons = ('<button class=no name=decision value=reject>Reject</button>'
               '<button name=decision value=approve>Approve</button>') if shown.task.kind == "approval" else (
               '<button name=decision value=done>Mark as done</button>')
    left = _tag("p", f"{ask.minutes(shown.task.expires_at - now)} left, until {clock(shown.task.expires_at)} UTC")
    return (f'<form method=post id=answer aria-label="Your decision">{hidden}<div class=bar>{left}'
            f"{_select(shown.choice)}{buttons}</div></form>")


def _of(task: Task, kind: str) -> str:
    return f"<p class=of>{_text(f'{kind} · {task.service} · incident {task.incident}')}</p>"


def _list(lines: Sequence[Line]) -> str:
    return "<dl>" + "".join(
        f"<dt>{_text(line.name)}</dt><dd>{_text(capital(line.text))}{_code(line.code) if line.code else ''}</dd>"
        for line in lines if line.text or line.code) + "</dl>"


def _links(links: Sequence[Reference]) -> str:
    return "<ul>" + "".join(
        f'<li><a href="{_text(link.url)}" rel="noopener noreferrer">{_text(link.label)}</a></li>'
        for link in links) + "</ul>"


def _diff(diff: str) -> str:
    marks = {"+": "ins", "-": "del"}
    return "<pre tabindex=0>" + "\n".join(
        _tag(marks[line[0]], line) if line[:1] in marks else _text(line) for line in diff.splitlines()) + "</pre>"


def _code(text: str) -> str:
    return f"<pre tabindex=0>{_text(text)}</pre>"


def _note(text: str, *, late: bool = False) -> str:
    return f'<p class="told{" late" if late else ""}">{_text(capital(text))}</p>'


def _tag(name: str, text: str) -> str:
    return f"<{name}>{_text(text)}</{name}>"


def _text(text: str) -> str:
    return html.escape(visible(text), quote=True)


def _document(title: str, body: str, form: str) -> str:
    return (f'<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content="width=device-width,'
            f'initial-scale=1,viewport-fit=cover"><title>{_text(title)}</title><style>{_STYLE}</style></head>'
            f"<body><main>{body}</main>{form}</body></html>")
