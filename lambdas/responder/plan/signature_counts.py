"""Error lines that are alike but for times, numbers and ids, counted together while they stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from responder.model.evidence import Detail, Finding
from responder.model.evidence.by_pod import ByPod, OfPod
from responder.model.evidence.error_signatures import ErrorSignatures, Signature
from responder.model.service import Service
from responder.plan.log_lines import Said, Signatures

_SIGNATURES = 25
_VERSIONS = 20
_PODS = 100


@dataclass
class _Group:
    """Like lines of one component."""

    count: float = 0.0
    first: float | None = None
    versions: Counter[str] = field(default_factory=Counter)
    pods: Counter[str] = field(default_factory=Counter)


class SignatureCounts:
    """Lines of one stretch of time, whatever system keeps them."""

    def __init__(self, service: Service) -> None:
        self._groups: dict[tuple[str, Said], _Group] = {}
        self._of = {component.name: Signatures(_Callees(service, component.name)) for component in service.components}
        self._of_others = Signatures()
        self._names = {component.name.casefold(): component.name for component in service.components}

    def add(self, component: str, line: str, moment: float | None, version: str = "", pod: str = "",
            count: float = 1.0) -> None:
        """Count a line; ``moment`` is seconds since 1970 (UTC)."""
        name = self._names.get(component.casefold(), component)
        group = self._groups.setdefault((name, self._of.get(name, self._of_others).of(line)), _Group())
        group.count += count
        if moment is not None:
            group.first = moment if group.first is None else min(group.first, moment)
        group.versions[version] += int(count)
        group.pods[pod] += int(count)

    def by_pod(self, component: str) -> ByPod:
        """Return a component's lines by the pod that wrote them; none where the lines do not name it."""
        found: Counter[str] = Counter()
        for (name, _), group in self._groups.items():
            if name == component:
                found.update(group.pods)
        found.pop("", None)
        return ByPod({pod: OfPod(0.0, float(count)) for pod, count in found.most_common(_PODS)})

    @property
    def components(self) -> tuple[str, ...]:
        """The service's components."""
        return tuple(self._of)

    @property
    def lines(self) -> float:
        """All lines."""
        return sum(group.count for group in self._groups.values())

    @property
    def left_out(self) -> int | None:
        """How many signatures ``detail`` has no room for; None: all are there."""
        return max(0, len(self._groups) - _SIGNATURES) or None

    def detail(self, usual: SignatureCounts, scale: float) -> ErrorSignatures:
        """Return the most frequent ones; ``scale`` is the window's length as a share of that of ``usual``."""
        before: Mapping[tuple[str, Said], _Group] = usual._groups
        ordered = sorted(self._groups.items(), key=lambda item: (-item[1].count, item[0]))
        return ErrorSignatures(signatures=tuple(
            Signature(text=said.text, cause=said.cause, component=component, count=group.count, first=group.first,
                      versions=dict(group.versions.most_common(_VERSIONS)), pods=len(group.pods),
                      usual=round(scale * before.get((component, said), _Group()).count, 2))
            for (component, said), group in ordered[:_SIGNATURES]))


def by_pod(signed: Finding[ErrorSignatures], counts: SignatureCounts) -> list[Finding[Detail]]:
    """Return ``by_pod`` of each component whose error lines name their pods, from the same answer as ``signed``."""
    found = [(name, counts.by_pod(name)) for name in counts.components]
    return [Finding(source=signed.source, status=signed.status, component=name, window=signed.window,
                    query=signed.query, note=signed.note, link=signed.link, unit="pods", value=float(len(detail.pods)),
                    detail=detail) for name, detail in found if detail.pods]


class _Callees:
    """Whether a word is the host of what a component calls: another component, the database or a provider."""

    def __init__(self, service: Service, component: str) -> None:
        self._service, self._calls = service, frozenset(service.graph[component])
        self._known: dict[str, bool] = {}

    def __call__(self, word: str) -> bool:
        found = self._known.get(word)
        if found is None:
            called = self._service.called(word)
            found = bool(called) and (called in self._calls or called not in self._service.graph)
            if len(self._known) < 10_000:
                self._known[word] = found
        return found
