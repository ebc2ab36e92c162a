"""The whole draft: every part of the configuration in the order of the shipped one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cli.init.decide.alarms import OwnAlarms, own_alarms, own_canaries
from cli.init.decide.calls import ENVIRONMENT, Graph, graph
from cli.init.decide.components import Chosen, chosen, container_of, other_names
from cli.init.decide.database import ChosenDatabase, by_name, chosen_database
from cli.init.decide.front import InFront, in_front
from cli.init.decide.observed import observed
from cli.init.decide.outside import Outside, called_by, outside
from cli.init.decide.standing import people, policy
from cli.init.decide.telemetry import ChosenMetrics, chosen_metrics
from cli.init.document import Entry, Line, Part, Remark, Section, Todo, Value
from cli.init.facts import Cluster, ControlPlane, Facts, Metrics
from cli.init.readers import Asked, Outcome
from responder.model.service import Component

_MOST_ALARMS = 20
_MANY_COMPONENTS = 15


@dataclass(frozen=True)
class _Known:
    """All conclusions."""

    asked: Asked
    facts: Facts
    graph: Graph
    chosen: Chosen
    database: ChosenDatabase
    outside: Outside
    front: InFront
    metrics: ChosenMetrics
    alarms: OwnAlarms


def draft(asked: Asked, facts: Facts, outcomes: Sequence[Outcome], day: str) -> list[Part]:
    """Return the configuration of a service; ``day`` is the date of today, in UTC."""
    calls = graph(facts)
    components = chosen(asked, facts, calls)
    database = chosen_database(facts, calls, components)
    others = outside(asked, facts, calls, components, database)
    front, metrics = in_front(asked, facts, components), chosen_metrics(facts, components)
    known = _Known(asked, facts, calls, components, database, others, front, metrics,
                   own_alarms(asked, facts, components, front, metrics, database))
    return [*_head(known, outcomes, day), _cluster(known), *_components(known), *_database(known), *_providers(known),
            *_dependencies(known), *_probes(known), *_aws(known), *_metrics(known),
            *observed(asked, facts, components), *_alarms(known),
            policy(database.database, others.switch, len(others.providers)), Remark(
                "Times and limits (confirm, recovery, guardrails, approval) have their defaults; "
                "config/payment-gateway.yaml shows each with its meaning."), *people(facts)]


def _head(known: _Known, outcomes: Sequence[Outcome], day: str) -> Iterator[Part]:
    yield Remark(f"The service {known.asked.service} for the incident responder, as `responder init` found it on {day} "
                 "(UTC).")
    yield Remark("Each comment says where a value comes from and how certain it is. seen: a system says so. likely: it "
                 "follows from what was seen. a guess: look at it. Lines with TODO are left to you; `responder check` "
                 "names them.")
    for outcome in outcomes:
        if not outcome.read:
            yield Remark(f"Not read: {outcome.title}: {'; '.join(outcome.troubles)}")
        elif outcome.troubles:
            yield Remark(f"Not all was read: {outcome.title}: {'; '.join(outcome.troubles[:3])}")
    yield Entry("service", known.asked.service)
    yield Entry("mode", "observe", "it only reports what it would do (docs/rollout.md: the way to auto)")


def _cluster(known: _Known) -> Section:
    cluster, plane = known.facts.of(Cluster), known.facts.of(ControlPlane)
    adds = "EKS Auto Mode" if plane.auto_mode else cluster.adds_nodes
    lines: list[Line] = [
        Entry("name", known.asked.cluster), Entry("namespace", known.asked.namespace),
        Entry("nodes_are_added", bool(adds), f"seen: {adds}" if adds else "neither Karpenter, Cluster Autoscaler nor "
              "Auto Mode was seen")]
    if cluster.mesh:
        lines.append(Remark(f"seen: the namespace is in a mesh ({cluster.mesh}); its sidecars are told from the "
                            "application by themselves"))
    return Section("cluster", tuple(lines))


def _components(known: _Known) -> Iterator[Part]:
    chosen_ones = known.chosen
    if not chosen_ones.components:
        yield Todo("components", "the service's parts: [{name: api, calls: []}]; no workload could be read")
        yield Todo("entry", "the component that customers reach first")
        return
    lines: list[Line] = [line for component in chosen_ones.components for line in _component(known, component)]
    lines += [Todo("components", f"New Relic calls {name} {other!r}: the responder needs one name in New Relic, Splunk "
                   f"and CloudWatch; name the component so, with workload: {name}, or rename the application")
              for name, other in other_names(chosen_ones, known.facts)]
    if len(chosen_ones.components) > _MANY_COMPONENTS and not known.asked.components:
        lines.append(Todo("components", f"{len(chosen_ones.components)} workloads are many for one service: keep its "
                          "own, or name them with --component"))
    about = f"The components: {chosen_ones.why}."
    if chosen_ones.left_out:
        about += f" Left out: {_listed(chosen_ones.left_out)} ({chosen_ones.why_left_out})."
    if not known.graph.traced:
        about += " No trace was read: `calls` comes from addresses in the environment, a weaker hint."
    yield Section("components", tuple(lines), about)
    if chosen_ones.entry:
        yield Entry("entry", chosen_ones.entry, chosen_ones.why_entry)
    else:
        yield Todo("entry", f"the component that customers reach first, one of {_listed(chosen_ones.names)} "
                   f"({chosen_ones.why_entry})")


def _component(known: _Known, component: Component) -> Iterator[Line]:
    """Yield a component's line, and what its environment names besides."""
    cluster = known.facts.of(Cluster)
    workload = next((one for one in cluster.workloads if one.name == component.name), None)
    called = list(called_by(component.name, known.graph, known.chosen, known.database, known.outside,
                            known.asked.namespace))
    value: dict[str, Value] = {"name": component.name, "role": _role(known, component.name, called)}
    if workload and len([one for one in cluster.workloads if one.name == component.name]) > 1:
        value["workload"] = component.workload
    if component.service and component.service != component.name:
        value["service"] = component.service
    if container := container_of(component, workload):
        value["container"] = container
    if component.hosts:
        value["hosts"] = list(component.hosts)
    value["calls"] = [name for name, _ in called]
    said = [workload.target if workload else "not seen in the cluster"]
    if workload and workload.target in cluster.autoscaled:
        said.append("with an autoscaler")
    yield Entry("", value, f"{', '.join(said)}; calls {_source(known, component.name)}")
    taken = {edge.host for _, edge in called}
    if unseen := [edge.host for edge in known.graph.unseen(component.name) if edge.host not in taken]:
        yield Remark(f"{component.name}: its {ENVIRONMENT} names {_listed(unseen)}, which no trace of the last day "
                     "shows; add it to `calls` if requests need it")


