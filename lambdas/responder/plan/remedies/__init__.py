"""Which remedies follow from a diagnosis, and in which order: one file here is one remedy's decision.

A module sets ``REMEDY``: when the remedy is proposed, what it must know (``Facts``), what it keeps on record to be
applied and rolled back (``Before``, ``Parameters``), and when a temporary mitigation is no longer needed. All of it is
pure. What the remedy does is in the module of the same name in ``actions/``. Which mechanisms a remedy is for stands
with the mechanisms. ``docs/extending.md`` lists what it takes to add one.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from responder.model.codec import Json, Malformed, decode, encode
from responder.model.evidence import Evidence
from responder.model.frozen import dataclass
from responder.model.incident import Hypothesis, Proposed, Refusal
from responder.model.service import Policy, Service
from responder.plan.deeds import Choice, Deed, Site
from responder.plan.fields import Field as Field
from responder.plan.repeated import was_for_another
from responder.plan.targets import targets

if TYPE_CHECKING:
    # Not at run time: a remedy's own function has no need of the diagnosis.
    from responder.plan.diagnose import Diagnosis
    from responder.plan.weights import Terms, Weights

WAIT = "wait"
"""No remedy: the cause is known to heal by itself, and anything else would make it worse."""
PEOPLE = "escalate"
"""No remedy: the plan leaves the mechanism to people."""

Risk = Literal["low", "medium", "high"]
RISKS: tuple[Risk, ...] = ("low", "medium", "high")
Audience = Literal["customers", "provider", "network_team"]


@dataclass(frozen=True)
class Facts:
    """What a remedy must know of the diagnosis. Each remedy that must know something has its own class."""

    def reduced(self) -> Facts:
        """Return the same small enough for the record, which holds 400 kB: the remedy then refuses and says why."""
        return self


@dataclass(frozen=True)
class Nothing:
    """The operands of a remedy that keeps none."""


@dataclass(frozen=True)
class Considered:
    """A remedy that a named cause has, before it is known whether it is proposed, and what that is decided from."""

    service: Service
    action: str
    component: str
    """What would be remediated."""
    hypothesis: Hypothesis
    """The mechanism that has the remedy."""
    onset: float | None
    """When the symptom began, seconds since 1970 (UTC)."""
    evidence: Evidence
    tried: frozenset[tuple[str, str]] = frozenset()
    """The remedies (action, component) that were applied before."""
    helped: frozenset[tuple[str, str, str]] = frozenset()
    """Action, component and mechanism of those that helped, or whose effect is hidden, where each of that action and
    component did."""
    signals: frozenset[str] = frozenset()
    """The ids of all signals."""
    contested: bool = False
    """Whether a mechanism of the same cause that is nearly as likely has other remedies."""
    rivals: tuple[str, ...] = ()
    """The other mechanisms of the same cause that are nearly as likely."""
    together: tuple[str, ...] = ()
    """The remedies that are meant with this one, itself included."""
    early: bool = False
    """Whether the evidence is gathered once more, and may show yet which of the mechanisms it is."""
    brought_by: tuple[str, ...] = ()
    """Ids of the signals of the change that brings the mechanism, where a rollback takes that change back."""
    objects: tuple[str, ...] = ()
    """Kinds of objects whose change brings the mechanism, where restoring them ends it."""

    @property
    def mechanism(self) -> str:
        """The mechanism that has the remedy."""
        return self.hypothesis.mechanism

    @property
    def where(self) -> str:
        """Where the failures arise; see ``model/fault_location.py``."""
        return self.hypothesis.where

    @property
    def provider(self) -> str:
        """The name of the provider whose calls fail; empty: the failures arise elsewhere."""
        return self.where.removeprefix("provider:") if self.where.startswith("provider:") else ""


F = TypeVar("F", bound=Facts)
B = TypeVar("B")
P = TypeVar("P")


@dataclass(frozen=True)
class OnRecord(Generic[B, P]):
    """A remedy as it was planned."""

    target: str
    """What it changes: ``deployment/payment-gateway``."""
    component: str
    before: B
    """What was there before."""
    parameters: P
    """What is applied."""


def _no_objection(considered: Considered, facts: Facts) -> str:
    return ""


def _no_deed(site: Site, record: OnRecord[B, P]) -> Deed:
    return Deed()


@dataclass(frozen=True)
class Remedy(Generic[F, B, P]):
    """One remedy's decision and declaration. ``F`` are its facts, ``B`` and ``P`` its operands on record."""

    name: str
    phrase: str
    """What it is, as people read it; "of" and the component follow."""
    facts: Callable[[Considered], F]
    """Collects what the remedy must know."""
    kinds: tuple[type[F], type[B], type[P]]
    """The classes of the facts, of ``before`` and of ``parameters``."""
    risk: Risk
    default_policy: Policy
    reversible: bool
    keep_when_not_helped: bool
    """Whether it stays as it is where it did not help."""
    stays: str = ""
    """Why it stays, in a sentence's end; empty where it does not, or nothing was changed."""
    hazard: str = ""
    """What it risks, in a sentence without a capital and a full stop; empty where it changes nothing."""
    against: Callable[[Considered, F], str] = _no_objection
    """Why the remedy is not proposed, in a sentence without a capital and a full stop; empty where it is."""
    against_contested: Callable[[Considered, F], str] = _no_objection
    """The same, asked only where it is not known whether the remedy's mechanism is the one."""
    no_longer_needed: Callable[[Service, OnRecord[B, P], Evidence], str] | None = None
    """Why a temporary mitigation is no longer needed by the newest evidence, in a sentence; empty where it is needed
    still, or nobody can tell. None: the remedy is no temporary mitigation."""
    incremental: bool = False
    """Whether it may be insufficient by itself: where it did not help and is needed still, it stays, and the incident
    may add to it."""
    deed: Callable[[Site, OnRecord[B, P]], Deed] = _no_deed
    """What it does in plain words, and the commands that do and undo it by hand."""
    choice: Callable[[OnRecord[B, P]], Choice | None] = lambda record: None
    """Which parameter of its plan a person may change, and to what; None: none."""
    writes: Callable[[OnRecord[B, P]], Iterable[Field]] = lambda record: ()
    """What it writes of the objects that the change ledger watches."""
    by_mechanism: bool = False
    """Whether it does something else for another mechanism, so that it may follow upon itself."""
    undoes_change: bool = False
    """Whether it undoes what somebody changed, which may have been done to hold off an attack."""
    audience: Audience | Literal[""] = ""
    """Whom it informs; empty: it changes something instead."""
    task_for: str = ""
    """The role of the team that it gives a task to, which somebody then marks as done; empty: none."""

    @property
    def remediates(self) -> bool:
        """Whether it may remediate something: by itself, or by those who are given a task."""
        return not self.audience or bool(self.task_for)

    @property
    def rolled_back(self) -> bool:
        """Whether it is rolled back where it does not help."""
        return self.reversible and not self.keep_when_not_helped

    def judge(self, considered: Considered) -> tuple[F, str]:
        """Return what the remedy must know, and why it is not proposed; an empty text where it is."""
        facts = self.facts(considered)
        return facts, self.against(considered, facts)

    def facts_of(self, kept: Json) -> F:
        """Return the facts of a proposal on record; raises Malformed."""
        return decode(self.kinds[0], kept, f"{self.name}.facts")

    def on_record(self, target: str, component: str, before: Json, parameters: Json) -> OnRecord[B, P]:
        """Return a plan on record with its operands typed; raises Malformed."""
        return OnRecord(target, component, decode(self.kinds[1], before, f"{self.name}.before"),
                        decode(self.kinds[2], parameters, f"{self.name}.parameters"))

    def reason_gone(self, service: Service, target: str, component: str, before: Json, parameters: Json,
                    evidence: Evidence) -> str:
        """Say why what is on record is no longer needed; see ``no_longer_needed``."""
        if self.no_longer_needed is None:
            return ""
        return self.no_longer_needed(service, self.on_record(target, component, before, parameters), evidence)

    def written(self, target: str, component: str, before: Json, parameters: Json) -> tuple[Field, ...]:
        """Return what a remedy on record has written; nothing where an earlier version kept other operands.

        What is not known to be the responder's own counts as somebody else's change.
        """
        try:
            return tuple(self.writes(self.on_record(target, component, before, parameters)))
        except Malformed:
            return ()


