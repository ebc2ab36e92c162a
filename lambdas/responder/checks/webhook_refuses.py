"""An admission webhook refuses a workload's pods, or cannot be asked at all.

Kubernetes' page "Dynamic Admission Control": a webhook that does not answer refuses, unless its ``failurePolicy`` is
``Ignore``. Then its own Service, certificate or network is at fault, and everything that it is asked about is hit.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.refusals import Refusal, refusals
from responder.state.trouble import hurt

_DENIED = re.compile(r'admission webhook "(?P<name>[^"]+)" denied the request(?: without explanation|: (?P<why>.*))?',
                     re.DOTALL)
_FAILED = re.compile(r'failed calling (?:admission )?webhook "(?P<name>[^"]+)"')
_SERVICE = re.compile(r"https://(?P<service>[\w-]+)\.(?P<namespace>[\w-]+)\.svc")
_WHY = (
    (re.compile(r'service "[^"]+" not found'), "its Service is not there", "restore its Service"),
    (re.compile(r"no endpoints available"), "its Service has no ready pod", "get its pods ready"),
    (re.compile(r"x509|certificate|tls:"), "its certificate is not valid for the API server",
     "renew its certificate and the caBundle of its configuration"),
    (re.compile(r"deadline exceeded|i/o timeout|handshake timeout|timed out|exceeded while awaiting"),
     "it does not answer in time", "look at its pods and at the network between them and the control plane"),
    (re.compile(r"connection refused|no route to host|EOF|connection reset"), "nothing listens at its address",
     "get its pods ready, or mend its port"),
)
"""What is said, why the webhook cannot be asked, what mends it."""


def find(state: State) -> Iterator[Found]:
    """Yield workloads that a webhook refuses, and webhooks that cannot be asked."""
    failing: dict[str, list[Refusal]] = defaultdict(list)
    for refusal in refusals(state):
        denied, failed = _DENIED.search(refusal.message), _FAILED.search(refusal.message)
        if denied is not None:
            yield Found(
                str(refusal.top), f"webhook {denied['name']} refuses the pods of {refusal.top}",
                hurt(state, refusal.top), "said", (refusal.top.name,), refusal.message,
                "change what the webhook objects to, or its rule", refusal.since)
        elif failed is not None:
            failing[failed["name"]].append(refusal)
    for name, hit in sorted(failing.items()):
        yield _unanswered(name, max(hit, key=lambda one: (one.since, one.message, one.top)), hit, state)


def _unanswered(name: str, last: Refusal, hit: list[Refusal], state: State) -> Found:
    service = _SERVICE.search(last.message)
    why, mend = next(((why, mend) for said, why, mend in _WHY if said.search(last.message)),
                     ("it gives no answer", "look at the webhook's pods"))
    stops = any(hurt(state, one.top) == "stops" for one in hit)
    return Found(
        f"service/{service['service']}" if service else f"webhook/{name}",
        f"webhook {name} cannot be asked, because {why}: the API server refuses what it would be asked about",
        "stops" if stops else "lessens", "said", tuple(one.top.name for one in hit), last.message,
        f"{mend}; or set its failurePolicy to Ignore meanwhile", last.since)


CHECK = Check(id="webhook_refuses", family="admission", sign="admission", find=find)
