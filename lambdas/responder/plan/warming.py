"""Which functions are started while an incident is opened, so that none of them starts when it is needed.

Left out are the sources that confirm, for they are asked at once, and remedies that wait for a person or only tell
somebody: a cold start of a second is nothing beside the minutes that people take.
"""

from __future__ import annotations

from collections.abc import Mapping

from responder.model.service import Deployment, Service
from responder.plan.course import Until

_AT_ONCE = "confirm"
"""The phase whose sources are asked as soon as the incident is open."""
_PHASES: Mapping[Until, tuple[str, ...]] = {"": ("isolate", "diagnose"), "confirm": (), "isolate": ("isolate",),
                                            "diagnose": ("isolate", "diagnose")}


def needed(service: Service, deployed: Deployment, until: Until) -> tuple[str, ...]:
    """Return the names of the functions, each once, in the order in which they are needed.

    ``until`` is the phase after which a person wants to stop; empty: none.
    """
    asked_at_once = {asked.function for asked in deployed.sources.get(_AT_ONCE, ())}
    sources = [asked.function for phase in _PHASES[until] for asked in deployed.sources.get(phase, ())
               if asked.function not in asked_at_once]
    remedies = [remedy.function for remedy in deployed.remedies
                if remedy.mends and not until and service.mode == "auto" and service.policy.get(
                    remedy.action) == "auto"]
    return tuple(dict.fromkeys([*sources, *remedies]))
