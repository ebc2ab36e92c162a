"""Which foreign change brought an outage, or that none did.

A change is a suspect by three things together: its time (in effect before the symptom began), its place (on the way of
the requests that fail) and what it could do, held against what the symptom is about. That no change did it is an answer
with a probability of its own: it grows with what the world around says of itself. All terms are log-odds; a term for
which there is no evidence is zero or a doubt. Innocent changes are much more frequent than guilty ones, so each begins
far below "none".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence

from responder.model.foreign_change import Deployed, ForeignChange
from responder.model.frozen import dataclass
from responder.plan import wording
from responder.plan.change_effects import Effect, amount, effect_of
from responder.plan.change_files import FileKind, belongs_to, is_shared, kind_of_file, stem
from responder.plan.change_outside import Sign, signs
from responder.plan.change_symptom import Line, Symptom
from responder.plan.change_topics import fit, parts, specific, topics

NONE = "none"
Term = tuple[float, str]
"""What one thing says of a change: log-odds, and in words."""
MEASURED_SECONDS = 90.0
"""A symptom is seen in periods of a minute, so it may seem to begin this long before it does."""
AT_ONCE_SECONDS = 60.0
_PERIOD_SECONDS = 15.0
"""Counts come in periods of ten seconds or more, and a symptom is said to begin where its first period does."""
_PRIOR = -4.0
_ALIKE = 2
_INERT_SHARE = 0.1
_AT_MERGE = frozenset({FileKind.SCHEMA, FileKind.CONFIGURATION})
_COMMON = frozenset({
    "error", "errors", "failed", "fail", "failure", "request", "requests", "response", "service", "server", "client",
    "status", "code", "return", "the", "and", "for", "not", "with", "from", "was", "are", "has", "that", "this",
    "new", "get", "set", "http", "https", "api", "string", "int", "true", "false", "null", "nil", "none", "func",
    "def", "self", "let", "var", "const", "name", "value", "type", "data", "list", "item", "items", "user", "users",
    "info", "warn", "msg", "message", "id", "out", "result", "err", "ctx", "context", "await", "async", "public",
    "private", "static", "void", "class", "import", "timeout", "time", "after", "before", "when", "upstream",
    "returned", "call", "calls", "rate", "ratio", "total", "count", "above", "below", "high", "p99", "p95", "seconds",
    "minutes", "ms", "config", "default", "options"})


@dataclass(frozen=True)
class Suspect:
    """One answer: a change, or none of them."""

    id: str
    """The change's id, or ``none``."""
    probability: float
    score: float
    """In log-odds against nothing known."""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Seen:
    """What each change is held against."""

    symptom: Symptom
    about: Mapping[str, float]
    common: Mapping[str, float]
    """In how many changes each word is."""
    deploys_known: bool


def suspects(changes: Sequence[ForeignChange], symptom: Symptom, deploys_known: bool = True) -> list[Suspect]:
    """Return all changes and ``none``, likeliest first.

    ``deploys_known``: whether it is known what was deployed and when; where it is, what is merged alone is not in
    effect.
    """
    effects = {change.id: effect_of(change) for change in changes}
    seen = _Seen(symptom, _about(symptom), _frequency(effects.values()), deploys_known)
    deploys = [one for change in changes if change.kind == "commit" for one in change.deployed]
    judged = [Suspect(change.id, 0.0, _PRIOR + sum(weight for weight, _ in terms), tuple(
        why for weight, why in sorted(terms, key=lambda term: -abs(term[0])) if why and weight)) for change, terms in (
        (change, _terms(change, _carried(change, deploys), effects[change.id], seen))
        for change in changes)]
    judged.append(_none(symptom, changes, effects))
    most = max(one.score for one in judged)
    whole = sum(math.exp(one.score - most) for one in judged)
    ranked = [Suspect(one.id, math.exp(one.score - most) / whole, one.score, one.reasons) for one in judged]
    return sorted(ranked, key=lambda one: (-one.probability, one.id))


def _carried(change: ForeignChange, deploys: Sequence[Deployed]) -> list[float]:
    """Return when a commit was deployed with others: the next of each component that its files are of.

    What is deployed holds all that was merged before. A library's next user takes it along as well.
    """
    if change.kind != "commit" or change.deployed:
        return []
    nobodys = all(is_shared(file) for file in change.files)
    later: dict[str, float] = {}
    for one in sorted(deploys, key=lambda one: one.at):
        if one.at >= change.at and (nobodys or any(belongs_to(file, [one.component]) for file in change.files)):
            later.setdefault(one.component, one.at)
    return list(later.values())


