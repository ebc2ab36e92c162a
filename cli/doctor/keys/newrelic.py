"""New Relic's user key. Sources: New Relic's pages "New Relic API keys" and "NerdGraph tutorial: Query your data"."""

from __future__ import annotations

from collections.abc import Iterator

from cli.doctor.keys import Key, Open, Wrong
from responder.clients.failure import CallFailed
from responder.model.service import NewRelic, Service
from responder.sources.newrelic.answer import read
from responder.sources.newrelic.nrql import graphql

_NRQL = {"doctor": "SELECT count(*) AS requests FROM Transaction SINCE 1 minute ago"}
_OTHERS = {"NRII": "an insert key", "NRAA": "an admin key", "NRIQ": "a query key", "NRBR": "a browser key",
           "NRJS": "a browser key"}


def _form(value: str) -> str:
    if value.endswith("NRAL"):
        return "it is a license key (it ends with NRAL), which may only send data; a user key begins with NRAK-"
    for beginning, kind in _OTHERS.items():
        if value.startswith(beginning):
            return f"it is {kind} (it begins with {beginning}); a user key begins with NRAK-"
    return ""


def _trial(settings: NewRelic, open_client: Open, value: str) -> Iterator[Wrong]:
    answer = open_client({"API-Key": value}).json("POST", settings.endpoint, json={
        "query": graphql(_NRQL, False), "variables": {"account": settings.account, **_NRQL}})
    try:
        read(answer, _NRQL)
    except CallFailed as failed:
        if failed.status in ("throttled", "timeout"):
            raise
        yield Wrong(f"New Relic takes the key, but not for account {settings.account}: {failed.note}",
                    "newrelic.account in the configuration, or a key of a user who may query that account")


def keys(service: Service) -> Iterator[Key]:
    """Yield the key of New Relic."""
    if settings := service.newrelic:
        yield Key("New Relic", settings.secret, "newrelic.secret", "a user key (NRAK-…)", _form,
                  lambda open_client, value: _trial(settings, open_client, value), "newrelic")
