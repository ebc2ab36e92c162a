"""What the services of a configuration use: the sources that it names, and the actions that its policies allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from responder import actions, sources
from responder.actions import AnyAction
from responder.model.service import Service
from responder.sources import Phase, Source


def used_sources(services: Sequence[Service]) -> list[Source]:
    """Return the sources that at least one service's configuration names."""
    return [source for source in sources.all() if any(source.configured(service) for service in services)]


def most_at_once(services: Sequence[Service]) -> int:
    """Return how many sources one state asks at most."""
    return max((sum(phase in source.phases for source in used_sources([service]))
                for service in services for phase in get_args(Phase)), default=1)


def used_actions(services: Sequence[Service]) -> list[AnyAction]:
    """Return the actions that at least one service's policy allows."""
    return [action for action in actions.every()
            if any(allows(service, action) for service in services)]


def allows(service: Service, action: AnyAction) -> bool:
    """Whether a service's policy allows an action, with or without asking, and its configuration has what it needs."""
    return service.policy.get(action.name, "off") != "off" and action.configured(service)
