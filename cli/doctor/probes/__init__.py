"""The probes, one a file: each looks at one kind of thing. A module is a probe by being here: it sets ``PROBE``."""

from __future__ import annotations

import importlib
import pkgutil

from cli.doctor.model import Probe

_ORDER = ("stack", "settings", "functions", "state-machine", "rules", "queues", "secrets", "keys", "sources",
          "components", "call-graph", "alarms", "alarm-metrics", "own-alarms", "heartbeat", "kill-switch", "table",
          "reports", "subscriptions", "access-entries", "rbac", "admission", "dry-run", "aws-rights", "clocks")
"""In the order of what depends on what; a probe that is not named comes last."""


def every() -> tuple[Probe, ...]:
    """Return all probes, in the order in which their checks are printed."""
    found = [importlib.import_module(f"{__name__}.{module.name}").PROBE for module in pkgutil.iter_modules(__path__)]
    return tuple(sorted(found, key=lambda probe: (
        _ORDER.index(probe.name) if probe.name in _ORDER else len(_ORDER), probe.name)))
