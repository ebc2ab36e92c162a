"""Asks the probes side by side, each for as long as it may take, and puts together what they found."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from cli.doctor.model import Check, Diagnosis, Probe, ordered, unknown
from cli.doctor.surroundings import Surroundings, attempted
from responder.model.moment import iso


def diagnosed(here: Surroundings, probes: Sequence[Probe]) -> Diagnosis:
    """Ask all probes and return what they found; a probe that takes too long, or breaks, is not known."""
    found: queue.Queue[tuple[str, list[Check]]] = queue.Queue()
    started = time.monotonic()
    for probe in probes:
        # A thread that hangs must not keep the program from ending.
        threading.Thread(target=lambda one=probe: found.put((one.name, _looked(one, here))), daemon=True).start()
    waiting, checks = {probe.name: probe for probe in probes}, list[Check]()
    while waiting:
        next_end = min(probe.seconds for probe in waiting.values()) + started - time.monotonic()
        try:
            name, seen = found.get(timeout=max(0.05, next_end))
        except queue.Empty:
            name = min(waiting, key=lambda one: waiting[one].seconds)
            seen = [unknown(name, f"it did not come to its end within {waiting[name].seconds:.0f} s",
                            f"look alone: responder doctor --only {name}")]
        if waiting.pop(name, None):
            checks += [replace(check, probe=name) for check in seen]
    return Diagnosis(iso(time.time()), here.account.id, here.account.region, here.account.caller,
                     tuple(service.service for service in here.services),
                     ordered(checks, [probe.name for probe in probes]))


def _looked(probe: Probe, here: Surroundings) -> list[Check]:
    try:
        return attempted(probe.name, lambda: probe.look(here))
    except Exception as error:
        # A fault of the probe is no fault of what it looks at, and takes nothing from the other probes.
        return [unknown(probe.name, f"the probe itself failed: {type(error).__name__}: {str(error)[:200]}",
                        "report it, with the version of the responder")]
