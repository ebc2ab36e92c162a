"""What customers are told: only what the record has at that moment, what is new, and what is kept."""

from __future__ import annotations

import string
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model.incident import IncidentRecord
from responder.model.moment import epoch, seconds
from responder.model.remedy import RemedyStatus
from responder.model.service import Customers, Language, Service
from responder.plan import customers
from responder.plan.customers.facts import Facts, facts
from responder.plan.customers.sentences import SENTENCES, TEXTS, TITLES, may_name
from responder.plan.updates import update
from tests.conftest import shipped_service
from tests.moments import RECORDS, cut, moments, recorded

AT = 1_764_078_600.0
"""13:50 UTC."""
INTERNALS = ("gateway", "backend", "frontend", "database", "kubernetes", "pod", "primary", "fallback", "rollback",
             "release", "aws", "incident", "error rate", "http")
known_facts = st.builds(
    Facts, at=st.just(AT + 600), lasts=st.booleans(), over=st.booleans(), closed=st.booleans(),
    extent=st.sampled_from(["all", "most", "some", "hardly", "slow", ""]), since=st.just(AT), until=st.just(AT + 30),
    more_by=st.none() | st.just(AT + 1800), told=st.none() | st.sets(st.sampled_from(sorted(TEXTS))).map(frozenset),
    nothing_new=st.just(False)).filter(lambda known: not (known.lasts and known.over))


def lasting(**more: object) -> Facts:
    return replace(Facts(AT + 40, True, False, False, "some", AT + 5, AT + 40, payments=True),
                   **more)  # type: ignore[arg-type]  # fields of Facts, by name


def told(known: Facts, service: Service | None = None, allowed: Iterable[str] | None = None) -> customers.Told:
    found = customers.message(service or shipped_service(), known, allowed if allowed is None else frozenset(allowed))
    assert found is not None
    return found


def over(**more: object) -> Facts:
    return lasting(lasts=False, over=True, **more)


# --- each sentence has its facts on record at that moment ------------------------------------------------------------


def failed_share(record: IncidentRecord, service: Service, since: float, until: float) -> list[tuple[float, float]]:
    """Requests and failures at the entry by source, from the findings on record as they were written."""
    rows: dict[tuple[str, float], tuple[float, float]] = {}
    for look in record.looked:
        for finding in (item.to_json() for item in look.findings):
            if finding["name"] == "error_rate" and finding.get("component") == service.entry:
                for start, requests, errors, *_ in finding.get("detail", {}).get("series", ()):
                    if since <= start < until:
                        rows[look.source, start] = (requests, errors)
    sources = {source for source, _ in rows}
    return [tuple(map(sum, zip(*(value for (mine, _), value in rows.items() if mine == source), strict=True)))
            for source in sorted(sources)]  # type: ignore[misc]  # each is a pair: requests and failures


def unfounded(record: IncidentRecord, service: Service, said: Iterable[str], known: Facts) -> set[str]:
    """The sentences whose facts the record has not, read from it by another way than the sentences' conditions."""
    incident = record.incident
    lasts = incident.confirmed is True and incident.recovery_verified_at is None
    gone = incident.recovery_verified_at is not None
    by_action = {remedy.action: remedy for remedy in record.remedies}
    switch = by_action.get("switch_provider")
    others = [remedy for remedy in record.remedies if remedy.action not in (
        "switch_provider", "inform_customers", "inform_provider", "engage_network_team")]
    shares = [errors / requests for requests, errors in failed_share(record, service, known.since, known.until)
              if requests >= service.confirm.minimum_requests]
    cause = incident.cause.id if incident.cause else ""
    all_of, most_of = [share >= 0.98 for share in shares], [share > 0.5 for share in shares]
    silent = incident.kind == "loss_of_connectivity"
    truth = {
        "all_fail": lasts and (all(all_of) if shares else silent), "all_failed": gone and (
            all(all_of) if shares else silent),
        "most_fail": lasts and bool(shares) and all(most_of), "most_failed": gone and bool(shares) and all(most_of),
        "some_fail": lasts and any(shares), "some_failed": gone and any(shares),
        "hardly_any": lasts and silent, "hardly_any_came": gone and silent,
        "slow": lasts and incident.kind == "degraded_latency", "were_slow": gone and incident.kind ==
        "degraded_latency", "problems": lasts, "had_problems": gone, "again": lasts, "works_again": gone,
        "provider": cause == "provider_outage", "watching": cause == "provider_outage" and lasts,
        "found": cause not in ("", "unknown", "none"), "looking": lasts and cause in ("", "unknown", "none"),
        "switching": switch is not None and switch.applied_at is not None and switch.verified_at is None,
        "switched": switch is not None and switch.verified_at is not None and gone,
        "changing": any(remedy.applied_at and not remedy.verified_at for remedy in others),
        "solved_in_part": lasts and any(remedy.verified_at for remedy in (*others, *([switch] if switch else []))),
        "in_vain": any(remedy.applied_at and not remedy.verified_at for remedy in record.remedies),
        "entry_works": not any(shares) or min(shares) < 0.5, "always_works": True,
        "with_breaks": gone and sum(entry.step == "Monitor the recovery" and entry.what == "recovered"
                                    for entry in record.timeline) > 1,
        "unsure": "payment" in service.description or "payment" in service.service,
        "with_people": incident.escalated_at is not None and incident.status == "closed",
        "no_end_known": not gone and incident.status == "closed", "sorry": gone, "more": known.more_by is not None,
        "nothing_new": known.told is not None}
    return {name for name in said if not truth[name]}


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_no_sentence_is_sent_whose_fact_is_not_on_record_at_that_moment(path: Path) -> None:
    service, record = recorded(path)
    last: frozenset[str] | None = None
    for entry, before in moments(record):
        moment = entry.at
        known = replace(facts(service, before, seconds(moment), seconds(moment) + 1800), told=last)
        found = customers.message(service, known)
        if found is None:
            assert not known.lasts and not known.over
            continue
        assert unfounded(before, service, found.said, known) == set(), (moment, found.text)
        assert not [word for word in INTERNALS if word in found.text.lower()]
        last = frozenset(found.said)


