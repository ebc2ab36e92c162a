"""All that a case says of an object, put together: its manifest, its row in lists, its description."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from bench.external.cloud_opsbench import events
from bench.external.cloud_opsbench.ages import iso, moment, now
from bench.external.cloud_opsbench.described import CLUSTER_WIDE, described
from bench.external.cloud_opsbench.listed import kind_of, listed
from bench.external.cloud_opsbench.tables import has_table, is_empty, rows

Object = dict[str, Any]
Key = tuple[str, str, str]
"""Kind, namespace and name."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same, written in C where it is there: ten times as fast."""
_WHOLE = frozenset({"nodeSelector", "labels", "annotations", "selector", "matchLabels", "requests", "limits", "hard",
                    "used", "data", "env", "envFrom", "livenessProbe", "readinessProbe", "startupProbe", "state",
                    "lastState"})
"""Fields that are told whole or not at all: what a later word leaves out is not there."""


def texts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the texts of a value that is a text, or a map of texts, each with its name."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from texts(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, name)


def manifests(text: str, namespace: str) -> Iterator[Object]:
    """Yield the objects of a manifest of several documents; what is no YAML, or no object, is left out."""
    for document in re.split(r"(?m)^---\s*$", text):
        try:
            content = yaml.load(document, Loader=_LOADER)  # noqa: S506 - the safe one, in C
        except yaml.YAMLError:
            continue
        items = content.get("items") if isinstance(content, dict) and "items" in content else [content]
        for item in items if isinstance(items, list) else ():
            if not isinstance(item, dict) or not isinstance(item.get("metadata"), dict) or not item.get("kind"):
                continue
            found = plain(item)
            if found["kind"] not in CLUSTER_WIDE:
                found["metadata"].setdefault("namespace", namespace)
            yield found


def plain(value: Any) -> Any:
    """Return YAML's values as JSON has them: times and dates as texts, keys as texts."""
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if hasattr(value, "isoformat"):
        return iso(moment(value.isoformat()))
    return value


def merged(base: Any, over: Any, key: str = "") -> Any:
    """Return ``base`` with all that ``over`` says; of lists of named things ``over`` tells which there are."""
    if key in _WHOLE:
        return over
    if isinstance(base, dict) and isinstance(over, dict):
        return {name: merged(base[name], over[name], name) if name in base and name in over else
                over.get(name, base.get(name)) for name in {**base, **over}}
    if isinstance(base, list) and isinstance(over, list) and over and all(
            isinstance(one, dict) and "name" in one for one in [*base, *over]):
        known = {one["name"]: one for one in base}
        # A volume of another kind is another volume.
        return [merged(known[one["name"]], one) if one["name"] in known and (
            key != "volumes" or set(one) == set(known[one["name"]])) else one for one in over]
    return over