def _role(known: _Known, name: str, called: Sequence[tuple[str, object]]) -> str:
    """A role is for people alone: frontend is the entry, gateway what calls a provider."""
    if name == known.chosen.entry:
        return "frontend"
    providers = {one.name for one in known.outside.providers}
    return "gateway" if providers & {callee for callee, _ in called} else "backend"


def _source(known: _Known, name: str) -> str:
    edges = known.graph.of(name)
    if not edges:
        return "not seen"
    seen = sorted({edge.by for edge in edges if edge.count})
    return f"seen: {', '.join(seen)}" if seen else f"likely: addresses in its {ENVIRONMENT}"


def _database(known: _Known) -> Iterator[Part]:
    database, notes = known.database.database, known.database.notes
    if database is None:
        alike = by_name(known.facts, (known.asked.service, known.asked.namespace))
        yield Remark("No component's address leads to a database in RDS" + (
            f"; by name these are close: {_listed(alike)}. If the service has one, add `database: {{name: …, instance: "
            "…, host: …}` and its name to `calls`." if alike else "."))
        return
    lines: list[Line] = [
        Entry("name", database.name, notes["name"]), Entry("instance", database.instance, notes["instance"])]
    lines += [Entry(key, value, note) for key, value, note in (
        ("cluster", database.cluster, "seen: its DB cluster, with the right to fail it over"),
        ("proxy", database.proxy, "seen"), ("host", database.host, notes["host"]),
        ("hosts", list(database.hosts), "seen: further addresses of it"),
        ("users", list(database.users), notes["users"])) if value]
    lines += [Entry("performance_insights", database.performance_insights, "seen"),
              Entry("parameter_group", database.parameter_group, "seen; its changes are recorded and may be restored"
                    if database.parameter_group else "none of your own was seen")]
    if database.cluster_parameter_group:
        lines.append(Entry("cluster_parameter_group", database.cluster_parameter_group, "seen"))
    if database.secret:
        lines.append(Entry("secret", database.secret, notes["secret"]))
    else:
        close = known.database.secrets
        lines.append(Todo("database.secret", "the name in Secrets Manager of the service's password, whose rotations "
                          "may be a cause; leave it out if there is none" + (
                              f"; these may be it: {_listed(close)}" if close else "")))
    for other in known.database.others:
        callers = sorted({edge.caller for edge in other.edges})
        lines.append(Remark(f"Not chosen: {other.name}, which {', '.join(callers)} calls as well "
                            f"({sum(edge.count for edge in other.edges)} calls seen); it is among `dependencies`"))
    yield Section("database", tuple(lines))


