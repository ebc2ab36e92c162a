"""Images that cannot be pulled, and why.

The kubelet says ``Failed to pull image "X": ...`` in an Event and as the waiting container's message; once it backs
off, older kubelets say only ``Back-off pulling image "X"``, and the reason is in the Event (Kubernetes: "Images").
What is read are words of the container runtime (containerd, CRI-O, Docker) and of the registry (the OCI Distribution
Specification's error codes).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from responder.model.evidence.problems import Basis
from responder.state.basics import Ref
from responder.state.once import once
from responder.state.pods import Pod, Status
from responder.state.state import State
from responder.state.trouble import waiting_pods

_WAITS = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable",
                    "ImageInspectError", "SignatureValidationFailed"})
_FAILED = re.compile(r'Failed to (?:pull|inspect) image "?(?P<image>[^"\s]+)"?|Failed to apply default image tag|'
                     r"is not present with pull policy of Never")
_QUOTED = re.compile(r'"[^"]*"')
_NO_SECRET = re.compile(r"[Uu]nable to retrieve (?:some )?image pull secrets? ?(?:\((?P<names>[^)]*)\))?")

_WORDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("dns", re.compile(r"no such host|server misbehaving|[Tt]emporary failure in name resolution|"
                       r"[Nn]ame or service not known|[Cc]ould not resolve host|"
                       r"lookup \S+(?: on \S+)?: .*(?:timeout|timed out|refused|unreachable)")),
    ("unreachable", re.compile(
        r"toomanyrequests|429|rate limit|i/o timeout|handshake timeout|deadline exceeded|connection refused|"
        r"connection reset|no route to host|network is unreachable|x509|HTTP response to HTTPS client|"
        r"\b5\d\d (?:Internal|Bad|Service|Gateway)|unexpected EOF|: EOF|registry is unavailable|Client\.Timeout")),
    ("either", re.compile(r"pull access denied|insufficient_scope|may require (?:authorization|'docker login')|"
                          r"requested access to the resource is denied")),
    ("secret", re.compile(r"[Uu]nauthorized|\b401\b|\b403\b|[Aa]uthentication required|no basic auth credentials|"
                          r"authorization (?:failed|token has expired)|not authorized|[Aa]ccess [Dd]enied|"
                          r"[Dd]enied|[Ff]orbidden|[Pp]ermission")),
    ("reference", re.compile(
        r"manifest unknown|not found|no match(?:ing)? (?:for platform in )?manifest|[Nn]o image found|name unknown|"
        r"invalid reference format|couldn't parse image|must be lowercase|does not exist|NotFound|pull policy of Never|"
        r"unknown blob|invalid tag|unsupported digest")),
)
"""What is said, by what is wrong; the first that fits counts. ``either``: Docker Hub says the same of a repository that
is private and of one that is not there."""
_REASONS = {"InvalidImageName": "reference", "ErrImageNeverPull": "reference", "RegistryUnavailable": "unreachable"}
"""What a reason alone tells."""


class Image(NamedTuple):
    """An image's name."""

    registry: str
    repository: str
    tag: str
    """A tag or a digest; empty: ``latest``."""

    @property
    def account(self) -> str:
        """Whose repository it is, at its registry; a registry without accounts has one."""
        account, slash, _ = self.repository.partition("/")
        return f"{self.registry}/{account}" if slash else self.registry


def image(name: str) -> Image:
    """Take an image's name apart (Kubernetes: "Images", "Image names"); without a registry it is Docker Hub's."""
    plain, _, digest = name.partition("@")
    first, slash, rest = plain.partition("/")
    has_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    registry, path = (first, rest) if has_host else ("docker.io", plain)
    path, _, tag = path.partition(":")
    if registry == "docker.io" and "/" not in path:
        path = f"library/{path}"
    return Image(registry, path, digest or tag)


class Pull(NamedTuple):
    """An image that a container waits for."""

    app: Ref
    image: str
    kind: str
    """``reference``, ``secret``, ``dns`` or ``unreachable``."""
    basis: Basis
    message: str
    since: float


