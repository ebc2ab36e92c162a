"""Which functions are started beside the questions of a phase, so that none of them starts when it is needed.

Sources are started while the incident is confirmed, for they are asked whatever comes of it but a false alarm. Remedies
are started while evidence for the diagnosis is gathered, so a false alarm starts none of them. Left out are the sources
that confirm, for they are asked at once, and remedies that wait for a person or only tell somebody: a cold start of a
second is nothing beside the minutes that people take.
"""

from __future__ import annotations

from collections.abc import Mapping

from responder.model.service import Deployment, Service
from responder.plan.course import Until

_AT_ONCE, _LAST = "confirm", "diagnose"
"""The phase whose sources are asked as soon as the incident is open, and the one after which remedies may follow."""
_PHASES: Mapping[Until, tuple[str, ...]] = {"": ("isolate", "diagnose"), "confirm": (), "isolate": ("isolate",),
                                            "diagnose": ("isolate", "diagnose")}


def needed(service: Service, deployed: Deployment, until: Until) -> dict[str, tuple[str, ...]]:
    """Return, by the phase beside which they start, the functions' names, each once, as they are needed.

    ``until`` is the phase after which a person wants to stop; empty: none.
    """
    asked_at_once = {asked.function for asked in deployed.sources.get(_AT_ONCE, ())}
    sources = [asked.function for phase in _PHASES[until] for asked in deployed.sources.get(phase, ())
               if asked.function not in asked_at_once]
    remedies = [remedy.function for remedy in deployed.remedies
                if remedy.mends and not until and service.mode == "auto" and service.policy.get(
                    remedy.action) == "auto"]
    return {_AT_ONCE: tuple(dict.fromkeys(sources)), _LAST: tuple(dict.fromkeys(remedies))}
