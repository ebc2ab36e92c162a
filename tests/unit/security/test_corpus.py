"""The masking against a corpus of both sides: what must not come out, and what must come out as it went in.

Prints the recall of each kind and the rate of false positives (``pytest -s``).
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from responder.model.masking import is_card_number, mask, mask_all, unkept
from tests.corpus import harmless, leaks


def test_nothing_of_the_corpus_comes_out() -> None:
    seen: Counter[str] = Counter()
    missed: dict[str, list[str]] = {}
    for leak in leaks.every():
        masked = mask(leak.text)
        seen[leak.kind] += 1
        if any(secret in masked for secret in leak.secrets):
            missed.setdefault(leak.kind, []).append(f"{leak.text!r} -> {masked!r}")
        assert mask(masked) == masked or not any(secret in mask(masked) for secret in leak.secrets)
    for kind, count in sorted(seen.items()):
        print(f"{kind}: {100 * (1 - len(missed.get(kind, ())) / count):.1f} % of {count}")
    print(f"all: {sum(seen.values())} texts")
    assert missed == {}
    assert sum(seen.values()) > 1000


def test_nothing_of_the_corpus_comes_out_of_data() -> None:
    for leak in leaks.every():
        told = json.dumps(mask_all({"detail": [leak.text]}), ensure_ascii=False)
        assert not any(json.dumps(secret, ensure_ascii=False)[1:-1] in told for secret in leak.secrets), leak
        assert unkept({"detail": [leak.text]}) == [["detail", 0]], leak


def test_text_without_card_or_secret_stays_unchanged() -> None:
    seen: Counter[str] = Counter()
    changed = []
    for kind, text in harmless.every():
        seen[kind] += 1
        if mask(text) != text:
            changed.append(f"{kind}: {text!r} -> {mask(text)!r}")
    print(f"false positives: {len(changed)} of {sum(seen.values())} ({dict(seen)})")
    assert changed == []


def test_an_order_number_is_masked_only_if_it_looks_like_a_card_number() -> None:
    """One with an issuer's prefix, the brand's length and a valid check digit; such are counted apart."""
    count = alike = 0
    for _, number, text in harmless.orders(16, 2000):
        count += 1
        if is_card_number(number):
            alike += 1
        else:
            assert mask(text) == text
    print(f"of {count} order numbers {alike} have the form of a card")
    assert alike < count / 20


def test_a_card_that_is_a_number_in_data_does_not_come_out() -> None:
    for pans in leaks.PANS.values():
        for pan in pans:
            for value in (int(pan), pan) + ((float(pan),) if len(pan) <= 16 else ()):
                told: Any = mask_all({"reference": value, "list": [value]})
                assert told == {"reference": f"[card …{pan[-4:]}]", "list": [f"[card …{pan[-4:]}]"]}


def test_identifiers_and_quantities_in_data_stay() -> None:
    """What has the form of a card and the name of another thing is that other thing."""
    data = {"span_id": "4111111111111111", "traceId": 4111111111111111, "resourceVersion": "4111111111111111",
            "metadata": {"uid": "4111111111111111", "generation": 4111111111111111}, "memory_bytes": 4222222222222,
            "timestamp": 4222222222222, "at": 1732490000123, "n": 4111111111111112, "flag": True, "none": None,
            "rate": 0.4111111111111111}
    assert mask_all(data) == data
    assert unkept(data) == []