def _providers(known: _Known) -> Iterator[Part]:
    others = known.outside
    lines: list[Line] = []
    for place, provider in enumerate(others.providers):
        lines += [Entry("", {"name": provider.name, "host": provider.host}, others.notes[provider.name]),
                  Todo(f"providers[{place}].status_page", "the address of its status page's JSON (Statuspage: "
                       "…/api/v2/summary.json), and health_url, if it has any")]
    if lines:
        yield Section("providers", tuple(lines), "Payment providers that components call.")
    if others.switch:
        yield Entry("provider_switch", {"config_map": others.switch.config_map, "key": others.switch.key},
                    f"likely: it says {others.current!r}, a part of a host that is called")
        if len(others.providers) < 2:
            yield Todo("providers", "the provider to switch to, by the name that the switch takes: {name: …, host: …}; "
                       "nobody calls it now, so it was not seen")


def _dependencies(known: _Known) -> Iterator[Part]:
    lines: list[Line] = []
    for dependency in known.outside.dependencies:
        value: dict[str, Value] = {"name": dependency.name, "kind": dependency.kind, "host": dependency.host}
        if dependency.elasticache:
            value["elasticache"] = list(dependency.elasticache)
        if dependency.sqs:
            value["sqs"] = dependency.sqs
        lines.append(Entry("", value, known.outside.notes[dependency.name]))
    if lines:
        yield Section("dependencies", (*lines, Remark("contact (who is called when one fails) and health_url are yours "
                                                      "to add")), "What else the components call.")


def _probes(known: _Known) -> Iterator[Part]:
    lines = [Entry("", {"target": provider.name, "host": provider.host, "port": 443})
             for provider in known.outside.providers if "." in provider.host]
    if lines:
        yield Section("probes", tuple(lines), "Network probes during an incident: name, TCP, TLS, without data. Those "
                      "of database and components need `network` (docs/network.md).")


