"""Checks of what customers are told: each text is of a sentence that there is, and names only facts that it may."""

from __future__ import annotations

import string
from collections.abc import Iterator

from responder.model.service import Service
from responder.plan.customers.sentences import TEXTS, TITLES, may_name, needs_text
from stacks.nearest import Found, nearest

_Path = tuple[str | int, ...]


def customers(service: Service) -> Iterator[Found]:
    """Find texts that could not be said as they are meant."""
    mine = service.customers
    if mine.update_seconds < 0:
        yield ("customers", "update_seconds"), str(mine.update_seconds), "seconds, or 0 for no promise"
    yield from _texts(("customers", "texts"), mine.texts)
    said = {name for name, text in (TEXTS | mine.texts).items() if text}
    seen: set[str] = set()
    for place, language in enumerate(mine.languages):
        path: _Path = ("customers", "languages", place)
        if not language.name:
            yield (*path, "name"), "nothing", "what the service is called in this language"
        if language.language in seen:
            yield (*path, "language"), repr(language.language), "another than those before"
        seen.add(language.language)
        yield from _texts((*path, "texts"), language.texts)
        # A message has one title, in the first language.
        missing = sorted(said - TITLES.keys() - {name for name, text in language.texts.items() if text})
        if missing:
            yield (*path, "texts"), f"no text for {', '.join(missing)}", "one for each sentence that is said in English"


def _texts(path: _Path, texts: dict[str, str]) -> Iterator[Found]:
    for name, text in texts.items():
        if name not in TEXTS:
            yield (*path, name), "an unknown sentence", nearest(name, TEXTS)
        elif not text and needs_text(name):
            yield (*path, name), "nothing", "a text: a message must say how bad it is"
        else:
            for found, expected in _wrong_facts(text, may_name(name)):
                yield (*path, name), found, expected


def _wrong_facts(text: str, facts: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a text's braces, and what is expected."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        yield f"{text[:60]!r} ({error})", "facts in braces such as {name}, and a brace itself as {{ or }}"
        return
    for _, fact, form, conversion in parts:
        if fact is None:
            continue
        if fact not in facts:
            yield f"the fact {{{fact}}}", nearest(fact, facts)
        elif form or conversion:
            yield f"a form for {{{fact}}}", f"{{{fact}}} alone: facts are texts already"