@dataclass(frozen=True)
class Candidate:
    """A remedy that follows from one named cause."""

    action: str
    cause: str
    mechanism: str
    component: str
    confidence: float
    sources: tuple[str, ...]
    facts: Facts
    contested: bool = False
    """Whether a mechanism of the same cause that is nearly as likely does not have it. Of such remedies one is applied
    at a time, and the next only where it did not help."""
    where: str = ""
    """Where the failures arise; see ``model/fault_location.py``."""
    either_change: bool = False
    """Whether it undoes one of two changes, and nothing tells which brought the symptom. A release and a setting of the
    same minutes often belong together, and undoing one alone may leave a pair that nobody ever tried."""

    def on_record(self, onset: float | None, symptom: str) -> Proposed:
        """Return it as it is put on record, without its id: ``symptom`` is the kind that was confirmed."""
        return Proposed("", self.action, self.cause, self.mechanism, self.component, self.confidence, self.sources,
                        encode(self.facts), self.contested, onset, self.where, symptom, self.either_change)

    def reduced(self) -> Candidate:
        """Return the same small enough for the record."""
        return replace(self, facts=self.facts.reduced())


@dataclass(frozen=True)
class Remedies:
    """What follows from a diagnosis: every remedy of every named cause is in one of the two."""

    proposed: tuple[Candidate, ...] = ()
    """In the order in which they are tried."""
    not_proposed: tuple[Refusal, ...] = ()

    def withheld(self, reason: str) -> Remedies:
        """Return the same with nothing proposed, for one reason."""
        return Remedies((), self.not_proposed + tuple(
            Refusal(p.action, p.component, p.cause, p.mechanism, reason) for p in self.proposed))


