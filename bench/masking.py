"""What masking costs, and how often an identifier is taken for a card: on texts and identifiers drawn from a seed."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter

from bench import Benchmark, Outcome, Row
from responder.model.masking import is_card_number, mask
from tests.corpus import harmless

_CHARACTERS = 1_000_000
_EACH = 5_000
"""How many of each kind of identifier in one repeat."""
_POD = {"metadata": {"name": "payment-gateway-7d9f8b6c5d-x2x9z", "uid": "3f2a8c1e-1111-4222-8333-444455556666"},
        "spec": {"containers": [{"name": "app", "image": "r.example/x:1.2.3", "env": [
            {"name": "DB_PASSWORD", "value": "hunter22"}, {"name": "DB_HOST", "value": "db"}]}]}}
_LINE = (
    "2026-11-25T20:00:00Z ERROR order 1234567 trace_id=4bf92f3577b34da6a3ce929d0e0e4736 POST /pay"
    "?amount=12.50&token=abcdef123 took 34 ms from 10.0.0.1\n")
_TEXTS = {"log lines": _LINE, "Kubernetes' JSON": json.dumps(_POD), "digits": "1",
          "digits with blanks": "1 ",
          "card numbers": "4111 1111 1111 1111 ", "quotes": '"', "names without values": "password=",
          "addresses": "a@a."}


def _seconds(text: str, repeats: int) -> float:
    found = []
    for _ in range(repeats):
        began = time.process_time()
        mask(text)
        found.append(time.process_time() - began)
    return statistics.median(found)


def run(repeats: int) -> Outcome:
    """Return the time for a million characters beside that for half of them, and the identifiers that were masked."""
    rows = []
    for name, piece in _TEXTS.items():
        text = (piece * (_CHARACTERS // len(piece) + 1))[:_CHARACTERS]
        rows.append(Row(f"mask 1,000,000 characters: {name}", 1000 * _seconds(text, repeats), "ms", "half of them",
                        1000 * _seconds(text[:_CHARACTERS // 2], repeats), highest_ratio=2.4))
    seen: Counter[str] = Counter()
    wrong = alike = orders = 0
    for seed in range(repeats):
        for kind, text in harmless.identifiers(seed, _EACH):
            seen[kind] += 1
            wrong += mask(text) != text
        for _, number, text in harmless.orders(seed, _EACH):
            orders += 1
            card = is_card_number(number)
            alike += card
            wrong += not card and mask(text) != text
    text = (f"{wrong} of {seen.total() + orders} identifiers were masked ({len(seen)} kinds). Besides, of {orders} "
            f"order numbers of 10 to 19 digits {alike} have the form of a card and are masked as one.")
    return Outcome(rows, text, {"identifiers": seen.total() + orders, "masked": wrong, "orders": orders,
                                "alike": alike})


BENCHMARK = Benchmark("masking: its time, and identifiers taken for cards", run, 3)
