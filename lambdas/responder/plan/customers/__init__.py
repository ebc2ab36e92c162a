"""What customers are told: how bad it is and since when, what is done about it, what to do, and when they hear more.

A message is made of sentences (``sentences.py``), each of which is said only where the record has its facts
(``facts.py``). Nothing internal is ever said, and of causes only that it is another company's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from math import ceil
from typing import Literal

from responder.model.facts import ToldFor
from responder.model.frozen import dataclass
from responder.model.incident import Incident
from responder.model.service import Language, Service
from responder.model.zone import zone
from responder.plan.customers.facts import Extent, Facts, told_for
from responder.plan.customers.sentences import SENTENCES, TEXTS, WEAKEST, Sentence
from responder.plan.wording import capital

Phase = Literal["investigating", "identified", "monitoring", "resolved"]
"""How far it is, in the words of Statuspage."""
_MINUTE = 60


__all__ = ["Phase", "Told", "message", "told_for", "told_with"]


@dataclass(frozen=True)
class Told:
    """One message to customers."""

    subject: str
    text: str
    said: tuple[str, ...]
    """The names of its sentences."""
    phase: Phase
    extent: Extent
    more_by: float | None
    """When it promises that more is said, seconds since 1970 (UTC); None: it promises nothing."""
    is_news: bool
    """Whether it says something that the last one did not."""
    works: bool = False
    """Whether it says that what failed of this service works again."""
    also_fails: tuple[str, ...] = ()
    """The ids, on the status page, of other services' components of which it says that they fail."""
    also_works: tuple[str, ...] = ()
    """Those of which it says that they work again."""


_MOST_NAMES = 12
"""Other services that a message names: customers look for their own, and the page marks each component."""


def message(service: Service, known: Facts, allowed: Collection[str] | None = None) -> Told | None:
    """Return what customers are told at a moment; None where there is nothing to tell.

    ``allowed`` are the sentences that people approved, where only those may be said. Of how bad it is then the weakest
    sentence is said where the approved one is no longer so; when more is said is known only when it is sent.
    """
    texts = TEXTS | service.customers.texts
    said = _holding(known, texts)
    is_news = any(sentence.is_news and sentence.name not in (known.told or ()) for sentence in said)
    if known.told is not None and not is_news:
        said = _holding(replace(known, nothing_new=True), texts)
    if allowed is not None:
        said = _approved(said, frozenset(allowed), known)
    title = next((sentence.title for sentence in said if sentence.title), "")
    if not title:
        return None
    languages = [Language("", service.customers.called(service.service, service.description), texts),
                 *service.customers.languages]
    local = zone(service.reports.time_zone) or UTC
    bodies = [" ".join(_text(language, sentence.name, known, local) for sentence in said
                       if language.texts.get(sentence.name)) for language in languages]
    names = tuple(sentence.name for sentence in said)
    return Told(_text(languages[0], title, known, local), "\n\n".join(bodies), names, _phase(known), known.extent,
                known.more_by if "more" in names else None, is_news, known.over,
                _components(known.failing, bool({"also_failing", "still_failing"} & {*names})),
                _components(known.working, "also_working" in names))


def told_with(service: Service, incident: Incident) -> ToldFor:
    """Return what another incident must know to tell this one's customers as well."""
    mine = service.customers
    return ToldFor(incident.id, service.service, mine.called(service.service, service.description),
                   {language.language: language.name for language in mine.languages},
                   service.statuspage.ids(incident.affected) if service.statuspage else ())


def _holding(known: Facts, texts: Mapping[str, str]) -> list[Sentence]:
    """Return the sentences that may be said: what they say is so, and they have a text."""
    return [sentence for sentence in SENTENCES if texts[sentence.name] and sentence.when(known)]


def _approved(said: Sequence[Sentence], allowed: frozenset[str], known: Facts) -> list[Sentence]:
    kept = [sentence for sentence in said if sentence.name in allowed | {"more"}]
    if known.lasts and not any(sentence.title for sentence in kept):
        kept.insert(0, next(sentence for sentence in SENTENCES if sentence.name == WEAKEST))
    return kept


def _phase(known: Facts) -> Phase:
    if known.over:
        return "monitoring" if known.failing else "resolved"
    if known.switching or known.changing:
        return "monitoring"
    return "identified" if known.cause_known else "investigating"


def _text(language: Language, name: str, known: Facts, local: tzinfo) -> str:
    """Return a sentence or title with its facts; times are of the team's zone, UTC where none is configured."""
    return language.texts[name].format_map({
        "name": language.name, "Name": capital(language.name),
        "zone": f"{datetime.fromtimestamp(known.at, local):%Z}",
        "since": _clock(known.since, known.at, local), "until": _clock(_end(known), known.at, local),
        "more_by": _clock(known.more_by, known.at, local),
        "failing": _listed(known.failing, language.language), "working": _listed(known.working, language.language)})


def _listed(services: Sequence[ToldFor], language: str) -> str:
    """Return services by their names in a language, each once; by the first one's where a service has no name in it.

    Of very many the first are named, and how many more there are, in a form that every language has.
    """
    names = list(dict.fromkeys(one.names.get(language) or one.name for one in services))
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f", … (+{more})" if more > 0 else "")


def _components(services: Sequence[ToldFor], told: bool) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for one in services for each in one.components)) if told else ()


def _end(known: Facts) -> float:
    """Return the end of the last minute of it: from one time of day to the same is no span."""
    begun = known.since // _MINUTE * _MINUTE
    return max(ceil(known.until / _MINUTE) * _MINUTE, begun + _MINUTE)


def _clock(moment: float | None, now: float, local: tzinfo) -> str:
    """Return hours and minutes, with the day where it is not that of ``now``."""
    if moment is None:
        return ""
    told = datetime.fromtimestamp(moment, local)
    return f"{told:%H:%M}" if told.date() == datetime.fromtimestamp(now, local).date() else f"{told:%Y-%m-%d %H:%M}"