@given(known_facts)
def test_a_message_says_once_how_bad_it_is_and_names_no_fact_that_is_not_there(known: Facts) -> None:
    found = customers.message(shipped_service(), known)
    assert (found is None) == (not known.lasts and not known.over)
    if found:
        how_bad = [sentence for sentence in SENTENCES if sentence.title and sentence.name in found.said]
        assert len(how_bad) == 1 and how_bad[0].title in TITLES
        assert "{" not in found.text + found.subject and "  " not in found.text
        assert ("We will say more" in found.text) == (found.more_by is not None)
        assert found.more_by is None or (known.lasts and not known.closed)
        assert (found.phase == "resolved") == ("They work again." in found.text) == known.over


def test_every_shipped_text_names_only_the_facts_that_its_sentence_has() -> None:
    for name, text in TEXTS.items():
        assert {fact for _, fact, _, _ in string.Formatter().parse(text) if fact} <= may_name(name)


# --- what is said ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("known", "text"), [
    (lasting(extent="all"), "Card payments have not been possible since 13:50 UTC."),
    (lasting(extent="most"), "Since 13:50 UTC most card payments have been failing."),
    (lasting(), "Since 13:50 UTC some card payments have been failing."),
    (lasting(extent="slow"), "Card payments have been slow since 13:50 UTC."),
    (over(), "Between 13:50 and 13:51 UTC some card payments failed. They work again."),
    (over(since=AT, until=AT), "Between 13:50 and 13:51 UTC some card payments failed. They work again."),
    (over(since=AT - 86_400), "Between 2025-11-24 13:50 and 13:51 UTC some card payments failed. They work again."),
    (over(breaks=True), "Between 13:50 and 13:51 UTC some card payments failed. In between they worked for a while. "
                        "They work again.")])
def test_customers_read_how_bad_it_is_and_when(known: Facts, text: str) -> None:
    assert told(known).text.startswith(text)


def test_a_switch_is_spoken_of_when_it_is_made_and_praised_when_it_is_verified() -> None:
    for known in (lasting(), lasting(by_provider=True, cause_known=True), over()):
        assert "second provider" not in told(known).text
    made = told(lasting(switching=True))
    assert "switched to our second provider and are checking" in made.text and "try again." in made.text
    assert "Please try again." not in made.text and made.phase == "monitoring"
    assert "now go through our second provider. Please try again." in told(over(switched=True)).text


def test_nothing_is_said_of_what_works_or_of_money_that_nobody_checked() -> None:
    quiet = replace(shipped_service(), customers=Customers("card payments"))
    for known in (lasting(), lasting(entry_well=True), over()):
        assert not [word for word in ("taken", "basket", "rowsing") if word in told(known, quiet).text]
    assert "Browsing the shop works as usual." in told(lasting(entry_well=True)).text
    assert "Browsing" not in told(lasting()).text
    assured = replace(quiet, customers=Customers("card payments", {"always_works": "The app works."}))
    assert "The app works." in told(lasting(), assured).text and "The app" not in told(over(), assured).text


@pytest.mark.parametrize(("name", "description", "called"), [
    ("payment-gateway", "", "payments"), ("checkout", "Takes card payments.", "payments"),
    ("search", "Finds goods.", "requests to our service")])
def test_the_service_is_called_by_what_its_own_words_say(name: str, description: str, called: str) -> None:
    service = replace(shipped_service(), service=name, description=description, customers=Customers())
    assert f"some {called} have been failing" in told(lasting(payments=False), service).text


