"""What is shown, what is hidden and what is exact: three forms that cannot be taken for one another."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from responder.clients import aws, marks
from responder.model.change import Change, FieldChange
from responder.model.masking import mask, mask_all, unkept
from responder.model.redact import harmless, redacted_diff, redacted_json
from responder.model.shown import HIDDEN, NotExact, Shown, differ, exact, hidden_path, hide, is_hidden, shown, untold
from responder.model.watched import Watched, snapshot_of
from responder.plan.changes import compare, difference

AFTER = {"DB_PASSWORD": "hunter23", "NOTE": "card 4242 4242 4242 4242", "URL": "postgres://u:another@h/x",
         "MERCHANT_ID": "4242424242424242"}
KEY, OTHER = b"k" * 32, b"o" * 32
SECRETS = {"DB_PASSWORD": "hunter22", "NOTE": "card 4111 1111 1111 1111", "URL": "postgres://u:secret@h/x",
           "MERCHANT_ID": "4111111111111111"}
JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(
                        list(SECRETS.values())),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.text(max_size=5) | st.sampled_from(["password", "name", "value"]), inner, max_size=3),
                    max_leaves=12)


@given(JSON)
def test_a_hidden_value_holds_no_secret_and_is_stable(value: Any) -> None:
    hidden = hide(value, KEY)
    assert unkept(value) == [] or hidden_path(hidden) is not None
    assert hide(hidden, KEY) == hidden
    assert mask_all(hidden) == hidden
    assert json.loads(json.dumps(hidden)) == hidden
    if unkept(value) == []:
        assert hidden == value
        assert exact(json.loads(json.dumps(value))) == value


@given(JSON)
def test_an_unchanged_value_is_not_reported_as_changed(value: Any) -> None:
    """A value that is hidden and the same is the same, by whatever key."""
    for one, other in ((KEY, KEY), (KEY, OTHER), (None, None), (KEY, None)):
        assert list(compare(hide(value, one), hide(value, other))) == []


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_hidden_value_that_changed_is_seen_to_have_changed_and_not_to_what(name: str) -> None:
    before, after = {name: SECRETS[name]}, {name: AFTER[name]}
    one, other = hide(before, KEY), hide(after, KEY)
    assert one[name].keys() == {HIDDEN} and differ(one[name], other[name])
    assert one != hide(before, OTHER) and not differ(one[name], hide(before, OTHER)[name])
    assert untold(one[name], hide(before, OTHER)[name]) and untold(hide(before, None)[name], hide(after, None)[name])
    assert len(one[name][HIDDEN].partition(".")[2]) * 4 >= 64
    assert SECRETS[name] not in json.dumps(one)


def test_a_four_digit_code_cannot_be_tried_out_without_the_key() -> None:
    value = hide({"pin": "4831"}, KEY)["pin"][HIDDEN]
    tried = {hide({"pin": f"{code:04d}"}, OTHER)["pin"][HIDDEN] for code in range(10_000)}
    assert value not in tried
    assert value == hide({"pin": "4831"}, KEY)["pin"][HIDDEN]


def test_the_marks_of_older_ledgers_are_hidden_values() -> None:
    for old in ("[masked]", "[masked a99f]", "[card …1111]", "postgres://u:[masked]@h/x", "[masked e-mail]"):
        assert is_hidden(old)
        with pytest.raises(NotExact):
            exact({"data": {"A": [old]}})
        assert list(compare({"A": old}, {"A": hide("4111111111111111", KEY)})) == []
        assert list(compare({"A": old}, {"A": "4111-x"})) == []


def test_a_display_text_cannot_be_applied() -> None:
    said = shown("card 4111111111111111")
    assert (str(said), said.text) == ("card [card …1111]",) * 2
    with pytest.raises(TypeError):
        Shown("4111111111111111", None)
    with pytest.raises(TypeError):
        json.dumps({"value": said})
    with pytest.raises(NotExact) as failed:
        exact({"data": {"A": said}})
    assert failed.value.path == ["data", "A"]


def test_a_change_with_hidden_values_is_reported_as_a_change() -> None:
    def item(secret: str, written: float) -> dict[str, Watched]:
        return snapshot_of(Watched("ConfigMap", "c", hide({"data": {"PASSWORD": secret}}, None), written=written))

    change, = difference(item("one1", 10.0), item("two2", 150.0), 100.0, 160.0)
    assert "cannot be told" in change.sentence()
    assert difference(item("one1", 10.0), item("one1", 10.0), 100.0, 160.0) == []


# --- what is told of a change ---------------------------------------------------------------------------------------

ENV = ("template", "spec", "containers", "c", "env")


@pytest.mark.parametrize(("name", "value", "told"), [
    ("DB_HOST", "payments-db.payments.svc", True), ("DB_PORT", "5432", True), ("RETRIES", "3", True),
    ("TIMEOUT", "30s", True), ("MEMORY", "512Mi", True), ("FEATURE_X", "true", True), ("LOG_LEVEL", "debug", True),
    ("API_URL", "https://api.example:8443", True), ("IMAGE", "r.example/x:1.2", True),
    ("STRIPE_KEY", "sk_live_51H8abcdefgh", False), ("DB_PWD", "12345", False), ("SIGNING_KEY", "abc", False),
    ("GREETING", "hunter", False), ("PHRASE", "correct-horse", False), ("MERCHANT_ID", "123456789012", False),
    ("HOOK_URL", "https://hooks.example/T0/B0/abcdef", False), ("DB_URL", "postgres://u:p@h/x", False),
    ("API_HOST", "aB3dE5gH7jK9mN1pQ3", False), ("PIN", "4831", False), ("CVV", "123", False), ("TOKEN", "1", False)])
def test_a_variables_value_is_shown_only_where_it_is_harmless_beyond_doubt(name: str, value: str, told: bool) -> None:
    assert harmless((*ENV, name, "value"), value) is told
    assert harmless(("data", name), value) is told
    for before, after in ((value, "?!"), ("?!", value), (value, None)):
        env = [[{"name": name, "value": side}] if side else [] for side in (before, after)]
        diff = redacted_diff({"env": env[0]}, {"env": env[1]})
        assert isinstance(diff, Shown)
        assert value not in diff.text or (told and after is None)
        assert name in diff.text
    field = FieldChange(("data", name), value, "?!")
    change = Change("ConfigMap", "c", "changed", 1.0, 1.0, "", (field,))
    assert (f": {value} became" in change.sentence()) is told


def test_the_configuration_can_allow_names_and_what_is_secret_by_its_form_stays_hidden() -> None:
    before, after = {"data": {"GREETING": "hello", "OTHER": "a b"}}, {"data": {"GREETING": "hi", "OTHER": "c d"}}
    told = redacted_diff(before, after, ["GREET*"]).text
    assert '+ data.GREETING: "hi"' in told and "~ data.OTHER changed (not shown)" in told
    assert "sk_live" not in redacted_diff({}, {"data": {"GREETING": "sk_live_51H8abcdefgh"}}, ["*"]).text


def test_words_of_kubernetes_are_shown() -> None:
    told = redacted_diff({"replicas": 3, "strategy": {"type": "RollingUpdate"}, "image": "r/x:1"},
                         {"replicas": 1, "strategy": {"type": "Recreate"}, "image": "r/x:2"}).text
    for part in ("+ replicas: 1", '+ strategy.type: "Recreate"', '- image: "r/x:1"'):
        assert part in told


# --- answers --------------------------------------------------------------------------------------------------------

POD = {"kind": "PodList", "items": [{
    "metadata": {"name": "p", "annotations": {
        "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"env": [{"name": "A", "value": "Zebra-1"}]})}},
    "spec": {"containers": [{"name": "c", "image": "r/x:1.2.3", "args": ["--greeting", "Zebra-2"], "env": [
        {"name": "GREETING", "value": "Zebra-3"}, {"value": "Zebra-4", "name": "STRIPE_KEY"},
        {"name": "DB_HOST", "value": "payments-db"}, {"name": "FROM", "valueFrom": {
            "secretKeyRef": {"name": "s"}}}]}]}}]}
CONFIG = {"kind": "ConfigMap", "data": {"A": "Zebra-5", "PORT": "8080", "B": 'a "quoted" Zebra-6\n'}, "binaryData": {
    "C": "WmVicmEtNw=="}, "metadata": {"name": "settings"}}
FUNCTION = {"Environment": {"Variables": {"A": "Zebra-8", "PORT": "8080"}}, "environment": [
    {"name": "A", "value": "Zebra-9"}], "FunctionName": "responder"}


@pytest.mark.parametrize("answer", [POD, CONFIG, FUNCTION])
@pytest.mark.parametrize("indent", [None, 1])
def test_an_answer_has_no_values_of_variables_however_it_is_cut(answer: dict[str, Any], indent: int | None) -> None:
    text = json.dumps(answer, indent=indent)
    told = redacted_json(text)
    assert "Zebra" not in told and "WmVi" not in told
    json.loads(told)
    for word in ("payments-db", "8080", "settings", "r/x:1.2.3", "secretKeyRef", "responder"):
        assert (word in told) == (word in text)
    for end in range(len(text)):
        # Of a value that the cut goes through, the beginning must not come out either.
        assert "Zebr" not in mask(redacted_json(text[:end])).replace(" Zebra", "")


def test_text_that_is_no_json_stays_unchanged() -> None:
    for text in ("plain text: a, b", "", '{"data": {"actor": {"name": "x"}}}', "[1, 2", '"', "a\\"):
        assert redacted_json(text) == text


# --- the key --------------------------------------------------------------------------------------------------------

@mock_aws
def test_the_key_is_the_deployments_and_its_lack_leaves_marks_without_content(monkeypatch: pytest.MonkeyPatch) -> None:
    aws.made.cache_clear()
    monkeypatch.delenv(marks.VARIABLE, raising=False)
    assert marks.key() is None
    monkeypatch.setenv(marks.VARIABLE, "no-such-secret")
    assert marks.key() is None
    boto3.client("secretsmanager").create_secret(Name="marks", SecretString="k" * 40)
    boto3.client("secretsmanager").create_secret(Name="short", SecretString="k")
    monkeypatch.setenv(marks.VARIABLE, "marks")
    assert marks.key() == b"k" * 40
    monkeypatch.setenv(marks.VARIABLE, "short")
    assert marks.key() is None
    assert hide({"password": "x1"}, None) == {"password": {HIDDEN: ""}}
    aws.made.cache_clear()
