"""Write the example reports in docs/examples anew, each from the record beside it.

    make examples
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from responder.model.incident import IncidentRecord
from responder.model.service import Objective, Payment, Service, recorded_service
from responder.plan.review import review
from responder.records.record import unpack
from responder.records.report import render
from stacks.configuration import read_file

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "docs" / "examples"


def rendered(record: Path) -> dict[str, str]:
    """Return the report's formats, by file ending, of a packed record."""
    value = unpack(record.read_bytes())
    service = recorded_service(value["service"])
    return render(review(IncidentRecord.of(value["items"]), service=replace(service, reports=shipped().reports)))


@cache
def shipped() -> Service:
    """The shipped configuration, with all that a report may tell: the records are from before it said anything of it.
    """
    service = read_file(ROOT / "config" / "payment-gateway.yaml")
    return replace(service, reports=replace(service.reports, time_zone="Europe/Berlin", payment=Payment(40.0, "EUR"),
                                            objective=Objective(0.999, 3_400_000.0)))


def main() -> None:
    """Write all example reports."""
    for record in sorted(EXAMPLES.glob("*.json.gz")):
        for ending, text in rendered(record).items():
            if ending != "json":
                record.with_name(f"{record.name.removesuffix('.json.gz')}.{ending}").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