@once
def pulls(state: State) -> tuple[Pull, ...]:
    """Return what cannot be pulled now; of each workload and image the first, by what is known best."""
    best: dict[tuple[Ref, str, str], Pull] = {}
    sure = {"said": 0, "seen": 1, "guessed": 2}
    for pod in waiting_pods(state):
        for one in _of_pod(state, pod):
            key = one.app, one.image, one.kind
            best[key] = min(best.get(key, one), one, key=lambda pull: (sure[pull.basis], pull.message, pull.since))
    return tuple(best[key] for key in sorted(best))


def kind_of(message: str) -> str:
    """Return what a message says is wrong; empty: nothing. Names in it are not read."""
    bare = _QUOTED.sub('""', message.replace('\\"', '"'))
    return next((kind for kind, pattern in _WORDS if pattern.search(bare)), "")


def missing_secrets(state: State, pod: Pod) -> tuple[str, ...]:
    """Return the pull secrets that a pod names and that are not there, by the list of Secrets or by the kubelet."""
    if state.lists("Secret", pod.ref.namespace):
        return tuple(name for name in pod.spec.pull_secrets if not state.has(Ref("Secret", pod.ref.namespace, name)))
    said = [_NO_SECRET.search(event.message) for event in state.about(pod.ref)]
    names = {name.strip() for one in said if one for name in (one["names"] or "").split(",") if name.strip()}
    return tuple(sorted(names or ({"(not named)"} if any(said) else set())))


def _of_pod(state: State, pod: Pod) -> Iterator[Pull]:
    names = {one.name: one.image for one in (*pod.spec.containers, *pod.spec.init_containers)}
    held = [(status, names.get(status.name) or status.image) for status in (*pod.init_statuses, *pod.statuses)
            if status.waiting in _WAITS]
    for status, name in held:
        yield from _pulls(state, pod, name, status.waiting, _messages(state, pod, name, status))
    if not held and not any(one.running or one.ended for one in (*pod.statuses, *pod.init_statuses)):
        for event in state.about(pod.ref):
            failed = _FAILED.search(event.message)
            if failed is not None and failed["image"]:
                yield from _pulls(state, pod, failed["image"], "", [event.message])


def _messages(state: State, pod: Pod, name: str, status: Status) -> list[str]:
    """What is said of one image of a pod, newest first."""
    events = sorted((event for event in state.about(pod.ref) if _FAILED.search(event.message)
                     and (name in event.message or len(pod.spec.containers) == 1)),
                    key=lambda event: (-event.last, event.message))
    return [one for one in (status.message, *(event.message for event in events)) if one]


def _pulls(state: State, pod: Pod, name: str, reason: str, messages: list[str]) -> Iterator[Pull]:
    message = next((one for one in messages if kind_of(one)), messages[0] if messages else reason)
    kind = _REASONS.get(reason) or kind_of(message)
    told = Pull(state.owner(pod), name, kind, "said", message, pod.meta.created)
    if kind == "either":
        known = _private_or_gone(state, pod, image(name))
        yield told._replace(kind=known or "secret")
        if not known:
            yield told._replace(kind="reference", basis="guessed")
    elif kind:
        yield told
    elif missing_secrets(state, pod):
        yield told._replace(kind="secret", basis="seen")
    else:
        yield told._replace(kind="reference", basis="seen" if _runs_another(state, pod, name) else "guessed")


def _private_or_gone(state: State, pod: Pod, wanted: Image) -> str:
    """Tell a repository that is private (``secret``) from one that is not there (``reference``), by what else is pulled
    from its account; empty: it cannot be told.
    """
    if wanted.account == "docker.io/library":
        # Docker's official images are open to everybody.
        return "secret" if pod.spec.pull_secrets and missing_secrets(state, pod) else "reference"
    pulled = [(image(container.image), one) for one in state.pods if one.ready for container in one.spec.containers]
    if missing_secrets(state, pod) or any(one[:2] == wanted[:2] for one, _ in pulled):
        return "secret"
    beside = [set(other.spec.pull_secrets) for one, other in pulled if one.account == wanted.account]
    if not beside:
        return ""
    return "reference" if any(secrets <= set(pod.spec.pull_secrets) for secrets in beside) else "secret"


def _runs_another(state: State, pod: Pod, name: str) -> bool:
    """Whether pods of the same workload serve with another image."""
    top = state.owner(pod)
    return any(one.ready and state.owner(one) == top and name not in (
        container.image for container in one.spec.containers) for one in state.pods)
