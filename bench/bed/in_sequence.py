"""One process that handles an incident by itself: each source in turn, each step after the other.

    python -m bench.bed.in_sequence     (a line of JSON on its input for each incident, a line of JSON as its answer)

It is what the responder is measured against: the same sources, judgement, records and remedy, but with the typed
Kubernetes client for everything that is read or changed in the cluster, as a script for this purpose would be written.
The client is made once, and asks as the cluster's administrator.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lambdas"))

from responder.clients import kubernetes as ours
from responder.clients.failure import CallFailed
from responder.handlers import ask, steps
from responder.model.service import deployed

_SINGULAR = {"configmaps": "config_map", "endpoints": "endpoints", "endpointslices": "endpoint_slice",
             "horizontalpodautoscalers": "horizontal_pod_autoscaler", "limitranges": "limit_range",
             "networkpolicies": "network_policy", "poddisruptionbudgets": "pod_disruption_budget",
             "replicasets": "replica_set", "resourcequotas": "resource_quota"}
_PAGE = 500
_PHASES = ("confirm", "isolate", "diagnose")
_STEPS = "open,confirm,isolate,diagnose,guard"


class Typed:
    """The verbs that sources and remedies use, by the typed client; what it answers is plain data again."""

    def __init__(self, server: str, authority: str, token: str) -> None:
        from kubernetes import client

        configuration = client.Configuration(host=server)
        configuration.ssl_ca_cert = authority
        configuration.api_key = {"authorization": f"Bearer {token}"}
        self._kinds, self._api = client, client.ApiClient(configuration)

    def items(self, api: str, plural: str, namespace: str = "", limit: int = 5000,
              **query: str) -> Iterator[dict[str, Any]]:
        """Yield objects page by page, at most ``limit``."""
        given = {{"fieldSelector": "field_selector", "labelSelector": "label_selector"}[key]: value
                 for key, value in query.items()}
        after, seen = None, 0
        while True:
            page = self._call(api, plural, namespace, "list", limit=min(_PAGE, limit - seen),
                              **given, **({"_continue": after} if after else {}))
            for item in page["items"]:
                seen += 1
                yield item
            after = (page.get("metadata") or {}).get("continue")
            if not after or seen >= limit:
                return

    def get(self, api: str, plural: str, namespace: str, name: str) -> dict[str, Any]:
        """Return one object; raises NotFound."""
        return self._call(api, plural, namespace, "read", name=name)

    def patch(self, api: str, plural: str, namespace: str, name: str, patch: Any, *, manager: str,
              **_: str) -> dict[str, Any]:
        """Patch one object."""
        return self._call(api, plural, namespace, "patch", name=name, body=patch, field_manager=manager)

    def _call(self, api: str, plural: str, namespace: str, verb: str, **given: Any) -> dict[str, Any]:
        group, version = api.split("/")[-2:]
        kind = _SINGULAR.get(plural, plural.removesuffix("s"))
        typed = getattr(self._kinds, f"{_class_of(group)}{version.capitalize()}Api", None)
        name = f"{verb}_namespaced_{kind}" if namespace else f"{verb}_{kind}"
        place: dict[str, Any] = {"namespace": namespace} if namespace else {}
        if typed is None or not hasattr(typed, name):
            if verb != "list":
                raise RuntimeError(f"the typed client cannot {name}")
            # Of the API's extensions, such as metrics, the typed client has no types.
            typed, name = self._kinds.CustomObjectsApi, f"list_{'namespaced' if namespace else 'cluster'}_custom_object"
            place |= {"group": group, "version": version, "plural": plural}
        try:
            found = getattr(typed(self._api), name)(**place, **given)
        except self._kinds.ApiException as error:
            # A list is not found where the cluster has no such kind, which our client says as a failed call too.
            if error.status == 404 and verb != "list":
                raise ours.NotFound(plural) from error
            raise CallFailed("unavailable", f"the Kubernetes API answered with {error.status}",
                             http_status=error.status or 0) from error
        # The package has no types.
        value: dict[str, Any] = self._api.sanitize_for_serialization(found)  # type: ignore[no-untyped-call]
        return value


def _class_of(group: str) -> str:
    """Return how the typed client's classes of an API group begin; ``api`` is the core group."""
    return "Core" if group == "api" else "".join(part.capitalize() for part in group.removesuffix(
        ".k8s.io").split("."))


