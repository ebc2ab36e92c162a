"""The lives of a pod's container: a liveness or startup probe ends one, and the next begins after a growing pause.

Sources: Kubernetes' pages "Configure Liveness, Readiness and Startup Probes", "Pod Lifecycle" (container restart
policy, termination of pods) and "Container Lifecycle Hooks"; the kubelet's code (``prober.go``,
``kuberuntime_manager.go``) for the wording of its Events and for the first restart, which comes at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from sandbox.platform.cluster import Object
from sandbox.platform.containers import iso, wait

Tell = Callable[[str, str, str], None]
"""Writes an Event: its type, reason and message."""
Answer = Callable[[Object, float], str]
"""What a probe gets from a container that has run for so many seconds: why it failed, or an empty text."""

_PAUSES = (0.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
"""Before each restart, in seconds: a container that ended for the first time is started again at once."""
_WELL_SECONDS = 600.0
"""A container that has run for so long starts with the shortest pause again."""
_STOP_SECONDS = 0.5
"""A process that is told to end needs so long."""
_SLEEP = re.compile(r"\bsleep\s+(\d+(?:\.\d+)?)")
_GRACE_SECONDS = 30.0


class Times(NamedTuple):
    """When a probe asks; seconds, and numbers of answers."""

    delay: float
    period: float
    failures: int
    timeout: float

    @classmethod
    def of(cls, probe: Object) -> Times:
        """Read a probe, with the API's own defaults."""
        return cls(float(probe.get("initialDelaySeconds") or 0), float(probe.get("periodSeconds") or 10),
                   int(probe.get("failureThreshold") or 3), float(probe.get("timeoutSeconds") or 1))


@dataclass
class _Life:
    """The life that a container is in, and what is left of the one before."""

    started: float
    restarts: int = 0
    up: bool = False
    """Whether the startup probe has succeeded, or there is none."""
    failed: dict[str, int] = field(default_factory=dict)
    """Kind of probe to how often it has failed in a row."""
    asked: dict[str, float] = field(default_factory=dict)
    ends: float | None = None
    """When it will have ended; None: nobody has told it to."""
    reason: str = "Error"
    code: int = 143
    begins: float | None = None
    """When the next life begins; None: this one goes on."""
    pause: float = 0.0
    pauses: int = 0
    last: Object = field(default_factory=dict)
    """``lastState``."""


class Lives:
    """The lives of all containers, by the uid of their pod and their name."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], _Life] = {}

    def keep(self, living: set[str]) -> None:
        """Forget the pods that are gone."""
        for key in [key for key in self._all if key[0] not in living]:
            del self._all[key]

    def age(self, pod: Object, container: Object, since: float, now: float) -> float:
        """Seconds that the container has run in its present life; ``since``: when its first one began."""
        life = self._all.get((pod["metadata"]["uid"], container["name"]))
        return now - (life.started if life else since)

    def step(self, pod: Object, container: Object, since: float, now: float, answer: Answer, tell: Tell) -> Object:
        """Let probes ask, and return what the container's status is: at least ``state``.

        ``started`` and ``ready`` are there where they are no matter of the readiness probe.
        """
        life = self._all.setdefault((pod["metadata"]["uid"], container["name"]), _Life(since))
        if life.ends is not None and now >= life.ends and life.begins is None:
            self._end(life)
        if life.begins is not None:
            if now < life.begins:
                return self._waits(pod, container, life, tell)
            self._begin(life, tell, container)
        if life.ends is None:
            self._ask(pod, container, life, now, answer, tell)
        found: Object = {"state": {"running": {"startedAt": iso(life.started)}}, "started": life.up}
        if life.restarts:
            found |= {"restartCount": life.restarts, "lastState": life.last}
        if life.ends is not None or not life.up:
            found["ready"] = False
        return found

    def end(self, pod: Object, container: Object, now: float, reason: str, code: int) -> None:
        """Let a container's life end at once: the kernel killed it, or it crashed."""
        life = self._all.get((pod["metadata"]["uid"], container["name"]))
        if life and life.begins is None:
            life.ends, life.reason, life.code = now, reason, code
            self._end(life)

    def _ask(self, pod: Object, container: Object, life: _Life, now: float, answer: Answer, tell: Tell) -> None:
        """Ask by the startup probe until it has succeeded, then by the liveness probe."""
        startup = container.get("startupProbe")
        life.up = life.up or not startup
        kind, probe = ("liveness", container.get("livenessProbe")) if life.up else ("startup", startup)
        if not probe:
            return
        times = Times.of(probe)
        first = life.started + times.delay
        if now < max(first, life.asked.get(kind, 0.0) + times.period):
            return
        life.asked[kind] = now
        why = answer(probe, now - life.started)
        if not why:
            life.failed[kind] = 0
            life.up = True
            return
        life.failed[kind] = life.failed.get(kind, 0) + 1
        tell("Warning", "Unhealthy", f"{kind.capitalize()} probe failed: {why}")
        if life.failed[kind] >= times.failures:
            tell("Normal", "Killing", f"Container {container['name']} failed {kind} probe, will be restarted")
            seconds, life.code = stopping(pod, container, "timeout" in why or "exceeded" in why, probe)
            life.ends, life.reason = now + seconds, "Error"

    def _end(self, life: _Life) -> None:
        ended = life.ends or 0.0
        if ended - life.started > _WELL_SECONDS:
            life.pauses = 0
        life.pause = _PAUSES[min(life.pauses, len(_PAUSES) - 1)]
        life.pauses += 1
        life.begins = ended + life.pause
        life.last = {"terminated": {"exitCode": life.code, "reason": life.reason, "startedAt": iso(life.started),
                                    "finishedAt": iso(ended)}}

    def _begin(self, life: _Life, tell: Tell, container: Object) -> None:
        life.started, life.restarts = life.begins or 0.0, life.restarts + 1
        life.ends, life.begins, life.up = None, None, False
        life.failed, life.asked = {}, {}
        tell("Normal", "Started", f"Started container {container['name']}")

    def _waits(self, pod: Object, container: Object, life: _Life, tell: Tell) -> Object:
        name = pod["metadata"]["name"]
        said = (f"back-off {life.pause:.0f}s restarting failed container={container['name']} "
                f"pod={name}_{pod['metadata']['namespace']}({pod['metadata']['uid']})")
        tell("Warning", "BackOff", f"Back-off restarting failed container {container['name']} in pod "
             f"{name}_{pod['metadata']['namespace']}({pod['metadata']['uid']})")
        return {"state": wait("CrashLoopBackOff", said), "lastState": life.last, "restartCount": life.restarts,
                "started": False, "ready": False}