def _about(symptom: Symptom) -> dict[str, float]:
    """Return what the symptom is about: the alarm's own words first, then the lines by how many there are."""
    bad = _bad(symptom)
    most = max((line.more for line in bad), default=1.0)
    return topics([(symptom.told, 1.0),
                   *((line.text, 0.6 + 0.4 * line.more / most) for line in bad),
                   *((moved.name, 0.6) for moved in symptom.moved if moved.component in symptom.path)])


def _bad(symptom: Symptom) -> list[Line]:
    return [line for line in symptom.lines if line.bad and line.more > 0]


def _none(symptom: Symptom, changes: Sequence[ForeignChange], effects: Mapping[str, Effect]) -> Suspect:
    found = signs(symptom)
    brought = any(change.at <= symptom.onset + MEASURED_SECONDS and effects[change.id].share >= 0.4 and _asks_more(
        effects[change.id]) for change in changes)
    material = any(change.at <= symptom.onset + MEASURED_SECONDS and effects[change.id].share >= 0.4 and re.search(
        r"cert|secret|\.pem|\.crt|\.key", " ".join(change.files), re.IGNORECASE) for change in changes)
    weights = [_weight(sign, brought, material) for sign in found]
    # Two signs are seldom independent: the second counts for half.
    score = sum(weight / (1 + place) for place, weight in enumerate(sorted(weights, reverse=True)[:2]))
    return Suspect(NONE, 0.0, score, tuple(sign.what for sign in found))


def _weight(sign: Sign, brought: bool, material: bool) -> float:
    if (sign.grows and brought) or ("expired" in sign.what and material):
        return sign.weight * 0.4
    return sign.weight


def _asks_more(effect: Effect) -> bool:
    return any(effect.topics.get(topic, 0.0) >= 0.8 for topic in ("retry", "cache", "load"))


def _terms(change: ForeignChange, carried: Sequence[float], effect: Effect, seen: _Seen) -> list[Term]:
    return [_by_time(change, carried, effect, seen), _by_place(change, seen.symptom), _by_share(effect),
            _by_breadth(change, seen.symptom), _by_kind(effect, seen.about),
            _by_words(change, effect, seen), _by_value(effect, seen.symptom)]


def _by_time(change: ForeignChange, carried: Sequence[float], effect: Effect, seen: _Seen) -> Term:
    symptom = seen.symptom
    latest = symptom.latest + MEASURED_SECONDS
    if change.at > latest:
        return -12.0, "it came after the symptom began"
    early = [one for one in change.deployed if one.at <= latest]
    if change.deployed and not early:
        return -10.0, "it came into effect after the symptom began"
    in_time = [at for at in carried if at <= symptom.onset + MEASURED_SECONDS]
    if in_time:
        weight, why = _by_delay(max(in_time), effect, symptom)
        return weight - 1.0, f"{why}, carried by a later deployment"
    if not early and change.kind == "commit" and seen.deploys_known:
        if any(kind_of_file(path) in _AT_MERGE and is_shared(path) for path in change.files):
            return -0.5, "it is in effect as soon as it is merged"
        return -3.0, "it is not known to be deployed"
    at = max((one.at for one in early), default=change.at)
    if change.kind == "flag" and -_PERIOD_SECONDS <= symptom.onset - at <= AT_ONCE_SECONDS:
        # A flag is in effect for all requests within seconds, and few are switched in an hour: chance seldom puts one
        # here.
        return 3.0, f"it was switched {wording.duration(max(0.0, symptom.onset - at))} before"
    return _by_delay(at, effect, symptom)


def _by_delay(at: float, effect: Effect, symptom: Symptom) -> Term:
    if at > symptom.onset + MEASURED_SECONDS:
        return -3.0, "something had moved before it came into effect"
    waited = max(0.0, symptom.onset - at)
    if waited <= 240:
        return 2.0, f"it came into effect {wording.duration(waited)} before"
    if waited <= 900:
        return 1.5, f"it came into effect {wording.duration(waited)} before"
    if waited <= 3600:
        return 0.5 if not (effect.slow or symptom.gradual) else 1.0, "it came into effect within the hour before"
    if effect.slow or symptom.gradual:
        return 0.0, "it came into effect long before, and its effect may take its time"
    return -1.5, "it came into effect long before"


def _by_place(change: ForeignChange, symptom: Symptom) -> Term:
    own = {stem(symptom.component)}
    path = {stem(component) for component in symptom.path} | own
    at = {stem(one.component) for one in change.deployed} | ({stem(change.component)} if change.component else set())
    if at & own or any(belongs_to(file, own) for file in change.files):
        return 2.0, f"it is of {symptom.component}"
    if at & path or any(belongs_to(file, path) for file in change.files):
        return 1.0, "it is of a component that calls it or is called by it"
    if at:
        return -5.0, "it is of a component that has no part in it"
    if change.kind == "infrastructure" or not change.files:
        return 1.0, "it is of what all components share"
    if all(is_shared(file) for file in change.files):
        return 0.0, "it is of what components share"
    return -3.5, "it is of another component"


