"""Nothing that is a card number or a secret comes out; nothing else is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from responder.model.masking import is_card_number, mask, mask_all


def with_check_digit(digits: str) -> str:
    return next(digits + str(n) for n in range(10) if is_card_number(digits + str(n)))


cards = st.text("0123456789", min_size=12, max_size=18).filter(lambda d: len(set(d)) > 1).map(with_check_digit)


@given(cards, st.sampled_from(["", " ", "-"]),
       st.sampled_from(["order {} failed", '{{"pan":"{}"}}', "/pay?card={}&x=1"]))
def test_a_card_number_does_not_come_out(card: str, separator: str, text: str) -> None:
    shown = separator.join(card[i:i + 4] for i in range(0, len(card), 4))
    masked = mask(text.format(shown))
    assert shown not in masked
    assert card not in masked


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