def stopping(pod: Object, container: Object, deaf: bool, probe: Object | None = None) -> tuple[float, int]:
    """How many seconds a container needs to end when it is told to, and with which code; ``deaf``: it does not hear.

    The hook ``preStop`` runs first, and its time is a part of the grace period.
    """
    grace = float((probe or {}).get("terminationGracePeriodSeconds")
                  or pod["spec"].get("terminationGracePeriodSeconds", _GRACE_SECONDS))
    hook = ((container.get("lifecycle") or {}).get("preStop")) or {}
    words = " ".join((hook.get("exec") or {}).get("command") or [])
    slept = _SLEEP.search(words)
    before = float((hook.get("sleep") or {}).get("seconds") or (slept[1] if slept else 0))
    if deaf or before + _STOP_SECONDS >= grace:
        return grace, 137
    return before + _STOP_SECONDS, 143


def answered(container: Object, probe: Object, address: str, *, age: float, starts: float, hangs: bool,
             behind: float, fails: str = "") -> str:
    """Why a component's process fails a probe, in the kubelet's words; an empty text where it does not.

    It serves GET ``/healthz`` on 8080 ``starts`` seconds after it began. ``/health/dependencies`` is well only where
    what it calls is (``fails``: it is not). A process that ``hangs`` takes connections and never answers; one that is
    ``behind`` answers after so many seconds.
    """
    words = " ".join((probe.get("exec") or {}).get("command") or [])
    if "exec" in probe:
        fails_at = re.search(r"\bexit\s+[1-9]|(^|\s)false($|\s)", words)
        missing = re.search(r"\bcat\s+(\S+)", words)
        return (f"cat: can't open '{missing[1]}': No such file or directory\n" if missing else
                "command failed" if fails_at else "")
    asked: Object = probe.get("httpGet") or probe.get("tcpSocket") or {}
    named = {port.get("name"): port["containerPort"] for port in container.get("ports") or []}
    port = named.get(asked.get("port"), asked.get("port"))
    refused = f"dial tcp {address}:{port}: connect: connection refused"
    deaf = str(port) != "8080" or age < starts
    if "tcpSocket" in probe:
        return refused if deaf else ""
    path = str(asked.get("path") or "/")
    scheme = str(asked.get("scheme") or "HTTP").lower()
    url = f'Get "{scheme}://{address}:{port}{path}"'
    if deaf:
        return f"{url}: {refused}"
    if scheme == "https":
        return f"{url}: http: server gave HTTP response to HTTPS client"
    if hangs or behind >= Times.of(probe).timeout:
        return f"{url}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    if path == "/health/dependencies":
        return "HTTP probe failed with statuscode: 503" if fails else ""
    return "" if path == "/healthz" else "HTTP probe failed with statuscode: 404"
