"""Turn a feature flag back to what it was before the symptom: which flag, and its former state."""

from __future__ import annotations

from responder.model.evidence.foreign_changes import ForeignChanges
from responder.model.fault_location import location_of
from responder.model.frozen import dataclass
from responder.plan import remedies
from responder.plan.deeds import Deed, Site, text
from responder.plan.failure_modes import FailureMode
from responder.plan.remedies import Considered, OnRecord, Remedy

_MEDIA_TYPE = "application/json; domain-model=launchdarkly.semanticpatch"


@dataclass(frozen=True)
class Facts(remedies.Facts):
    """The flag that explains the symptom."""

    flag: str = ""
    """Its key; empty: what explains the symptom is no flag."""
    before: str = ""
    """``on`` or ``off`` before somebody switched it; empty: not known, as where rules of it changed."""
    by: str = ""
    """Who switched it."""


@dataclass(frozen=True)
class State:
    """A flag's state."""

    on: bool


@dataclass(frozen=True)
class Parameters:
    """What is set."""

    flag: str
    on: bool


def facts(considered: Considered) -> Facts:
    """Find the flag that explains the symptom."""
    # The function that diagnoses has loaded these with the signals; the remedy's own function needs none of them.
    from responder.plan.change_evidence import NAMED, explained
    from responder.plan.signals import Context, foreign

    location = location_of(considered.where)
    if location is None or foreign.flag_explains.id not in considered.signals:
        return Facts()
    mode = FailureMode(considered.component, location, 1.0)
    context = Context(considered.service, mode, considered.onset, considered.evidence)
    for finding in considered.evidence.of(ForeignChanges):
        found = explained(context, finding.detail)
        if found and found.change and found.change.kind == "flag" and found.probability >= NAMED:
            change = found.change
            return Facts(change.id.removeprefix("flag "), change.before, change.by)
    return Facts()


def against(considered: Considered, facts: Facts) -> str:
    """There must be one flag, with one former state, and a key that may switch it."""
    feeds = considered.service.foreign_changes
    if not facts.flag:
        return "what explains the symptom is no flag that could be turned back"
    if facts.before not in ("on", "off"):
        return f"what the flag {facts.flag} was before is not known"
    if not (feeds and feeds.flags and feeds.flags.write_secret):
        return f"no key that may switch the flag {facts.flag} is configured"
    return ""


def deed(site: Site, record: OnRecord[State, Parameters]) -> Deed:
    """The flag, and LaunchDarkly's calls that turn it back and forth; the key is the reader's own."""
    wanted = record.parameters
    return Deed(f"Turn the flag {wanted.flag} back {_word(wanted.on)}",
                _switching(site, wanted.flag, wanted.on), _switching(site, wanted.flag, record.before.on))


def _switching(site: Site, flag: str, on: bool) -> tuple[str, ...]:
    feeds = site.service.foreign_changes
    if not feeds or not feeds.flags:
        return ()
    flags = feeds.flags
    return (f"curl --fail -X PATCH -H \"Authorization: $LAUNCHDARKLY_KEY\" -H 'Content-Type: {_MEDIA_TYPE}' "
            f"-d '{text({'environmentKey': flags.environment, 'instructions': [{'kind': instruction(on)}]})}' "
            f"{flags.endpoint}/api/v2/flags/{flags.project}/{flag}",)


def instruction(on: bool) -> str:
    """Return LaunchDarkly's instruction that turns a flag on or off."""
    return "turnFlagOn" if on else "turnFlagOff"


def _word(on: bool) -> str:
    return "on" if on else "off"


REMEDY = Remedy(
    name="turn_flag_back",
    phrase="turning a flag back",
    facts=facts,
    kinds=(Facts, State, Parameters),
    risk="medium",
    default_policy="approve",
    reversible=True,
    keep_when_not_helped=False,
    hazard="all that read the flag lose what it brought, and it may have been switched on purpose",
    against=against,
    deed=deed,
    undoes_change=True,
)
