"""New Relic by NerdGraph: applications, attributes of Transactions and spans, and calls from distributed traces.

Formats: New Relic's pages "NerdGraph tutorial: View entity data" (``entitySearch`` with a cursor, 200 a page),
"NerdGraph tutorial: Query your data using NRQL", "NerdGraph usage limits" (errors come with status 200), "NRQL
reference" (FACET leaves out rows whose value is null; ``keyset()``; LIMIT MAX is 5,000).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cli.init.facts import Application, Call, NewRelic
from cli.init.readers import Asked, Known, Reader

_SINCE = "SINCE 1 day ago"
VERSIONS = ("service.version", "version", "tags.version", "appVersion", "release", "entity.version",
            "container.image.tag", "k8s.deployment.version", "tags.service.version")
"""Attributes that may hold the version, the usual first."""
PEERS = ("server.address", "net.peer.name", "peer.hostname", "http.host", "net.host.name", "span.host")
"""Attributes of client spans that may name the host called."""
_URL = "http.url"
_URL_HOST = r"capture(`http.url`, r'[A-Za-z]+://(?:[^/@]*@)?(?P<host>[^/:?#]+).*')"
"""The host of a call of which an agent tells the URL alone."""
_CLIENTS = "span.kind IN ('client', 'CLIENT') OR category IN ('http', 'datastore')"
_MOST_PAGES = 50
_SEARCH = ("query($query: String!, $cursor: String) { actor { entitySearch(query: $query) { count "
           "results(cursor: $cursor) { nextCursor entities { name domain reporting } } } } }")


def read(asked: Asked, known: Known) -> NewRelic:
    """Return what New Relic knows; raises ValueError where it refuses the key or the account."""
    if not asked.newrelic_key:
        raise ValueError("no user key: set NEW_RELIC_API_KEY, or name its secret with --newrelic-secret")
    ask = _Ask(asked, known)
    entities = known.tried("entities", lambda: set(ask.entities()), set())
    fields = [f"filter(count(*), WHERE `{name}` IS NOT NULL) AS f{place}" for place, name in enumerate(VERSIONS)]
    peers = [f"filter(count(*), WHERE `{name}` IS NOT NULL) AS f{place}" for place, name in enumerate((*PEERS, _URL))]
    answers = ask.nrql({
        "transactions": f"SELECT count(*) AS n FROM Transaction FACET appName {_SINCE} LIMIT MAX",
        "spans": f"SELECT count(*) AS n FROM Span FACET entity.name {_SINCE} LIMIT MAX",
        "versions": f"SELECT count(*) AS n, {', '.join(fields)} FROM Transaction {_SINCE}",
        "span_versions": f"SELECT count(*) AS n, {', '.join(fields)} FROM Span {_SINCE}",
        "peers": f"SELECT count(*) AS n, {', '.join(peers)} FROM Span WHERE {_CLIENTS} {_SINCE}",
        "keys": f"SELECT keyset() FROM Transaction {_SINCE}"})
    for alias, why in ask.failed.items():
        known.troubles.append(f"the query of {alias}: {why}")
    requests, spans = _counts(answers.get("transactions")), _counts(answers.get("spans"))
    names = sorted({*requests, *spans, *entities})
    first = (answers.get("versions") or [{}])[0]
    of_spans = (answers.get("span_versions") or [{}])[0]
    peered = (answers.get("peers") or [{}])[0]
    attributes = {name: int(first.get(f"f{place}") or 0) or int(of_spans.get(f"f{place}") or 0)
                  for place, name in enumerate(VERSIONS)}
    attributes |= {name: int(peered.get(f"f{place}") or 0) for place, name in enumerate((*PEERS, _URL))}
    return NewRelic(
        applications=tuple(Application(name, requests.get(name, 0), spans.get(name, 0), name in entities)
                           for name in names),
        attributes=attributes, known_keys=tuple(sorted(_keys(answers.get("keys") or []))),
        measured={"Transaction": int(first.get("n") or 0), "Span": int(of_spans.get("n") or 0),
                  "Client": int(peered.get("n") or 0)},
        calls=tuple(_calls(ask, attributes, known)))


def _calls(ask: _Ask, attributes: Mapping[str, int], known: Known) -> Iterator[Call]:
    """Yield who called which host, by each attribute that client spans have."""
    queries = {}
    for place, name in enumerate((*PEERS, _URL)):
        # A span that has several of them has the same host in each: it counts once.
        unnamed = "".join(f" AND `{other}` IS NULL" for other in PEERS[:place])
        host = _URL_HOST if name == _URL else f"`{name}`"
        if attributes.get(name):
            queries[f"by{place}"] = (f"SELECT count(*) AS n FROM Span WHERE ({_CLIENTS}){unnamed} "
                                     f"FACET entity.name, {host} {_SINCE} LIMIT MAX")
    ask.failed.clear()
    answers = ask.nrql(queries) if queries else {}
    known.troubles.extend(f"calls: {why}" for why in ask.failed.values())
    for rows in answers.values():
        for row in rows:
            facet = row.get("facet")
            if isinstance(facet, list) and len(facet) == 2:
                yield Call(str(facet[0]), str(facet[1]).lower(), int(row.get("n") or 0),
                           "New Relic's spans of the last day")


class _Ask:
    """NerdGraph, asked for one account."""

    def __init__(self, asked: Asked, known: Known) -> None:
        self._asked, self._http = asked, known.http
        self.failed: dict[str, str] = {}
        """Alias to why it alone has no answer."""

    def entities(self) -> Iterator[str]:
        """Yield the names of the account's applications, page by page."""
        cursor: str | None = None
        query = ("domain IN ('APM', 'EXT') AND type IN ('APPLICATION', 'SERVICE') AND "
                 f"accountId = {self._asked.newrelic_account}")
        for _ in range(_MOST_PAGES):
            answer = self._post(_SEARCH, {"query": query, "cursor": cursor})
            found = ((answer.get("actor") or {}).get("entitySearch") or {}).get("results") or {}
            for entity in found.get("entities") or []:
                yield str(entity["name"])
            cursor = found.get("nextCursor")
            if not cursor:
                return

    def nrql(self, queries: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
        """Return each alias' rows; an alias that failed alone is left out and noted."""
        variables = "".join(f", ${alias}: Nrql!" for alias in queries)
        fields = " ".join(f"{alias}: nrql(query: ${alias}, timeout: 60) {{ results }}" for alias in queries)
        answer = self._post(f"query($account: Int!{variables}) {{ actor {{ account(id: $account) {{ {fields} }} }} }}",
                            {"account": self._asked.newrelic_account, **queries})
        account = (answer.get("actor") or {}).get("account")
        if account is None:
            raise ValueError(f"the key may not read the account {self._asked.newrelic_account}")
        return {alias: list(account[alias].get("results") or []) for alias in queries if account.get(alias)}

    def _post(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._http.post(self._asked.newrelic_endpoint, headers={"API-Key": self._asked.newrelic_key},
                                 json={"query": query, "variables": variables})
        if answer.status_code in (401, 403):
            raise ValueError(f"New Relic refused the user key ({answer.status_code})")
        if answer.status_code != 200:
            raise ValueError(f"New Relic answered with status {answer.status_code}")
        try:
            value: dict[str, Any] = answer.json()
        except json.JSONDecodeError as error:
            raise ValueError("New Relic answered no JSON") from error
        for one in value.get("errors") or []:
            path, said = [str(part) for part in one.get("path") or []], str(one.get("message", ""))[:200]
            if len(path) == 3 and path[:2] == ["actor", "account"]:
                self.failed[path[2]] = said
            elif not (value.get("data") or {}).get("actor"):
                raise ValueError(f"New Relic refused the query: {said}")
        return value.get("data") or {}


def _counts(rows: Sequence[Mapping[str, Any]] | None) -> dict[str, int]:
    return {str(row["facet"]): int(row.get("n") or 0) for row in rows or [] if row.get("facet")}


def _keys(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield attribute names: a row for each (``key``), or one row with lists of them (``allKeys``)."""
    for row in rows:
        if "key" in row:
            yield str(row["key"])
        for name in row.get("allKeys") or []:
            yield str(name)


READER = Reader(
    name="newrelic", title="New Relic's applications, attributes and traces", part=NewRelic, read=read,
    rights=("a user key (NRAK-…) of a user who may query the account",),
    applies=lambda asked: bool(asked.newrelic_account),
    without="it was not asked: name the account with --newrelic-account")
