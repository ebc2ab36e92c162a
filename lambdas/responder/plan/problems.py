"""Which of the problems that live state has explains the symptom, and how sure that is.

The weights are logarithms of odds, added up: a problem that is twice as likely to be behind a symptom as another has
0.7 more. They follow from how each kind of evidence comes about, not from counts of any set of outages:

- **What is said beats what is seen beats guesses.** The scheduler that refuses a pod has tried; two objects that
  contradict each other are so whether or not it matters; what is unusual is mostly meant so.
- **What stops beats what lessens beats what is a risk**: a risk has done nothing yet.
- **A consequence is told below its cause**, and takes nothing from the cause's confidence. Which checks' problems
  follow which is said by the checks; what stops a pod at an earlier step of its way (it is let in, placed, started,
  it runs, it is reached) stops what comes after.
- **What is on the failing path** (what fails, and what that calls) beats what is not; of those on it, what is called
  by others on it. A general problem of a node, a namespace or the cluster hits whatever is on it.
- **What began when the symptom did** beats what is older; what is not known to be new is between them.
- **What holds of many alike explains none of them**: it is how the system is built, unless somebody says otherwise.

A confidence is a share of all that could be behind it, "something that no check looks for" among it: two problems that
explain a symptom equally well have less than a half each.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field

from responder.model.evidence.problems import Basis, Family, Problem, Severity
from responder.model.frozen import dataclass
from responder.plan.sure import SURE

_BASIS: dict[Basis, float] = {"said": 2.0, "seen": 1.0, "guessed": -1.0}
"""A guess starts below what no check looks for; who is in charge is right seven times in eight (e^2)."""
_SEVERITY: dict[Severity, float] = {"stops": 1.5, "lessens": 0.5, "risks": -2.0}
_UNLOOKED_FOR = 1.0
"""Of the alternative that nothing here explains it: as likely as what is seen and neither stops nor lessens."""
_ON_PATH = 1.0
_OFF_PATH = -2.0
"""Where it is known what fails: a problem of what has nothing to do with it is there on every day."""
_CALLED = 0.5
"""For what is called by another on the path that has a problem: errors go from the called to the caller."""
_AT_ONSET = 0.5
_BEFORE = -1.0
"""A state of long ago did not begin this; it may still be what a change now runs into."""
_NEAR_SECONDS = 900.0
"""An alarm goes off within minutes of the onset, and a kubelet backs off for five minutes between tries."""
_OLD_SECONDS = 86_400.0
_ALIKE = 1.0
"""For each doubling beyond two of objects that the same is seen or guessed of."""
_CONSEQUENCE = 4.0
"""Taken from what another problem explains: never told before it."""
_STEPS: dict[Family, int] = {"admission": 1, "scheduling": 2, "startup": 3, "runtime": 4, "routing": 5}
"""A pod's way. Machines and load are no step of it."""
_LAST = 6


