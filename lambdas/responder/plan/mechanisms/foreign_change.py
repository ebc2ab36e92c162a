"""A change made elsewhere (a flag, a commit of another repository, infrastructure as code) makes the component fail."""

from __future__ import annotations

from collections.abc import Iterator

from responder.plan.advice import Advice, Case, Effort
from responder.plan.causes import CODE_BUG
from responder.plan.mechanisms import Mechanism
from responder.plan.signals import calls, changes, foreign, load, provider, versions


def improvements(case: Case) -> Iterator[Advice]:
    """A switch that every request meets at once is made for few of them first."""
    yield Advice(
        "widen-changes-by-steps", "prevention", "A change met all requests at once", case.seen("foreign_changes"),
        f"flags and infrastructure of {case.component}", "serve the new value to one in a hundred requests first, and "
        "let the alarm on failures stop the next step", case.developers, Effort.CHECK,
        "a test flag that fails each request stops at its first step", case.trouble.whole)


MECHANISM = Mechanism(
    id="foreign_change",
    cause=CODE_BUG,
    title="change made elsewhere",
    subject="change made outside the cluster",
    needs=foreign.foreign_change_in_time,
    remedies=("turn_flag_back", "escalate"),
    worsened_by=("rollback", "restore_database", "scale_up"),
    weights={
        foreign.flag_explains: 3.5,
        foreign.infrastructure_explains: 3.0,
        foreign.commit_explains: 1.5,
        foreign.foreign_change_in_time: 0.7,
        changes.nothing_changed: 0.7,
        versions.no_recent_rollout: 0.5,
        changes.configuration_unchanged: 0.3,
        foreign.no_foreign_change_explains: -3.0,
        versions.only_new_version_fails: -2.5,
        changes.configuration_changed: -1.5,
        load.cpu_at_limit: -0.5,
        provider.provider_page_reports_trouble: -2.0,
        calls.kind_queue: -0.5,
    },
    improvements=improvements,
)
