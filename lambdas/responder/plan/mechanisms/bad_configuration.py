"""A value that running pods read (a ConfigMap) makes them fail."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort, said, thing
from responder.plan.causes import CODE_BUG
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, credentials, entrance, payments, pods, versions


def improvements(case: Case) -> Iterator[Advice]:
    """A value is checked before it goes out, and comes to a few pods first, as a release does."""
    change = case.change
    if change is None:
        return
    yield Advice(
        "check-configuration", "prevention", "A configuration value went out unchecked",
        said(case.told(change), case.seen('calls')), thing(change),
        "check its values in the pipeline before they are applied: by a schema (type, range, allowed values), and by "
        f"one pod of {case.deployment(case.component)} that is started with them and must serve a test payment",
        case.developers, Effort.CHECK, "the pipeline refuses the value of this incident when it is proposed once more",
        case.trouble.whole)
    if change.kind == "ConfigMap":
        yield Advice(
            "version-configuration", "recovery", "The new value reached all pods together",
            said(f"{change.kind} {change.name} was {change.what} in place", case.seen("pods", "calls", most=1)),
            f"ConfigMap {change.name}", "give each state of it a name of its own (Kustomize's configMapGenerator), so "
            "that a change of it is a rollout, stops at the first pod that fails, and is undone by one command",
            case.developers, Effort.CHECK,
            f"`{case.kubectl} rollout undo {case.target(case.component)}` brings back the values before")


MECHANISM = Mechanism(
    id="bad_configuration",
    cause=CODE_BUG,
    title="bad configuration value",
    subject="bad value in {object}",
    remedies=("restore_configuration",),
    objects=("ConfigMap",),
    weights={
        changes.configuration_changed: 3.0,
        calls.other_host_called: 2.0,
        calls.slow_in_itself: 1.5,
        pods.pods_configuration: 1.5,
        pods.pods_are_ready: 0.5,
        changes.nothing_changed: -3.0,
        credentials.ours_ended_as_it_began: -3.0,
        payments.one_kind_declined: -3.0,
        changes.configuration_unchanged: -2.5,
        calls.database_calls_fail: -1.5,
        calls.not_reached_by_callers: -1.5,
        calls.does_not_reach_callee: -1.5,
        versions.only_new_version_fails: -1.5,
        calls.kind_queue: -1.0,
        entrance.targets_refuse_connections: -1.0,
        calls.provider_calls_fail: -0.5,
        calls.dependency_calls_fail: -0.5,
        payments.one_method_declined: -0.5,
        versions.new_version_slower: -0.5,
        pods.others_not_ready: -0.5,
    },
    improvements=improvements,
)