def handled(event: dict[str, Any]) -> dict[str, Any]:
    """Handle an incident until its first remedy is applied; ``event`` is EventBridge's of an alarm.

    Returns the seconds of each part. Raises RuntimeError where the plan goes another way.
    """
    began = time.perf_counter()
    parts: dict[str, float] = {}

    def done(part: str) -> None:
        parts[part] = time.perf_counter() - began - sum(parts.values())

    at = _now()
    answer = _decided("open", {"course": {}}, input=event, execution=f"in-sequence-{at}", started=at)
    known = {"incident": answer["result"]["incident"], "confirmation": {}}
    done("open")
    for phase in _PHASES:
        asked = [_asked(item.source, phase, known["incident"])
                 for item in deployed(known["incident"]["service"]).sources[phase]]
        done(f"ask ({phase})")
        answer = _decided(phase, answer, **known, answers=asked)
        if phase == "confirm":
            known["confirmation"] = answer["result"]
        done(phase)
    chosen = answer["course"]["remedies"][0]["action"]
    for operation in ("plan", "guard", "apply"):
        answer = _decided("guard", answer, **known) if operation == "guard" else _acted(
            chosen, operation, answer, **known)
        done(operation)
    if answer["result"].get("applied") is not True:
        raise RuntimeError(f"{chosen} was not applied: {answer['result']}")
    return {"remedy": chosen, "seconds": time.perf_counter() - began, "parts": parts}


def _asked(source: str, phase: str, incident: Any) -> Any:
    os.environ["SOURCE"] = source
    return ask.handler({"incident": incident, "phase": phase, "now": _now()}, None)


def _decided(step: str, before: dict[str, Any], **given: Any) -> dict[str, Any]:
    return _went_on(step, steps.handler({"do": step, "entered": _now(), "course": before["course"], **given}, None))


def _acted(action: str, operation: str, before: dict[str, Any], **given: Any) -> dict[str, Any]:
    os.environ["ACTION"] = action
    return _went_on(operation, steps.remedy(
        {"entered": _now(), "course": before["course"], "operation": operation, **given}, None))


def _went_on(step: str, answer: dict[str, Any]) -> dict[str, Any]:
    expected = {"open": ("Verify the symptoms",), "confirm": ("Identify failing pods",),
                "isolate": ("Gather additional information",), "diagnose": ("Plan the remedy",),
                "plan": ("Check the guardrails",), "guard": ("Apply the remedy",)}
    if step in expected and answer["next"] not in expected[step]:
        raise RuntimeError(f"after {step} the plan goes to {answer['next']}: {answer['result']}")
    return answer


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@cache
def _typed() -> Typed:
    return Typed(os.environ["KUBERNETES_SERVER"], os.environ["KUBERNETES_AUTHORITY"], os.environ["KUBERNETES_TOKEN"])


def main() -> None:
    """Handle the incidents of the input's lines."""
    os.environ["STEPS"] = _STEPS
    # The steps log to the standard output, as functions do; there, a line of log would be taken for an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # The typed client answers what the sources ask, and is of no kind of theirs.
    ours.connect = lambda cluster, deadline: _typed()  # type: ignore[assignment,return-value]
    for line in sys.stdin:
        before = resource.getrusage(resource.RUSAGE_SELF)
        found = handled(json.loads(line))
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(json.dumps(found | {"cpu_seconds": cpu, "cpu_seconds_in_all": after.ru_utime + after.ru_stime}),
              file=answers, flush=True)


if __name__ == "__main__":
    main()
