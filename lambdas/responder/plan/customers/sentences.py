"""What customers may be told, sentence by sentence: what must be so before it is said, and its text.

A message is every sentence whose condition holds, in this order, so that none is said without its facts. A text names
facts in braces; which facts a sentence may name stands with it, because they are known where its condition holds. The
service's configuration may give other texts (``model/service/customers.py``), which ``stacks/customers.py`` checks.
"""

from __future__ import annotations

from collections.abc import Callable

from responder.model.frozen import dataclass
from responder.plan.customers.facts import Extent, Facts

ALWAYS = frozenset({"name", "Name", "zone"})
"""What the service is called, the same with a capital, and the zone of the times."""
SINCE = ALWAYS | {"since"}
SPAN = SINCE | {"until"}
MORE = ALWAYS | {"more_by"}
FAILING, WORKING = ALWAYS | {"failing"}, ALWAYS | {"working"}
"""With the names of other services that fail for the same cause, or that work again."""


@dataclass(frozen=True)
class Sentence:
    """One sentence."""

    name: str
    when: Callable[[Facts], bool]
    """Whether what it says is so."""
    text: str
    """The shipped text; empty: it is said only where the configuration gives a text."""
    may_name: frozenset[str] = ALWAYS
    """The facts that its text may name."""
    title: str = ""
    """The title of a message that has it; it says how bad it is, and every message has one such sentence."""
    is_news: bool = True
    """Whether a message that has it, where the last one had not, says something new."""


def _lasts(*extents: Extent) -> Callable[[Facts], bool]:
    return lambda facts: facts.lasts and facts.extent in extents


def _was(*extents: Extent) -> Callable[[Facts], bool]:
    return lambda facts: facts.over and facts.extent in extents


def _at_work(facts: Facts) -> bool:
    """Whether it lasts and nothing that was done has to be told instead."""
    return facts.lasts and not facts.closed and not (
        facts.switching or facts.changing or facts.solved_in_part or facts.in_vain)


SENTENCES = (
    Sentence("again", lambda facts: facts.lasts and facts.told_over,
             "The problem that we had reported as over is back."),
    Sentence("nothing_new", lambda facts: facts.lasts and facts.nothing_new, "There is nothing new yet.",
             is_news=False),
    Sentence("all_fail", _lasts("all"), "{Name} have not been possible since {since} {zone}.", SINCE, "title_all"),
    Sentence("most_fail", _lasts("most"), "Since {since} {zone} most {name} have been failing.", SINCE, "title_most"),
    Sentence("some_fail", _lasts("some"), "Since {since} {zone} some {name} have been failing.", SINCE, "title_some"),
    Sentence("hardly_any", _lasts("hardly"), "Since {since} {zone} hardly any {name} have reached us.",
             SINCE, "title_hardly_any"),
    Sentence("slow", _lasts("slow"), "{Name} have been slow since {since} {zone}.", SINCE, "title_slow"),
    Sentence("problems", _lasts(""), "There have been problems with {name} since {since} {zone}.",
             SINCE, "title_problems"),
    Sentence("also_failing", lambda facts: facts.lasts and bool(facts.failing), "Also affected: {failing}.", FAILING),
    Sentence("provider", lambda facts: facts.lasts and facts.by_provider,
             "The cause is a disruption at another company, whose service we use."),
    Sentence("watching", lambda facts: _at_work(facts) and facts.by_provider, "We are watching it closely."),
    Sentence("found", lambda facts: _at_work(facts) and facts.cause_known and not facts.by_provider,
             "We have found the cause and are working on it."),
    Sentence("looking", lambda facts: _at_work(facts) and not facts.cause_known, "We are looking for the cause."),
    Sentence("in_vain", lambda facts: facts.lasts and facts.in_vain and not facts.closed,
             "A change that we made did not help. We are looking further."),
    Sentence("solved_in_part", lambda facts: facts.lasts and facts.solved_in_part,
             "We have solved one part of the problem."),
    Sentence("switching", lambda facts: facts.lasts and facts.switching,
             "We have switched to our second provider and are checking whether that helps."),
    Sentence("changing", lambda facts: facts.lasts and facts.changing,
             "We have made a change and are checking whether it helps."),
    Sentence("all_failed", _was("all"), "Between {since} and {until} {zone} {name} were not possible.",
             SPAN, "title_over"),
    Sentence("most_failed", _was("most"), "Between {since} and {until} {zone} most {name} failed.", SPAN, "title_over"),
    Sentence("some_failed", _was("some"), "Between {since} and {until} {zone} some {name} failed.", SPAN, "title_over"),
    Sentence("hardly_any_came", _was("hardly"), "Between {since} and {until} {zone} hardly any {name} reached us.",
             SPAN, "title_over"),
    Sentence("were_slow", _was("slow"), "Between {since} and {until} {zone} {name} were slow.", SPAN, "title_over"),
    Sentence("had_problems", _was(""), "Between {since} and {until} {zone} there were problems with {name}.",
             SPAN, "title_over"),
    Sentence("with_breaks", lambda facts: facts.over and facts.breaks, "In between they worked for a while."),
    Sentence("works_again", lambda facts: facts.over, "They work again."),
    Sentence("also_working", lambda facts: facts.over and bool(facts.working), "Also working again: {working}.",
             WORKING),
    Sentence("still_failing", lambda facts: facts.over and bool(facts.failing), "Still affected: {failing}.", FAILING),
    Sentence("switched", lambda facts: facts.over and facts.switched,
             "{Name} now go through our second provider. Please try again."),
    Sentence("entry_works", lambda facts: facts.lasts and facts.entry_well, "", is_news=False),
    Sentence("always_works", lambda facts: facts.lasts, "", is_news=False),
    Sentence("unsure", lambda facts: facts.payments and facts.extent != "slow" and (facts.lasts or facts.over),
             "If you are not sure whether you paid, look at your orders before you try again.", is_news=False),
    Sentence("with_people", lambda facts: facts.lasts and facts.closed and facts.with_people,
             "Our engineers are working on it."),
    Sentence("no_end_known", lambda facts: facts.lasts and facts.closed,
             "We cannot say yet when it will be over."),
    Sentence("sorry", lambda facts: facts.over, "We are sorry for the trouble.", is_news=False),
    Sentence("more", lambda facts: facts.lasts and not facts.closed and facts.more_by is not None,
             "We will say more by {more_by} {zone}.", MORE, is_news=False),
)
TITLES = {
    "title_all": "{Name} are not possible", "title_most": "Most {name} are failing",
    "title_some": "{Name}: some are failing", "title_hardly_any": "Hardly any {name} reach us",
    "title_slow": "{Name} are slow", "title_problems": "Problems with {name}", "title_over": "{Name} work again"}
"""Title to its shipped text; it names the facts of ``ALWAYS``."""
WEAKEST = "problems"
"""What is said of how bad it is where the sentence that people approved is no longer so: it is so while any of the
others is."""
TEXTS = {**{sentence.name: sentence.text for sentence in SENTENCES}, **TITLES}
"""Sentence or title to its shipped text."""


def may_name(name: str) -> frozenset[str]:
    """Return the facts that the text of a sentence or title may name."""
    return next((sentence.may_name for sentence in SENTENCES if sentence.name == name), ALWAYS)


def needs_text(name: str) -> bool:
    """Whether the text of a sentence or title cannot be empty: a message needs a title, and to say how bad it is."""
    return name in TITLES or any(sentence.title and sentence.name == name for sentence in SENTENCES)
