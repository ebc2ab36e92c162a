"""Write the example reports in docs/examples anew, each from the record beside it.

    make examples
"""

from __future__ import annotations

from pathlib import Path

from responder.model.incident import IncidentRecord
from responder.model.service import recorded_service
from responder.plan.review import review
from responder.records.record import unpack
from responder.records.report import render

EXAMPLES = Path(__file__).resolve().parent.parent / "docs" / "examples"


def rendered(record: Path) -> dict[str, str]:
    """Return the report's formats, by file ending, of a packed record."""
    value = unpack(record.read_bytes())
    service = recorded_service(value["service"])
    return render(review(IncidentRecord.of(value["items"]), entry=service.entry, service=service))


def main() -> None:
    """Write all example reports."""
    for record in sorted(EXAMPLES.glob("*.json.gz")):
        for ending, text in rendered(record).items():
            if ending != "json":
                record.with_name(f"{record.name.removesuffix('.json.gz')}.{ending}").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
