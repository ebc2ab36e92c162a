"""What each source's function answers: as in an incident, with its own role, secrets, network and queries.

Status pages, ways out, provider and dependency health, databases, node groups and what else a source reads are among
the answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cli.doctor.asking import Said
from cli.doctor.model import Check, Probe, broken, note, unknown, well
from cli.doctor.surroundings import Surroundings
from responder.model.evidence import Detail, Finding
from responder.model.evidence.credential_end import CredentialEnd
from responder.model.evidence.dependency_health import DependencyHealth
from responder.model.evidence.front_door import FrontDoor
from responder.model.evidence.health import ProviderHealth
from responder.model.evidence.probe import ProbeOutcome
from responder.model.service import Service
from responder.plan.own_metrics import FAILED

_SOON_DAYS = 21.0
_MENDS = {
    "unauthorized": "the checks of secrets, keys, rbac, access-entries and aws-rights say which right or key it is",
    "timeout": "look whether the function reaches it: make network; and how long it takes to answer",
    "unavailable": "look whether the function reaches it (make network), and whether it is there",
    "throttled": "run it again; if it stays so, ask the vendor for a higher limit",
    "malformed": "look at the function's log, and at the address in the configuration",
}


def _look(here: Surroundings) -> Iterable[Check]:
    return here.of_each(lambda service: _of(here, service))


def _of(here: Surroundings, service: Service) -> Iterator[Check]:
    for said in here.answers(service).said:
        yield from judged(said, here.file(service))


def judged(said: Said, file: str) -> Iterator[Check]:
    """Judge what one source's function answered."""
    subject = f"source {said.source.name}"
    if said.unasked:
        yield unknown(subject, said.unasked.why, said.unasked.mend)
        return
    if said.failed:
        yield broken(subject, said.failed, f"deploy again: make deploy; else look at the log of {said.function}")
        return
    found = [check for finding in said.findings for check in _finding(subject, finding, file)]
    yield from _once(found)
    usable = sum(finding.usable for finding in said.findings)
    if not any(check.verdict == "broken" for check in found):
        yield well(subject, f"its function answers: {usable} of {len(said.findings)} findings have data")


def _finding(subject: str, finding: Finding[Detail], file: str) -> Iterator[Check]:
    what = f"{subject}: {finding.name.replace('_', ' ')}" + (f" of {finding.component}" if finding.component else "")
    if finding.status in FAILED:
        yield broken(what, finding.note or finding.status, _mend(finding, file))
    elif finding.status == "stale":
        yield note(what, f"its data are old: {finding.note}")
    elif isinstance(finding.detail, FrontDoor) and finding.status == "empty":
        yield broken(what, finding.note or "it has no data", f"metrics.* of what is in front, in {file}")
    elif isinstance(finding.detail, ProviderHealth | DependencyHealth) and finding.value == 0:
        yield note(what, f"it does not answer just now: {finding.note or finding.query}")
    elif isinstance(finding.detail, CredentialEnd) and finding.usable and finding.value is not None:
        yield from _ends(what, finding.value, finding.detail)
    elif isinstance(finding.detail, ProbeOutcome) and finding.value == 0 and finding.detail.inside:
        yield broken(what, f"{finding.query} does not get through: {finding.note}",
                     f"network.security_groups in {file} and the target's own groups; make network lists the ways out")


def _ends(what: str, days: float, detail: CredentialEnd) -> Iterator[Check]:
    if days < _SOON_DAYS:
        names = ", ".join(end.name for end in detail.ends)
        say = broken if days <= 0 else note
        yield say(what, f"{names}: ended" if days <= 0 else f"{names}: it ends in {days:.0f} days", "renew it")


def _mend(finding: Finding[Detail], file: str) -> str:
    if finding.name == "status_page":
        name = finding.component.rpartition(":")[2]
        return f"providers ({name}).status_page, status_path or status_components in {file}: {finding.query}"
    if finding.source == "aws_health" and finding.status == "unauthorized":
        return f"aws.health_api: false in {file}, unless the account has a Business support plan or higher"
    return _MENDS.get(finding.status, "")


def _once(checks: Sequence[Check]) -> Iterator[Check]:
    """Yield checks, those with the same words as one: what fails for one component mostly fails for all."""
    by_words: dict[tuple[str, str, str], list[Check]] = {}
    for check in checks:
        by_words.setdefault((check.verdict, check.says, check.mend), []).append(check)
    for same in by_words.values():
        more = f" (and of {len(same) - 1} more findings)" if len(same) > 1 else ""
        yield Check(same[0].subject, same[0].verdict, same[0].says + more, same[0].mend)


PROBE = Probe("sources", "what each source's function answers", _look, (
    "lambda:InvokeFunction", "s3:GetObject", "kms:Decrypt"), seconds=75.0)