class Objects:
    """The objects of a case, each once, and its Events."""

    def __init__(self, case: Mapping[str, Any]) -> None:
        """Read a case; ``now`` is the time that its ages are told against, in seconds since 1970."""
        self.namespace = str(case.get("namespace") or "default")
        self._case = case
        self.now = now(moment(case.get("collected")), self._created())
        self.found: dict[Key, Object] = {}
        self.events: dict[tuple[str, ...], Object] = {}
        self.known: set[tuple[str, str]] = set()
        self.live: set[Key] = set()
        """What is there, as a list or a description says; a manifest alone is a wish."""
        for _, text in texts(case.get("yaml") or {}):
            self._manifest(text)
        for kind, namespace, text in self._lists():
            self._list(kind, namespace, text)
        for kind, namespace, name, text in self._descriptions():
            self._describe(kind, namespace, name, text)

    def _sections(self, name: str) -> Iterator[tuple[str, str, Any]]:
        section = self._case.get(name)
        for resource, content in (section.items() if isinstance(section, Mapping) else ()):
            word, _, namespace = str(resource).partition("@")
            yield kind_of(word), namespace or self.namespace, content

    def _lists(self) -> Iterator[tuple[str, str, str]]:
        for kind, namespace, content in self._sections("list"):
            # The wide table tells most and comes last.
            for _, text in sorted(texts(content), key=lambda pair: ("labels", "plain", "wide").index(pair[0])
                                  if pair[0] in ("labels", "plain", "wide") else -1):
                yield kind, namespace, text

    def _descriptions(self) -> Iterator[tuple[str, str, str, str]]:
        for kind, namespace, content in self._sections("describe"):
            for name, text in texts(content):
                parts = re.split(r"(?m)^(?=Name:\s)", text)
                for part in ([text] if len(parts) < 3 else parts[1:]):
                    yield kind, namespace, name, part

    def _created(self) -> Iterator[tuple[float, str]]:
        """Yield times of creation with the ages that lists tell."""
        ages = {(kind, row["NAME"]): row["AGE"] for kind, _, text in self._lists() for row in rows(text)
                if "NAME" in row and "AGE" in row}
        for kind, _, name, text in self._descriptions():
            told = re.search(r"(?m)^(?:Start Time|CreationTimestamp):\s+(\S.*)$", text)
            if told and (kind, name) in ages:
                yield moment(told[1]), ages[kind, name]

    def gone(self) -> set[Key]:
        """Return what a manifest names and a list of all of its kind does not."""
        return {(kind, namespace, name) for kind, namespace, name in self.found if (kind, namespace) in self.known
                and (kind, namespace, name) not in self.live}

    def add(self, item: Object, live: bool = True) -> None:
        """Add what is said of an object to what is known of it."""
        metadata = item["metadata"]
        key = (item["kind"], str(metadata.get("namespace") or ""), str(metadata.get("name") or ""))
        if live:
            self.live.add(key)
        if key in self.found:
            item = merged(self.found[key], item)
        self.found[key] = item

    def _manifest(self, text: str) -> None:
        for item in manifests(text, self.namespace):
            if item["kind"] != "Event":
                self.add(item, live=False)

    def _list(self, kind: str, namespace: str, text: str) -> None:
        if kind == "Event":
            for event in events.listed(text, namespace, self.now):
                self._event(event)
            return
        if kind and (is_empty(text) or has_table(text)):
            self.known.add((kind, "" if kind in CLUSTER_WIDE else namespace))
        for item in listed(kind, namespace, text, self.now):
            self.add(item)

    def _describe(self, kind: str, namespace: str, name: str, text: str) -> None:
        if kind == "Event":
            kind, name = self._named(name)
        item = described(kind, namespace, name, text)
        if item is not None:
            self.add(item)
            name, namespace = item["metadata"]["name"], item["metadata"].get("namespace", "")
        for event in events.described(text, (kind, namespace, name), self.now):
            self._event(event)

    def _named(self, name: str) -> tuple[str, str]:
        """Return the kind and name of an object that Events are told of: ``pod/x``, or a name alone."""
        kind, slash, rest = name.partition("/")
        if slash and kind_of(kind):
            return kind_of(kind), rest
        kinds = [kind for kind, _, known in self.found if known == name and kind in (
            "Pod", "Node", "ReplicaSet", "PersistentVolumeClaim", "StatefulSet", "DaemonSet")]
        return (kinds[0] if kinds else ""), name

    def _event(self, event: Object) -> None:
        about = event["involvedObject"]
        key = (about["kind"], about["namespace"], about["name"], event["reason"], event["message"])
        known = self.events.get(key)
        if known is None or known.get("lastTimestamp", "") < event.get("lastTimestamp", "") or (
                known["count"] < event["count"]):
            self.events[key] = event

    def of(self, *kinds: str) -> list[Object]:
        """Return the objects of these kinds."""
        return [item for (kind, _, _), item in self.found.items() if kind in kinds]
