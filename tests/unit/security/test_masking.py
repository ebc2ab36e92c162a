"""Nothing that is a card number or a secret comes out; nothing else is lost."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from responder.model.masking import is_card_number, mask, mask_all

PREFIXES = {"4": (13, 16, 19), "51": (16,), "2221": (16,), "2720": (16,), "34": (15,), "37": (15,), "6011": (16, 19),
            "36": (14, 16), "3528": (16, 19), "62": (16, 17, 18, 19), "6759": (13, 16, 19), "2200": (16,)}


@st.composite
def issued(draw: st.DrawFn) -> str:
    """A number with an issuer's prefix, the length of its brand and its check digit."""
    prefix = draw(st.sampled_from(sorted(PREFIXES)))
    size = draw(st.sampled_from(PREFIXES[prefix])) - len(prefix) - 1
    digits = prefix + draw(st.text("0123456789", min_size=size, max_size=size))
    return next(digits + str(n) for n in range(10) if is_card_number(digits + str(n)))


cards = issued()


texts = st.sampled_from([
    "order {} failed", '{{"pan":"{}"}}', '{{"pan":{}}}', "/pay?card={}&x=1", "https://shop.example/pay/{}/confirm",
    "https://shop.example/pay?pan={}#done", "card={};exp=12/29", "[{}]", "<pan>{}</pan>", "order 17 {} 3",
    '{{\\"request\\":{{\\"card\\":\\"{}\\"}}}}', "card:{},amount:12.50", "{}\n", "pan%3D{}%26x",
    "200,{},ok", "[1,{}]", "amount 12.50,{}"])


@given(cards, st.sampled_from(["", " ", "-"]), texts)
def test_a_card_number_does_not_come_out(card: str, separator: str, text: str) -> None:
    shown = separator.join(card[i:i + 4] for i in range(0, len(card), 4))
    masked = mask(text.format(shown))
    assert shown not in masked
    assert card not in masked
    assert shown not in json.dumps(mask_all({"detail": [text.format(shown)]}))


@given(st.lists(st.one_of(cards, st.text(max_size=20)), max_size=6))
def test_no_card_number_comes_out_of_several(parts: list[str]) -> None:
    masked = mask(" | ".join(parts))
    for part in parts:
        assert not (part.isascii() and part.isdigit() and is_card_number(part)) or part not in masked


@given(st.text("0123456789", min_size=13, max_size=19).filter(lambda d: not is_card_number(d)))
def test_an_order_number_that_is_no_card_number_stays(number: str) -> None:
    assert number in mask(f"order {number} failed")


def test_secrets_do_not_come_out() -> None:
    text = ('password=hunter22 api_key: "abcdef123456" https://u:topsecret@host/x cvv=123 '
            "Authorization: Bearer abcdefghijklmnop AKIAIOSFODNN7EXAMPLE someone@example.com")
    masked = mask(text)
    for secret in ("hunter22", "abcdef123456", "topsecret", "123 ", "abcdefghijklmnop", "AKIAIOSFODNN7EXAMPLE",
                   "someone@"):
        assert secret not in masked


def test_masking_reaches_into_data() -> None:
    assert mask_all({"a": ["4242424242424242", {"b": "4242 4242 4242 4242"}]}) == {
        "a": ["[card …4242]", {"b": "[card …4242]"}]}


secrets = st.from_regex(r"[A-Za-z0-9_+/.\-]{8,40}", fullmatch=True).filter(
    lambda word: word.lower() != "rejected" and not re.match(r"\d{1,5}/", word))  # which in a URL is a port


@given(secrets, st.sampled_from([
    "password={}", "DB_PASSWORD={} DB_USER=payments", '{{"api_key": "{}"}}', '{{"accessKey":"{}","x":1}}',
    "https://user:{}@host/path", "Authorization: Bearer {}", "/login?token={}&next=1",
    '{{"name":"DB_PASSWORD","value":"{}"}}', '{{\\"name\\":\\"DB_PASSWORD\\",\\"value\\":\\"{}\\"}}']))
def test_a_secret_does_not_come_out_wherever_it_stands(secret: str, text: str) -> None:
    assert secret not in mask(text.format(secret))


@given(secrets)
def test_a_value_under_a_secrets_name_is_masked(secret: str) -> None:
    data = {"env": [{"name": "DB_PASSWORD", "value": secret}, {"name": "DB_HOST", "value": "payments-db"}],
            "data": {"API_KEY": secret, "cvv": 123, "MODE": "live"}}
    masked = mask_all(data)
    assert secret not in json.dumps(masked)
    assert masked["data"] == {"API_KEY": "[masked]", "cvv": "[masked]", "MODE": "live"}
    assert masked["env"][1] == {"name": "DB_HOST", "value": "payments-db"}


def test_a_long_run_of_card_numbers_is_masked_to_its_end() -> None:
    assert "4242 4242" not in mask("4242 4242 4242 4242 " * 3000)


@pytest.mark.parametrize(("text", "secret"), [
    ('{"passphrase": "correct horse battery"}', "horse"), ('{"password":"p4;ss,w0rd&x"}', "w0rd"),
    ("db_password: s3cr,et", "et"), ('{\\"password\\": \\"two words\\"}', "words"),
    ("password='it is; this'", "this"), ('{"secret":"a\\"b c"}', "b c")])
def test_a_secret_is_masked_to_its_end(text: str, secret: str) -> None:
    assert secret not in mask(text)


def test_prose_about_secrets_is_not_masked() -> None:
    for text in ("token: missing", '{"token": "expired", "user": 7}', "password=invalid, order 17"):
        assert mask(text) == text


def test_points_between_groups_hide_nothing_and_a_fraction_is_no_card() -> None:
    assert mask("4111.1111.1111.1111") == "[card …1111]"
    assert mask("0.4111111111111111") == "0.4111111111111111"


@pytest.mark.parametrize("digest", ["4128539890009d0841d1c655ff6790bb74ee0aef", "4971841554494d0905135e3bd09c4485"])
def test_a_digest_that_begins_like_a_card_and_its_track_is_none(digest: str) -> None:
    assert mask(f"commit {digest}") == f"commit {digest}"
    assert "4128539890009" not in mask("4128539890009D2512101000012345?")