def _by_breadth(change: ForeignChange, symptom: Symptom) -> Term:
    """Weigh whether components that fail alike have the change in common."""
    failing: dict[str, set[str]] = {}
    for line in _bad(symptom):
        failing.setdefault(re.sub(r"\d+", "#", line.text), set()).add(line.component)
    alike = max(failing.values(), key=len, default=set())
    if len(alike) < _ALIKE:
        return 0.0, ""
    if change.files and all(is_shared(file) for file in change.files if kind_of_file(file) is not FileKind.INERT):
        return 0.7, f"{len(alike)} components that share it fail alike"
    if not change.files and not change.component and not change.deployed:
        return 0.0, ""  # Whose it is is not known.
    return -1.0, f"{len(alike)} components fail alike, and it is of one"


def _by_share(effect: Effect) -> Term:
    if effect.share <= _INERT_SHARE:
        return -6.0, effect.why
    return 5.0 * (effect.share - 0.45), effect.why


def _by_kind(effect: Effect, about: Mapping[str, float]) -> Term:
    fitting = fit(effect.topics, about)
    if not effect.known:
        return 2.5 * fitting, "by its name it may bring such a symptom" if fitting >= 0.6 else ""
    if fitting < 0.3 and specific(about):
        if not specific(effect.topics):
            return -0.7, "what it is about is hard to tell"
        return -2.0, "what it is about does not bring such a symptom"
    return 3.5 * fitting - 1.0, "what it is about brings such a symptom" if fitting >= 0.6 else ""


def _plain(texts: Iterable[str]) -> set[str]:
    """Return the plain words of some texts without their endings, as ``pricing`` and ``prices`` are of one thing."""
    words = {word for text in texts for word in parts(text)}
    return {re.sub(r"(?:ings?|ed|es|s|e|er|ion)$", "", word) if len(word) > 4 else word
            for word in words if len(word) > 2 and word not in _COMMON and not word[0].isdigit()}


def _frequency(effects: Iterable[Effect]) -> dict[str, float]:
    """Return in how many changes each plain word is."""
    counts: dict[str, float] = {}
    for effect in effects:
        for word in _plain((*effect.words, *effect.around)):
            counts[word] = counts.get(word, 0.0) + 1.0
    return counts


def _by_words(change: ForeignChange, effect: Effect, seen: _Seen) -> Term:
    """Weigh the names that a change touched and that the failures speak of, rarer ones more.

    A quoted text that went or came, and that the failures give word for word, is seldom there by chance.
    """
    symptom, common = seen.symptom, seen.common
    # A line that tells of the change itself is no failure.
    own = change.id.removeprefix("flag ") if change.kind == "flag" else ""
    lines = [line.text for line in _bad(symptom) if not own or own not in line.text]
    places = (*symptom.path, symptom.component)
    said = _plain((*lines, symptom.told, *(moved.name for moved in symptom.moved)))
    said -= _plain((*places, *map(stem, places)))
    score, told = 0.0, []
    around = 0.3 if effect.known else 1.0
    for words, weight in ((effect.words, 1.0), (effect.around, around)):
        for word in _plain(words) & said:
            score += weight / max(1.0, common.get(word, 1.0)) ** 0.5
            told.append(word)
    bad = " ".join(lines)
    quoted = {text for word in effect.words if (text := word.strip("\"'`")) != word and len(text) > 2
              and re.search(rf"(?<![\w-]){re.escape(text)}(?![\w-])", bad) and text.lower() not in _COMMON}
    total = min(2.5, score) + min(1.5, 1.5 * len(quoted))
    named = [*sorted(quoted), *sorted(set(told))][:4]
    return total, f"the failures speak of {', '.join(named)}" if named else ""


def _by_value(effect: Effect, symptom: Symptom) -> Term:
    """Weigh a setting whose new value is measured since: the same number before and after."""
    for before, after in effect.values:
        old, new = amount(before), amount(after)
        if old is None or new is None or old == new:
            continue
        for moved in symptom.moved:
            if math.isclose(moved.before, old, rel_tol=0.02) and math.isclose(moved.after, new, rel_tol=0.02):
                return 3.0, f"{moved.name} went from {before} to {after}"
        if new > 1 and any(re.search(rf"(?<![\d.]){re.escape(after)}(?![\d.])", line.text) for line in _bad(symptom)):
            return 1.0, f"the failures speak of {after}"
    return 0.0, ""
