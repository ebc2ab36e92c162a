"""Keys, tokens and passwords that stand in a file where they must not: found by their form, and never printed.

A file of the configuration names secrets of Secrets Manager, and is kept where many read it. What is known by its form
is known from ``responder.model.masking``; here is what only a configuration can say: a field for a secret's name holds
a name, and no other field holds 32 hexadecimal digits alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import yaml

from responder.model.masking import forms, names, secrets, vendors
from stacks.reading.problem import Mistake, Path
from stacks.reading.values import scalars

FIELDS = frozenset({"secret", "api_secret", "signing_secret", "write_secret"})
"""Fields that hold the name of a secret in Secrets Manager; ``database.secret`` among them."""
HIDDEN = "(hidden)"
_VENDORS = (("AKIA", "an AWS access key"), ("ASIA", "an AWS access key"), ("xox", "a token of Slack"),
            ("xapp-", "a token of Slack"), ("hooks.slack.com", "a webhook of Slack"), ("NR", "a key of New Relic"),
            ("gh", "a token of GitHub"), ("github_pat_", "a token of GitHub"), ("glpat-", "a token of GitLab"),
            ("eyJ", "a JSON Web Token"), ("ATATT3", "a token of Atlassian"), ("sk_", "a key of Stripe"),
            ("-----BEGIN", "a private key"), ("AIza", "a key of Google"))
_LAUNCHDARKLY = re.compile(r"(?:api|sdk|mob)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_DIGITS = re.compile(r"[0-9a-fA-F]{24,}")
_WHOLE = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[A-Za-z0-9/+]{40})")
"""MD5's, SHA-1's and SHA-256's length, which keys of vendors have, and that of AWS' secret keys."""
_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:[^:]*:[^:]*:secret:(.+?)(?:-[A-Za-z0-9]{6})?")
_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
"""Secrets Manager API reference: "CreateSecret"."""
_PARTS = re.compile(r"[/_+=.@-]")
_NO_KEY = frozenset({"external_id"})
"""What AWS has customers agree on with each other, and is no secret (IAM: "External ID")."""


@dataclass(frozen=True)
class Secret:
    """Something that must not be shown."""

    path: Path
    line: int
    kind: str
    """What it looks like: ``a token of Slack``."""
    texts: tuple[str, ...]
    """What is hidden in every message."""


def kept_in(text: str, node: yaml.Node | None) -> list[Secret]:
    """Return what of a file looks like a key: values, names of fields, and what stands in comments."""
    found: list[Secret] = []
    lines: set[int] = set()
    for path, scalar in scalars(node):
        value = str(scalar.value)
        kind, texts = _of_value(path, value)
        if kind:
            first, last = scalar.start_mark.line + 1, scalar.end_mark.line + 1
            lines |= set(range(first, last + 1))
            found.append(Secret(path, first, kind, (value, *texts)))
    for start, end in _by_form(text):
        number = text.count("\n", 0, start) + 1
        if number not in lines:
            found.append(Secret((), number, _named(text[start:]), tuple(text[start:end].split("\n"))))
            lines.add(number)
    return found


def _of_value(path: Path, value: str) -> tuple[str, tuple[str, ...]]:
    """Return what a scalar looks like, and its parts that are the key; empty for none."""
    named = () if value.startswith("arn:") else secrets.named(value, set())
    spans = [*_by_form(value), *((start, end) for start, end, _ in named)]
    if spans:
        parts = tuple(value[start:end] for start, end in spans)
        if any(f":{part}@" in value or f"//{part}@" in value for part in parts):
            return "a password in an address", parts
        return _named(value[spans[0][0]:]), parts
    field = path[-1] if path else ""
    if _LAUNCHDARKLY.search(value):
        return "a key of LaunchDarkly", ()
    if field in FIELDS and not value.startswith("arn:") and (
            _UUID.search(value) or _DIGITS.search(value) or "\n" in value or any(
                names.random_looking(part) for part in _PARTS.split(value))):
        return "a key", ()
    if field not in _NO_KEY and _WHOLE.fullmatch(value) and names.random_looking(value):
        return "a key", ()
    if isinstance(field, str) and field not in FIELDS and value != field and _is_for_keys(field):
        return "a key", ()
    return "", ()


def _is_for_keys(name: str) -> bool:
    """Whether a field's name says that a key itself stands there."""
    return names.kind(name) in ("secret", "pass", "authorization") and name not in FIELDS


def _by_form(text: str) -> Iterator[tuple[int, int]]:
    for finder in (forms.addresses, forms.keys, vendors.tokens, _standing):
        yield from ((span[0], span[1]) for span in finder(text))
    yield from (found.span() for found in _LAUNCHDARKLY.finditer(text))


def _standing(text: str) -> Iterator[tuple[int, int, str]]:
    low = text.lower()
    # Of the other schemes' names, prose is full: "Splunk docs/sources.md".
    if "bearer" in low:
        yield from secrets.standing(text, low)


def _named(text: str) -> str:
    return next((what for start, what in _VENDORS if text.startswith(start)), "a key")


def mistakes_of(found: Iterable[Secret]) -> Iterator[Mistake]:
    """Yield a mistake for each."""
    for secret in found:
        field = secret.path[-1] if secret.path else ""
        if field in FIELDS:
            said = "the name of a secret in Secrets Manager, such as incident-response/newrelic"
        elif not secret.path:
            said = "no key in a file, nor in its comments; renew it, because whoever saw the file may have it"
        else:
            said = "no key in a file: keep it in Secrets Manager, and name the secret in the field `secret`"
        yield Mistake(secret.path, f"what looks like {secret.kind} (not shown)", said, secret.line)


def names_of_secrets(node: yaml.Node | None) -> Iterator[Mistake]:
    """Yield fields that should hold the name of a secret, and hold something else that is no key."""
    for path, scalar in scalars(node):
        value = str(scalar.value)
        if not path or path[-1] not in FIELDS or value == path[-1] or not value or scalar.tag.endswith(":null"):
            continue
        arn = _ARN.fullmatch(value)
        if arn:
            yield Mistake(path, f"the ARN of a secret, {value!r}", f"its name alone: {arn[1]}",
                          scalar.start_mark.line + 1)
        elif not _NAME.fullmatch(value):
            yield Mistake(path, repr(value[:80]), "the name of a secret in Secrets Manager: letters, digits and "
                          "/_+=.@-", scalar.start_mark.line + 1)


def hidden(mistake: Mistake, found: Iterable[Secret]) -> Mistake:
    """Return a mistake without any secret in its words."""
    return replace(mistake, found=_without(mistake.found, found), expected=_without(mistake.expected, found),
                   path=tuple(_without(part, found) if isinstance(part, str) else part for part in mistake.path))


def _without(text: str, found: Iterable[Secret]) -> str:
    whole = {part for secret in found for part in secret.texts if len(part) >= 4}
    for part in sorted(whole, key=len, reverse=True):
        text = text.replace(part, HIDDEN)
    return text