def _aws(known: _Known) -> Iterator[Part]:
    plane, candidate = known.facts.of(ControlPlane), known.database.candidate
    groups = {"the cluster's": plane.security_groups}
    if candidate:
        groups["the database's"] = tuple(dict.fromkeys(
            group for part in (candidate.instance, candidate.cluster) if part for group in part.security_groups))
    resources = [group for found in groups.values() for group in found]
    lines: list[Line] = [
        Entry("health_api", False, "true with a Business support plan or higher"),
        Entry("nodegroups", bool(plane.node_groups) or not known.facts.read(ControlPlane),
              f"seen: {_listed(plane.node_groups)}" if plane.node_groups else "no managed node group was seen")]
    if resources:
        lines += [Entry("resources", resources, "seen: security groups, " + ", ".join(
            f"{whose} {', '.join(found)}" for whose, found in groups.items() if found))]
    yield Section("aws", tuple(lines))


def _metrics(known: _Known) -> Iterator[Part]:
    metrics, front = known.metrics, known.front
    lines: list[Line] = []
    if metrics.chosen is None:
        lines.append(Todo("metrics.namespace", "the CloudWatch namespace of the service's own metrics, one of each per "
                          "component, with dimension, requests, errors and latency (docs/alarms.md); the alarms need "
                          "them, and none was found that names a component"))
    else:
        lines += [Entry("namespace", metrics.chosen.namespace, f"seen: it names {_listed(metrics.covered)}"),
                  Entry("dimension", metrics.chosen.dimension)]
        for kind in ("requests", "errors", "latency"):
            if kind in metrics.names:
                lines.append(Entry(kind, metrics.names[kind], "likely, by its name"))
            else:
                lines.append(Todo(f"metrics.{kind}", f"one of {_listed(metrics.chosen.names)}"))
        lines.append(Entry("period_seconds", metrics.period_seconds, "seen: there are data for periods of 10 s"
                           if metrics.period_seconds == 10 else "no data for periods of 10 s were seen"))
        lines += [Remark(f"Not chosen: {other.namespace} by {other.dimension} ({_listed(other.names)})")
                  for other in metrics.others[:5]]
        if absent := sorted(set(known.chosen.names) - set(metrics.covered)):
            lines.append(Remark(f"No metric names {_listed(absent)}"))
    lines += _in_front(front)
    canaries = own_canaries(known.asked, known.facts, known.chosen)
    if canaries:
        lines.append(Entry("canaries", canaries, "a guess by their names"))
    elif known.facts.of(Metrics).canaries:
        lines.append(Remark(f"canaries of the account, none with a name of the service: "
                            f"{_listed(known.facts.of(Metrics).canaries)}"))
    yield Section("metrics", tuple(lines), "The service's own CloudWatch metrics, and what is in front of it.")


def _in_front(front: InFront) -> Iterator[Line]:
    if front.balancer is None:
        yield Remark("No load balancer has tags that lead to the entry; load_balancer and target_group name one")
        return
    key = "network_load_balancer" if front.balancer.kind == "network" else "load_balancer"
    yield Entry(key, front.balancer.dimension, front.why)
    if front.group and key == "load_balancer":
        yield Entry("target_group", front.group.dimension, front.why)
    for other in front.others[:5]:
        yield Remark(f"Not chosen: {other}")


def _alarms(known: _Known) -> Iterator[Part]:
    alarms = known.alarms
    if not alarms.symptoms and not alarms.others:
        return
    lines: list[Line] = []
    if alarms.symptoms:
        lines.append(Entry("own", [{"name": alarm.name} for alarm in alarms.symptoms[:_MOST_ALARMS]],
                           "likely: they tell of failures or slowness of this service; they start an incident, too"))
    if len(alarms.symptoms) > _MOST_ALARMS:
        lines.append(Remark(f"and {len(alarms.symptoms) - _MOST_ALARMS} more: give all a tag, and name the tag"))
    if alarms.others:
        lines.append(Remark(f"Of the service as well, but no symptom: {_listed([one.name for one in alarms.others])}"))
    yield Section("alarms", tuple(lines), f"Of {alarms.looked_at} alarms in CloudWatch, by their dimensions. "
                  "Thresholds have their defaults (docs/alarms.md).")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(names[:12]) + more
