"""Which version writes the error lines is asked of each failure mode by itself: two faults have two kinds of lines."""

from __future__ import annotations

from dataclasses import replace

import pytest

from responder.model.evidence import Finding
from responder.model.evidence.error_signatures import ErrorSignatures, Signature
from responder.model.fault_location import DATABASE, OWN, FaultLocation
from responder.model.service import Service
from tests.diagnosis import NOW, error_lines, of_gateway, rollout, seen

OWN_LINE, REFUSED = "ERROR CardAuthorizer IndexOutOfBoundsException: <n>", (
    "ERROR CardAuthorizer call to payments-db failed: FATAL: sorry, too many clients already")


def lines(*kinds: tuple[str, dict[str, float]]) -> Finding[ErrorSignatures]:
    found = error_lines("")
    return replace(found, detail=ErrorSignatures(tuple(Signature(
        text, "payment-gateway", sum(versions.values()), versions=versions) for text, versions in kinds)))


@pytest.mark.parametrize(("where", "signal"), [
    (OWN, "errors_logged_only_by_new_version"), (DATABASE, "errors_logged_by_old_version_too")])
def test_the_lines_of_another_fault_say_nothing_of_this_one(service: Service, where: FaultLocation,
                                                            signal: str) -> None:
    both = lines((OWN_LINE, {"1.0.1": 900.0}), (REFUSED, {"1.0.0": 800.0, "1.0.1": 60.0}))
    found = seen(service, "payment-gateway", both, rollout(NOW - 60), of_gateway({"FATAL: too many clients": 900}),
                 where=where)
    assert signal in found
    assert len({name for name in found if name.startswith("errors_logged")}) == 1


def test_where_hardly_a_line_is_of_this_fault_all_of_them_count(service: Service) -> None:
    found = seen(service, "payment-gateway", lines((OWN_LINE, {"1.0.1": 3.0}), (REFUSED, {"1.0.0": 800.0})),
                 rollout(NOW - 60))
    assert "errors_logged_by_old_version_too" in found