def propose(service: Service, diagnosis: Diagnosis, onset: float | None, evidence: Evidence,
            weights: Weights, tried: Iterable[tuple[str, str]], *, early: bool = False,
            helped: Iterable[tuple[str, str, str]] = ()) -> Remedies:
    """Return the remedies of all named causes, without those that were ``tried`` (action, component) before.

    Of mechanisms of one cause that are nearly as likely, the remedies of all are proposed: those that can be rolled
    back first, of these the one that risks least, then that of the likelier mechanism. Where one of them heals by
    itself it is waited for. ``early``: it may show yet which of them it is, so what not all share is held back.
    """
    found: list[Candidate] = []
    refused: list[Refusal] = []
    table = weights.mechanisms
    for considered in _considered(service, diagnosis, onset, evidence, table, frozenset(tried), early,
                                  frozenset(helped)):
        if _repeats(considered, found):
            continue
        remedy, cause = find(considered.action), considered.hypothesis
        facts, objection = remedy.judge(considered)
        reason = _objection(considered, remedy, facts, objection, table)
        if not reason:
            found.append(Candidate(remedy.name, cause.cause, cause.mechanism, considered.component, cause.confidence,
                                   cause.sources, facts, considered.contested, cause.where))
        if reason or remedy.name == PEOPLE:
            refused.append(Refusal(remedy.name, considered.component, cause.cause, cause.mechanism, reason or _left(
                considered)))
    return Remedies(tuple(replace(one, either_change=_is_of_either_change(one, found)) for one in found),
                    tuple(dict.fromkeys(refused)))


def _is_of_either_change(one: Candidate, found: Iterable[Candidate]) -> bool:
    return one.contested and find(one.action).undoes_change and any(
        other.contested and other.action != one.action and (other.cause, other.where) == (one.cause, one.where)
        and find(other.action).undoes_change for other in found)


def _repeats(considered: Considered, found: Sequence[Candidate]) -> bool:
    """Whether the same is proposed already."""
    return any((p.action, p.component) == (considered.action, considered.component)
               and (considered.contested or p.mechanism == considered.mechanism) for p in found)


def _left(considered: Considered) -> str:
    from responder.plan import mechanisms
    called = mechanisms.find(considered.mechanism).call(considered)
    return f"the responder has none for {considered.mechanism.replace('_', ' ')}: " + (called or "it is left to people")


