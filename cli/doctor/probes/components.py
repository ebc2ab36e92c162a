"""Whether each configured component has rows in each vendor that tells of components."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cli.doctor.asking import Said
from cli.doctor.model import Check, Probe, broken, note, well
from cli.doctor.surroundings import Surroundings
from responder.model.service import Service

_FIELDS = {
    "newrelic": "components[].name must be what newrelic.component_attribute says there, or change that field",
    "splunk": "components[].name must be what splunk.component_field says in the lines of splunk.search",
    "cloudwatch": "components[].name must be a value of the dimension metrics.dimension in metrics.namespace",
    "cloudwatch_logs": "components[].name must be what cloudwatch_logs.component_field says in its log groups",
    "prometheus": "components[].name must be a value of prometheus.component_label",
    "application_signals": "components[].name must be the service's name in application_signals.environment",
    "kubernetes": "components[].workload must name the workload (KIND/NAME) in components[].namespace",
}
"""The sources that must know each component, and the field by which a component has another name there."""


def _look(here: Surroundings) -> Iterable[Check]:
    return here.of_each(lambda service: _of(here, service))


def _of(here: Surroundings, service: Service) -> Iterator[Check]:
    for said in here.answers(service).said:
        yield from judged(said, service, here.file(service))


def judged(said: Said, service: Service, file: str) -> Iterator[Check]:
    """Judge which of the service's components one source knows; nothing is said of a source that gave no answer."""
    name, counted = said.source.name, said.source.name in _FIELDS
    window = (service.confirm.window_seconds + service.confirm.baseline_seconds) / 60
    known, unknown_ones = list[str](), list[str]()
    for component in service.components:
        mine = [finding for finding in said.findings if finding.component == component.name]
        if any(finding.usable for finding in mine):
            known.append(component.name)
        elif any(finding.status == "empty" for finding in mine):
            unknown_ones.append(component.name)
            why = next(finding for finding in mine if finding.status == "empty")
            asked = f" (asked: {why.query[:200]})" if why.query else ""
            say = broken if counted else note
            yield say(f"{name}: component {component.name}",
                      f"no row in the last {window:.0f} minutes: {why.note or 'nothing'}{asked}",
                      f"{_FIELDS.get(name, 'components[].name')}; {file}")
    if known and counted:
        yield well(f"{name}: {len(known)} of {len(known) + len(unknown_ones)} components", ", ".join(known))


PROBE = Probe("components", "rows of each configured component", _look, ("lambda:InvokeFunction",), seconds=75.0)
