"""The report's parts that are told in words: severity and cost, what is left, luck, follow-ups, phases, Markdown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from responder.model.incident import Entry
from responder.model.markdown import cell, inline
from responder.model.remedy import Remedy, RemedyStatus
from responder.model.service import Objective, Payment, Reports, Service, SeverityRule, SeverityRules
from responder.plan.review import Notes, Review, review
from responder.plan.review.chapters import chapters
from responder.records.report import render
from tests.conftest import shipped_service
from tests.unit.report.test_review import ANSWER, QUESTION, RECORD, ROLLBACK, with_incident, with_remedies

AT = "2027-01-15T08:01:00.000Z"


def reports(**changed: Any) -> Service:
    return replace(shipped_service(), reports=Reports(**changed))


def told(contents: Review, heading: str) -> tuple[str, ...]:
    return next(one.facts for one in contents.told if one.heading == heading)


# --- severity and cost ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rules", "level"), [
    (SeverityRules((SeverityRule(0.4, at_entry=False),), (), ()), 1),
    (SeverityRules((SeverityRule(0.41),), (SeverityRule(0.4, 0.5),), ()), 2),
    (SeverityRules((SeverityRule(0.4, 1.0),), (SeverityRule(0.4, 0.7),), (SeverityRule(0.01),)), 3),
    (SeverityRules((), (), ()), 4),
    (SeverityRules((SeverityRule(money=25_601.0),), (SeverityRule(money=25_600.0),), ()), 2)])
def test_the_first_rule_whose_limits_are_all_reached_gives_the_severity(rules: SeverityRules, level: int) -> None:
    record = with_incident(suffering=("frontend",))
    contents = review(record, service=reports(severities=rules, payment=Payment(40.0, "EUR")))
    assert contents.severity.level == level, contents.impact


def test_what_customers_did_not_meet_is_less_severe() -> None:
    rule = SeverityRules((SeverityRule(0.1),), (SeverityRule(0.1, at_entry=False),), ())
    for suffering, level in ((("frontend",), 1), ((), 2)):
        assert review(with_incident(suffering=suffering), service=reports(severities=rule)).severity.level == level


def test_a_false_alarm_has_no_severity_and_leaves_nothing_to_do() -> None:
    contents = review(with_remedies(outcome="false_alarm"), service=shipped_service())
    assert contents.severity.level == 0 and contents.left == () and contents.told == ()


def test_budget_and_money_are_said_only_where_the_configuration_gives_what_it_takes() -> None:
    nothing = review(RECORD, service=reports())
    assert (nothing.cost.budget_share, nothing.cost.money) == (None, None)
    page = render(nothing)["html"]
    assert "Error budget" not in page and "Money" not in page
    contents = review(RECORD, service=reports(
        requests="payments", objective=Objective(0.999, 1_000_000.0, 30), payment=Payment(40.0, "EUR")))
    assert contents.cost.budget_share == pytest.approx(640 / 30_000)
    assert contents.cost.money == 640 * 40.0
    for body in (render(contents)["html"], render(contents)["md"]):
        assert "2.1%" in body and "of the budget of 30 days" in body and "about 26,000 EUR" in body


# --- what is left, and luck -------------------------------------------------------------------------------------------


def test_who_must_do_what_is_said_while_it_is_not_over() -> None:
    task = Remedy(1, "engage_network_team", RemedyStatus.DONE, summary="give it to them")
    for remedies, who in (((task,), "Network team"), ((), "Incident commander")):
        contents = review(with_remedies(*remedies, outcome="escalated", escalated_at=AT))
        assert [item.who for item in contents.left if item.what.startswith("End the outage")] == [who]
    assert not [item for item in review(RECORD).left if item.what.startswith("End the outage")]


def test_a_remedy_that_was_not_done_is_left_with_its_command() -> None:
    refused = replace(ROLLBACK, status=RemedyStatus.REJECTED, applied_at=None, verified_at=None,
                      by_hand="kubectl rollout undo deployment/x")
    contents = review(with_remedies(refused, outcome="escalated", escalated_at=AT))
    [item] = [item for item in contents.left if "not done" in item.what]
    assert item.command == "kubectl rollout undo deployment/x"
    assert all("kubectl rollout undo deployment/x" in render(contents)[ending] for ending in ("html", "md"))


@pytest.mark.parametrize(("changed", "who"), [
    ({}, "The responder"), ({"left_to_people_at": AT}, "Incident commander"), ({"restored_at": AT}, "")])
def test_a_temporary_change_is_left_until_it_is_restored(changed: dict[str, Any], who: str) -> None:
    remedy = replace(ROLLBACK, action="scale_up", summary="scale x from 4 to 8 pods", temporary=True, **changed)
    items = [item.who for item in review(with_remedies(remedy)).left if "scale x" in item.what]
    assert items == [who] * bool(who)


def test_an_approval_just_in_time_was_luck() -> None:
    late = replace(ANSWER, at="2027-01-15T08:05:45.000Z")
    approved = replace(ROLLBACK, decided_by="Ada")
    for answer, lucky in ((ANSWER, ()), (late, ("The approval came 20 s before the question expired.",))):
        record = replace(with_remedies(approved), timeline=(QUESTION, answer))
        assert told(review(record), "Where we got lucky") == lucky


def test_where_no_fact_is_known_the_team_is_asked_and_its_answer_takes_the_question_s_place() -> None:
    asked = next(one for one in review(RECORD).told if one.heading == "Trigger")
    assert asked.facts == () and asked.question
    notes = Notes("Ada", AT, "## Trigger\nA batch job.\n\n## Where we got lucky\n\nIt was night.")
    files = render(review(RECORD, notes=notes))
    for body in (files["html"], files["md"]):
        assert "The team: A batch job." in body and "The team: It was night." in body
        assert asked.question not in body


def test_follow_ups_have_their_state_and_people_add_their_own() -> None:
    first = review(RECORD).improvements[0].what
    notes = Notes("Ada", AT, f"- [x] {first}, by Bo\n- [ ] Ask the provider\n* [X] Buy cake\n- no box")
    contents = review(RECORD, notes=notes)
    state = {item.what: item.done for item in contents.follow_ups}
    assert state[first] is True and state["Ask the provider"] is False and state["Buy cake"] is True
    assert len(state) == len(contents.improvements) + 2
    assert "- [x] **" + first[:10] in render(contents)["md"]


# --- the timeline -----------------------------------------------------------------------------------------------------


def test_repeated_looks_are_one_row_and_a_long_reason_stands_once() -> None:
    reason = "because " * 20
    looks = tuple(Entry(f"{n:02d}", 0, f"2027-01-15T08:01:{n:02d}.000Z", "Monitor the recovery", "not yet", reason,
                        kind="decision") for n in range(30, 35))
    other = Entry("40", 0, "2027-01-15T08:01:40.000Z", "Stand down", f"resolved: {reason}", reason, kind="outcome")
    found = chapters(review(replace(RECORD, timeline=(*looks, other))))
    [looked], [closed] = (chapter.rows for chapter in found)
    assert (looked.repeated, looked.after, looked.why) == ("5 times, until 08:01:34", "+0:40", reason)
    assert (closed.what, closed.why) == ("resolved", "")
    assert [chapter.title for chapter in found] == ["Recovery and resolution", "After the incident"]
    assert all(chapter.important for chapter in found)


def test_a_phase_in_which_nothing_was_decided_is_folded_and_whole() -> None:
    entry = Entry("40", 0, AT, "Remind people", "a reminder", kind="notification")
    page = render(review(replace(RECORD, timeline=(entry,))))["html"]
    assert "<details><summary>Initial response" in page and "a reminder" in page


# --- Markdown ---------------------------------------------------------------------------------------------------------


MARKDOWN = MarkdownIt("gfm-like", {"linkify": False})
TRICKY = st.text(st.sampled_from(list("ab1 `*_[]()<>#!|~\\&;:.+-=\"'/x")) | st.characters(
    exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=40)


def shown(tokens: Any) -> str:
    """The text that a reader sees."""
    return "".join(child.content if child.type == "text" else " " if child.type == "softbreak" else f"<{child.type}>"
                   for token in tokens if token.children for child in token.children)


@given(TRICKY)
@example("__0__")
@example("a__b_ _c")
def test_text_in_markdown_shows_as_it_is(text: str) -> None:
    expected = " ".join(text.split())
    for before, made in (("", inline(text)), ("- ", inline(text)), ("> ", inline(text))):
        tokens = MARKDOWN.parse(before + made + "\n")
        assert shown(tokens).strip() == expected, made
        assert {token.type for token in tokens} <= {
            "paragraph_open", "inline", "paragraph_close", "bullet_list_open", "bullet_list_close", "list_item_open",
            "list_item_close", "blockquote_open", "blockquote_close"}, made


@given(TRICKY)
def test_text_in_a_cell_stays_in_it(text: str) -> None:
    tokens = MARKDOWN.parse(f"| a | b |\n|---|---|\n| {cell(text)} | end |\n")
    assert [token.type for token in tokens].count("td_open") == 2
    assert shown(tokens[-8:]).endswith("end")


@pytest.mark.parametrize("plain", [
    "code_bug (bad_release) in payment-gateway: 99% [0.2684]", "a < b, <0.1% & more", "5 * 3 = 15", "x #1! (y) {z}"])
def test_what_means_nothing_in_markdown_is_not_escaped(plain: str) -> None:
    assert inline(plain) == plain


def test_the_point_comes_before_the_rows() -> None:
    text = render(review(RECORD))["md"]
    assert text.index("Is it over?") < 1500
    assert text.index("## Timeline") < text.index("## Requests that failed, per period")
    assert text.index("## Improvement opportunities") < text.index("## Timeline")
