"""Values that no honest sender writes, and documented shapes with some of them in a place where they do not belong."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

Place = tuple[str | int, ...]


def nested(depth: int, inner: Any = 1, *, objects: bool = False) -> Any:
    """Return a value within so many lists, or objects."""
    for _ in range(depth):
        inner = {"a": inner} if objects else [inner]
    return inner


TEXTS = (
    "", " ", "\x00", "\ud800", "x\udfff\ud83d", "\U0001f525", "\u202egnp.exe", "a\u200bb", "\u0661\u0662", "\uff11",
    "\u2028", "\r\nX-More: 1", "\x1b]0;owned\x07\x1b[2J", "<script>alert(1)</script>", "](javascript:alert(1))",
    "<!channel> <@U1>", "' OR '1'='1", '" | delete', "%00%ff%c0%ae", "../../../etc/passwd", "${jndi:ldap://x}",
    "{{7*7}}",
    "NaN", "1e999", "0x1f", "-0", "9" * 400, "x" * 5_000, "2026-02-30T25:61:61Z", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "2026-11-26", "\u0662\u0660\u0662\u0666-01-01")
"""Texts that mean something to somebody: to a terminal, a page, a query, a path, a parser of numbers or of times."""
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 10 ** 12, -10 ** 40, 10 ** 400, 0.5, -0.0, 1e308, float("inf"), float("-inf"),
    float("nan"))
MADE: tuple[Callable[[], Any], ...] = (
    list, dict, lambda: [[]], lambda: [None], lambda: {"": ""}, lambda: {"\ud800": "\ud800"}, lambda: {"$hidden": 1},
    lambda: {"S": "x"}, lambda: nested(120), lambda: nested(300, objects=True), lambda: [1] * 3000)
"""Made anew each time, because a mutation may go on within."""


def odd() -> st.SearchStrategy[Any]:
    """One value that does not belong."""
    return (st.sampled_from(TEXTS) | st.sampled_from(VALUES) | st.sampled_from(MADE).map(lambda make: make())
            | st.text(max_size=20) | st.integers() | st.floats())


def places(value: Any, at: Place = (), depth: int = 12) -> Iterator[Place]:
    """Yield where something stands in plain JSON, from the outside in; of a long list the beginning."""
    yield at
    inner = value.items() if isinstance(value, dict) else enumerate(value[:20]) if isinstance(value, list) else ()
    for key, item in inner if depth else ():
        yield from places(item, (*at, key), depth - 1)


@st.composite
def mutated(draw: st.DrawFn, value: Any, most: int = 2) -> Any:
    """Plain JSON with up to ``most`` values replaced, left out, wrapped in a list, or stood under an odd name."""
    made = {"": copy.deepcopy(value)}
    for _ in range(draw(st.integers(1, most))):
        *way, last = ("", *draw(st.sampled_from(list(places(made[""])))))
        parent: Any = made
        for part in way:
            parent = parent[part]
        match draw(st.sampled_from(("replace", "replace", "replace", "drop", "wrap", "add"))):
            case "drop" if len(way) > 0:
                del parent[last]
            case "wrap":
                parent[last] = [parent[last]]
            case "add" if isinstance(parent[last], dict):
                parent[last][draw(st.sampled_from(TEXTS))] = draw(odd())
            case _:
                parent[last] = draw(odd())
    return made[""]


FUZZ = settings(max_examples=int(os.environ.get("FUZZ_EXAMPLES", "30")), derandomize="FUZZ_EXAMPLES" not in os.environ,
                suppress_health_check=list(HealthCheck))
"""The suite tries the same few each time; ``FUZZ_EXAMPLES=2000`` tries others, which takes minutes."""