def test_languages_follow_one_another_in_one_message() -> None:
    german = Language("de", "Kartenzahlungen", {
        "some_fail": "Seit {since} {zone} schlagen einige {name} fehl.", "looking": "Wir suchen die Ursache.",
        "more": "Mehr sagen wir bis {more_by} {zone}."})
    service = replace(shipped_service(), customers=Customers("card payments", {"unsure": ""}, languages=(german,)))
    found = told(lasting(more_by=AT + 1800), service)
    assert found.text == (
        "Since 13:50 UTC some card payments have been failing. We are looking for the cause. We will say more by "
        "14:20 UTC.\n\nSeit 13:50 UTC schlagen einige Kartenzahlungen fehl. Wir suchen die Ursache. Mehr sagen wir bis "
        "14:20 UTC.")
    assert found.subject == "Card payments: some are failing"


def test_an_update_says_what_is_new_or_that_nothing_is() -> None:
    first = told(lasting(more_by=AT + 1800))
    again = told(lasting(more_by=AT + 3600, told=frozenset(first.said)))
    assert not again.is_news and again.text.startswith("There is nothing new yet.")
    changed = told(lasting(more_by=AT + 3600, told=frozenset(first.said), changing=True))
    assert changed.is_news and "nothing new" not in changed.text
    vain = told(lasting(told=frozenset(changed.said), in_vain=True))
    assert vain.is_news and "did not help" in vain.text


def test_after_a_relapse_customers_hear_first_that_it_is_back() -> None:
    ended = told(over())
    back = told(lasting(told=frozenset(ended.said)))
    assert back.is_news and back.text.startswith("The problem that we had reported as over is back.")
    assert "is back" not in told(lasting(told=frozenset(back.said))).text


def test_work_that_ends_before_the_outage_promises_nothing() -> None:
    found = told(lasting(closed=True, with_people=True, more_by=AT + 1800))
    assert "Our engineers are working on it. We cannot say yet when it will be over." in found.text
    assert found.more_by is None and "looking" not in found.text


def test_only_what_people_approved_is_sent_and_of_that_only_what_is_still_so() -> None:
    known = lasting(extent="most", more_by=AT + 1800)
    approved = told(replace(known, more_by=None)).said
    # The switch was made while people were asked: they did not approve a sentence about it.
    later = told(replace(known, switching=True), allowed=approved)
    assert "second provider" not in later.text and "most card payments" in later.text
    assert later.more_by == AT + 1800
    # It is less bad by now: the weakest sentence is true all the same.
    less = told(replace(known, extent="some"), allowed=approved)
    assert "There have been problems with card payments since 13:50 UTC." in less.text
    assert less.subject == "Problems with card payments" and "most" not in less.text


# --- what the record says --------------------------------------------------------------------------------------------


def of(name: str) -> tuple[Service, IncidentRecord]:
    return recorded(next(path for path in RECORDS if path.name == f"{name}.json.gz"))


def test_the_switch_that_a_drill_never_made_is_not_spoken_of() -> None:
    """Customers were once told in five drills that payments go another way, where nothing was switched."""
    for name in ("control-plane-and-provider", "provider-errors-switch-off", "providers-both-out",
                 "the-other-provider-is-slower-still"):
        service, record = of(name)
        for entry, then in moments(record):
            known = facts(service, then, seconds(entry.at))
            assert not known.switching and not known.switched


def test_a_switch_that_is_not_yet_verified_is_only_checked() -> None:
    service, record = of("provider-outage")
    told_at = next(entry.at for entry in record.timeline if entry.what.startswith("customers were told:"))
    known = facts(service, cut(record, told_at), seconds(told_at))
    assert known.switching and not known.switched and known.by_provider
    last = facts(service, record, epoch(record.incident.closed_at) or 0.0)
    assert last.switched and last.over and not last.switching
    undone = replace(record, remedies=tuple(replace(
        remedy, status=RemedyStatus.REVERTED if remedy.action == "switch_provider" else remedy.status)
        for remedy in record.remedies))
    assert not facts(service, undone, seconds(told_at)).switched


def test_an_old_look_does_not_say_that_the_entry_is_healthy_now() -> None:
    service, record = of("alarm-storm")
    written = sorted(seconds(entry.at) for entry in record.timeline)
    well = [at for at in written if facts(service, record, at).entry_well]
    assert well and not facts(service, record, well[-1] + 600).entry_well


def test_times_are_of_the_teams_zone_where_one_is_configured() -> None:
    service, record = of("provider-outage")
    local = replace(service, reports=replace(service.reports, time_zone="Asia/Tokyo"))
    known = facts(service, record, epoch(record.incident.closed_at) or 0.0)
    began = datetime.fromtimestamp(known.since, UTC)
    assert f"{began:%H:%M} and" in told(known, service).text and "UTC" in told(known, service).text
    there = told(known, local).text
    assert f"{began + timedelta(hours=9):%H:%M} and" in there and "JST" in there and "UTC" not in there
    assert "JST)" in update(local, record).what and "JST" not in update(service, record).what