def _considered(service: Service, diagnosis: Diagnosis, onset: float | None, evidence: Evidence,
                table: Mapping[str, Terms], tried: frozenset[tuple[str, str]],
                early: bool, helped: frozenset[tuple[str, str, str]]) -> Iterator[Considered]:
    """Yield the remedies of each named hypothesis and of its rivals, in the order in which they are tried."""
    from responder.plan import mechanisms

    seen = frozenset(signal.id for signal in diagnosis.signals)
    for named in diagnosis.named:
        group = (named, *(rival for rival in diagnosis.close if rival.mechanism in named.rivals and (
            rival.cause, rival.component, rival.where) == (named.cause, named.component, named.where)))
        names = (named.mechanism, *named.rivals)
        shared = tuple(action for action in table[named.mechanism].remedies
                       if all(action in table[name].remedies for name in names))
        found = [Considered(service, WAIT, named.component, named, onset, evidence, tried, helped, seen,
                            together=(WAIT,))] if any(WAIT in table[name].remedies for name in names) else []
        for hypothesis in group:
            mechanism = mechanisms.find(hypothesis.mechanism)
            components = targets(service, hypothesis, onset, evidence)
            for action in (name for name in table[hypothesis.mechanism].remedies if name != WAIT):
                contested = action not in shared
                if hypothesis is not named and not contested:
                    continue  # it is the likelier mechanism's as well
                found += [Considered(
                    service, action, component, hypothesis, onset, evidence, tried, helped, seen, contested,
                    tuple(name for name in names if name != hypothesis.mechanism),
                    table[hypothesis.mechanism].remedies if contested else shared, early,
                    tuple(kind.id for kind in mechanism.brought_by), mechanism.objects) for component in components]
        yield from sorted(found, key=lambda item: _order(item.action)) if len(names) > 1 else found


def _order(action: str) -> tuple[bool, int]:
    """What can be rolled back or needs no roll-back comes first, then what risks least."""
    remedy = find(action)
    return not remedy.reversible, RISKS.index(remedy.risk)


def _objection(considered: Considered, remedy: Remedy[Any, Any, Any], facts: Facts, objection: str,
               table: Mapping[str, Terms]) -> str:
    """Say why a remedy is not proposed; ``objection`` is what the remedy itself says against it."""
    healing = next((name for name in (considered.mechanism, *considered.rivals) if WAIT in table[name].remedies), "")
    if healing and remedy.name != WAIT:
        return (f"{healing.replace('_', ' ')}, which heals by itself, is as likely, and would be made worse: it is "
                "waited for")
    if (remedy.name, considered.component) in considered.tried and not was_for_another(considered, remedy):
        return "it was carried out before, and the symptom stayed or came back"
    if objection or not considered.contested:
        return objection
    worsened = next((name for name in considered.rivals if remedy.name in table[name].worsened_by), "")
    if worsened and remedy.name != PEOPLE:
        return f"it would make it worse if it is {worsened.replace('_', ' ')}, which is nearly as likely"
    return remedy.against_contested(considered, facts) or (
        f"{rivals_of(considered)} is nearly as likely: the evidence is gathered once more before one of the two is "
        "acted upon" if considered.early else "")


def rivals_of(considered: Considered) -> str:
    """Return the mechanisms that are nearly as likely, as people read them."""
    return " or ".join(rival.replace("_", " ") for rival in considered.rivals)


def sentence(refusal: Refusal) -> str:
    """Say as people are told it that a remedy is not proposed."""
    return f"{phrase(refusal.action)} of {refusal.component}: {refusal.reason}"


def phrase(action: str) -> str:
    """Return a remedy's name as people read it; "of" and the component follow."""
    return find(action).phrase if action in names() else action.replace("_", " ")


@cache
def find(name: str) -> Remedy[Any, Any, Any]:
    """Return the remedy called ``name``, importing its module alone."""
    remedy: Remedy[Any, Any, Any] = importlib.import_module(f"{__name__}.{name}").REMEDY
    return remedy


def can_be_undone(action: str) -> bool:
    """Whether what an action does can be undone, by the responder or by hand; one that is not known cannot."""
    return action in names() and find(action).reversible


@cache
def names() -> tuple[str, ...]:
    """Return the names of all remedies, ``wait`` and ``escalate`` among them."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def every() -> tuple[Remedy[Any, Any, Any], ...]:
    """Return all remedies, by name."""
    return tuple(find(name) for name in names())
