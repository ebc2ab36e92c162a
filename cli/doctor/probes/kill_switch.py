"""What the kill switch of each service says, held against its mode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from botocore.exceptions import ClientError

from cli.doctor.account import is_missing
from cli.doctor.model import Check, Probe, broken, note, well
from cli.doctor.surroundings import Surroundings
from responder.model.service import Service

RELEASED = "released"


def _look(here: Surroundings) -> Iterable[Check]:
    return here.of_each(lambda service: _of(here, service))


def _of(here: Surroundings, service: Service) -> Iterator[Check]:
    with here.account.asking("ssm"):
        try:
            value = str(here.account.client("ssm").get_parameter(Name=service.kill_switch)["Parameter"]["Value"])
        except ClientError as error:
            if not is_missing(error):
                raise
            value = None
    yield judged(service.kill_switch, value, service.mode)


def judged(name: str, value: str | None, mode: str) -> Check:
    """Judge what the parameter says; None: there is no such parameter."""
    subject = f"kill switch {name}"
    says = "it was never set" if value is None else f"it says {value!r}"
    if value == RELEASED:
        return note(subject, "it is released already, in mode observe") if mode == "observe" else well(
            subject, "released")
    mend = f"when remedies are to be applied: aws ssm put-parameter --name {name} --type String --value {RELEASED}" + (
        "" if value is None else " --overwrite")
    if mode == "observe":
        return well(subject, f"{says}: nothing is changed, as the mode observe has it")
    return broken(subject, f"{says}, so nothing is changed although the mode is {mode}", mend)


PROBE = Probe("kill-switch", "the kill switch", _look, ("ssm:GetParameter",))
