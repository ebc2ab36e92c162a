"""Secrets Manager: names of secrets, never a value. Format: "ListSecrets" (100 a page)."""

from __future__ import annotations

from cli.init.facts import Secrets
from cli.init.readers import Asked, Known, Reader, pages


def read(asked: Asked, known: Known) -> Secrets:
    """Return the names of all secrets of the account and Region."""
    found = pages(known.session.client("secretsmanager"), "list_secrets", "SecretList")
    return Secrets(tuple(sorted(one["Name"] for one in found)))


READER = Reader(name="secrets", title="names of secrets", part=Secrets, read=read,
                rights=("secretsmanager:ListSecrets (names alone)",))
