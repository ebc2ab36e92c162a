"""Where AWS's quotas break: the reckoning of ``bench/quotas.py``, on needs of every size."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.quotas import MOST, ROOT, Need, Quota, asked, deployed, first, fits, layout, quotas, written

AMOUNT = st.floats(0, 1000)
KEYS = [quota.key for quota in quotas()]
NEEDS = st.builds(Need, *(st.dictionaries(st.sampled_from(KEYS), AMOUNT) for _ in range(3)))
QUOTAS = st.sampled_from(quotas())
SHARES = st.floats(0, 1)


def quota(key: str, value: float, per: str = "account") -> Quota:
    return Quota(key, key, value, "deployment" if per == "deployment" else "account", True, "a page", True, "more")


@settings(max_examples=60)
@given(NEEDS, QUOTAS, SHARES, SHARES, st.integers(0, 500), st.integers(0, 500))
def test_more_services_or_more_incidents_never_need_less(need: Need, one: Quota, low: float, high: float, fewer: int,
                                                         more: int) -> None:
    (low, high), (fewer, more) = sorted((low, high)), sorted((fewer, more))
    assert need.of(one.key, fewer, low * fewer) <= need.of(one.key, more, high * more) + 1e-9
    assert fits(one, need, high) <= fits(one, need, low)
    assert fits(one, need, low) <= fits(replace(one, value=2 * one.value), need, low)


@settings(max_examples=60)
@given(NEEDS, QUOTAS, SHARES)
def test_what_fits_holds_and_one_service_more_does_not(need: Need, one: Quota, share: float) -> None:
    count = fits(one, need, share)
    assert count == 0 or need.of(one.key, count, share * count) <= one.room
    assert count == MOST or need.of(one.key, count + 1, share * (count + 1)) > one.room


@settings(max_examples=30)
@given(NEEDS, SHARES)
def test_a_quota_that_a_layout_does_not_name_holds_in_it(need: Need, share: float) -> None:
    known = [one for one in quotas() if one.per == "account" or fits(one, need, share) >= 1]
    found = layout(known, need, 1000, 100, share)
    assert found.services_a_deployment * found.deployments_an_account >= 10
    for one in known:
        if one.per == "account" and one.name not in found.over:
            assert need.of(one.key, 10, share * 10, found.deployments_an_account) <= one.room


def test_a_bucket_gives_what_it_holds_and_what_comes_back_in_a_minute() -> None:
    bucket = replace(quota("states:StartExecution", 2.0), burst=30.0)
    assert bucket.room == 150.0
    assert fits(bucket, Need(incident={bucket.key: 3.0}), 1.0) == 50
    assert fits(bucket, Need(incident={bucket.key: 3.0}), 0.5) == 100
    # Of what is there at once nothing comes back.
    assert fits(quota("roles", 150.0), Need({"roles": 46.0}, {"roles": 2.0}), 1.0) == 52


def test_several_deployments_need_what_is_fixed_each() -> None:
    need = Need({"roles": 46.0, "resources": 300.0}, {"resources": 22.0})
    known = (quota("resources", 500.0, "deployment"), quota("roles", 100.0))
    assert layout(known, need, 20, 1, 0.0).deployments_an_account == 3
    assert layout(known, need, 20, 1, 0.0).over == ("roles",)
    assert layout(known, need, 20, 3, 0.0).over == ()
    assert first({"resources": 9, "roles": 168}) == ("resources", 9)


def test_a_deployment_is_counted_in_its_templates_and_continued_in_a_straight_line() -> None:
    one = json.loads((ROOT / "tests" / "stacks" / "snapshot.json").read_text(encoding="utf-8"))
    rule = {"Type": "AWS::Events::Rule", "Properties": {}}
    two, three = ({**one, "Resources": one["Resources"] | {f"R{number}": rule for number in range(count)}}
                  for count in (2, 4))
    need = deployed([one, two, three])
    assert need.of("resources", 3, 0) == len(one["Resources"]) + 4
    assert need.of("rules", 10, 0) - need.of("rules", 9, 0) == 2
    assert need.service["roles"] == 0 and need.of("roles", 1, 0) == 46


def test_a_policy_has_the_length_that_iam_counts() -> None:
    arn = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":sqs:", {"Ref": "AWS::Region"}, ":q"]]}
    assert written({"Resource": arn}) == '{"Resource":"arn:aws:sqs:us-east-1:q"}'
    assert len(written({"Resource": {"Fn::GetAtt": ["Queue", "Arn"]}})) > 100


def test_recorded_drills_say_what_an_incident_asks() -> None:
    found = asked(ROOT / "tests" / "records" / "calls", 13)
    assert found["states:StartExecution"] >= 1 and found["cloudwatch:GetMetricData"] > 1
    assert found["table_writes"] > found["dynamodb:PutItem"]
    assert found["concurrency"] == 13 and found["kms:"] > 0


def test_each_quota_names_its_page_and_what_is_done_about_it() -> None:
    for one in quotas():
        assert one.value > 0 and one.page and one.answer and (one.is_rate or one.burst is None), one.name