@dataclass(frozen=True)
class Failing:
    """What is known of the symptom. All may be empty: then problems are judged by themselves."""

    components: tuple[str, ...] = ()
    """Those that fail, or that an alarm is about."""
    graph: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Component to those that it calls."""
    onset: float = 0.0
    """When it began, seconds since 1970 (UTC); 0: not known."""
    now: float = 0.0
    """Seconds since 1970 (UTC); 0: not known."""


@dataclass(frozen=True)
class Explanation:
    """A problem that may explain the symptom."""

    problem: Problem
    confidence: float
    """0 to 1; of those told with 0.8, four of five should be right."""
    causes: tuple[Problem, ...] = ()
    """Problems that this one is a consequence of; empty: it stands by itself."""


def explanations(problems: Sequence[Problem], failing: Failing | None = None) -> tuple[Explanation, ...]:
    """Return all problems, the likeliest first; the order that they are given in changes nothing."""
    failing = failing or Failing()
    problems = sorted(set(problems), key=_identity)
    causes = {problem: tuple(other for other in problems if causes_of(problem, other)) for problem in problems}
    alike = Counter(problem.check for problem in problems)
    path = _path(failing)
    weights = {problem: _weight(problem, failing, path, alike[problem.check]) for problem in problems}
    called = _called(problems, failing.graph, path)
    for problem in problems:
        weights[problem] += _CALLED if problem in called else 0.0
    # What another explains does not compete with it: its share counts as the cause's.
    own = {problem: math.exp(weights[problem]) for problem in problems if not causes[problem]} or {
        problem: math.exp(weights[problem]) for problem in problems}
    total = sum(own.values()) + math.exp(_UNLOOKED_FOR)
    lesser = {problem: math.exp(weights[problem]) for problem in problems if problem not in own}
    found = [Explanation(problem, own[problem] / total if problem in own else
                         lesser[problem] * math.exp(-_CONSEQUENCE) / (total + lesser[problem]), causes[problem])
             for problem in problems]
    return tuple(sorted(found, key=lambda each: (bool(each.causes), -each.confidence, _identity(each.problem))))


def explaining(problems: Sequence[Problem], failing: Failing | None = None) -> Explanation | None:
    """Return the problem that explains the symptom; None: nothing does for sure."""
    first = next(iter(explanations(problems, failing)), None)
    return first if first and first.confidence >= SURE else None


def causes_of(problem: Problem, other: Problem) -> bool:
    """Whether ``other`` explains ``problem``: by their kinds, and as it hits the same or everything."""
    if other == problem or problem.check in other.follows or not _share(problem, other):
        return False
    return other.check in problem.follows or (
        other.severity == "stops" and other.basis != "guessed" and {*problem.apps} <= {*other.apps}
        and _STEPS.get(other.family, _LAST) < _STEPS.get(problem.family, 0))


def _share(problem: Problem, other: Problem) -> bool:
    return not other.apps or problem.object == other.object or bool({*problem.apps} & {*other.apps})


def _weight(problem: Problem, failing: Failing, path: Mapping[str, int], alike: int) -> float:
    weight = _BASIS[problem.basis] + _SEVERITY[problem.severity] + _time(problem, failing)
    if path and problem.apps:
        weight += _ON_PATH if {*problem.apps} & {*path} else _OFF_PATH
    if problem.basis != "said" and alike > 2:
        weight -= _ALIKE * math.log2(alike / 2)
    return weight


def _time(problem: Problem, failing: Failing) -> float:
    if not problem.since:
        return 0.0
    if failing.onset:
        if problem.since < failing.onset - _OLD_SECONDS:
            return _BEFORE
        return _AT_ONSET if abs(problem.since - failing.onset) <= _NEAR_SECONDS else 0.0
    return _BEFORE if failing.now and problem.since < failing.now - _OLD_SECONDS else 0.0


def _path(failing: Failing) -> dict[str, int]:
    """Return what fails and what that calls, each with the fewest calls on the way."""
    found = dict.fromkeys(failing.components, 0)
    waiting = list(failing.components)
    for name in waiting:
        for other in failing.graph.get(name, ()):
            if other not in found:
                found[other] = found[name] + 1
                waiting.append(other)
    return found


def _called(problems: Sequence[Problem], graph: Mapping[str, Sequence[str]], path: Mapping[str, int]) -> set[Problem]:
    """Return the problems on the path of what another with a problem calls, unless that is called by it in turn."""
    with_problems = {app for problem in problems if problem.severity != "risks" for app in problem.apps if app in path}
    reached = {name: set(_path(Failing((name,), graph))) - {name} for name in with_problems}
    return {problem for problem in problems if any(
        app in reached[caller] and caller not in reached[app]
        for app in problem.apps if app in with_problems for caller in with_problems - {app})}


def _identity(problem: Problem) -> tuple[str, ...]:
    return (problem.check, problem.object, problem.severity, problem.basis, problem.sentence, problem.said,
            problem.mend, *problem.apps, repr(problem.since), *problem.follows)
