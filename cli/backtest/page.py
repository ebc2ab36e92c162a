"""A report as one HTML file that needs nothing else: no script, no address."""

from __future__ import annotations

from html import escape

from cli.backtest import text
from cli.backtest.outcome import Case, Report
from responder.plan.wording import sentence

_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem;color:#1d1d1f}
table{border-collapse:collapse;width:100%}th,td{border:1px solid #c8c8cc;padding:.4rem .6rem;text-align:left;
vertical-align:top}th{background:#f2f2f4}details{margin:.6rem 0}dt{font-weight:600}dd{margin:0 0 .4rem 1rem}
@media(prefers-color-scheme:dark){body{background:#161618;color:#eee}th{background:#2a2a2e}th,td{border-color:#444}}"""


def html(report: Report) -> str:
    """Return a report as a page."""
    title = escape(text.title(report))
    head = "".join(f"<th scope=\"col\">{escape(name)}</th>" for name in text.HEADINGS)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in text.row(case)) + "</tr>"
                   for case in report.cases)
    return (f"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>"
            "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
            f"<style>{_STYLE}</style></head>\n<body><main><h1>{title}</h1>\n"
            + "".join(f"<p>{escape(one)}</p>" for one in text.summary(report))
            + f"\n<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>\n"
            + _list("Compared", [f"{text.when(one.at)}: {one.verdict}" + (f": {one.detail}" if one.detail else "")
                                 for one in report.compared])
            + "".join(map(_details, report.cases))
            + _list("What holds for all", [sentence(note) for note in report.notes])
            + "</main></body></html>\n")


def _details(case: Case) -> str:
    parts = "".join(f"<dt>{escape(heading)}</dt>" + "".join(f"<dd>{escape(one)}</dd>" for one in sentences)
                    for heading, sentences in text.paragraphs(case) if sentences)
    return (f"<details><summary>{escape(text.when(case.moment.at))} UTC, {escape(case.moment.service)}</summary>"
            f"<dl>{parts}</dl></details>\n")


def _list(heading: str, items: list[str]) -> str:
    return f"<h2>{escape(heading)}</h2><ul>" + "".join(f"<li>{escape(one)}</li>" for one in items) + "</ul>\n" if (
        items) else ""
