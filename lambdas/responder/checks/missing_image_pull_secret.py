"""A workload's image is private, and its pods have no secret that opens it.

Kubernetes' page "Pull an Image from a Private Registry": ``imagePullSecrets`` of the pod or of its ServiceAccount. The
kubelet goes on without one that is not there, and the registry then refuses.
"""

from __future__ import annotations

from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.images import image, missing_secrets, pulls
from responder.state.trouble import hurt, short, waiting_pods


def find(state: State) -> Iterator[Found]:
    """Yield workloads that a registry refuses; as a mere risk, those that name a secret that is not there."""
    absent = {state.owner(pod): names for pod in waiting_pods(state) for names in (missing_secrets(state, pod),)
              if names}
    told: set[Ref] = set()
    for one in pulls(state):
        told.add(one.app)
        if one.kind != "secret":
            continue
        names = ", ".join(absent.get(one.app, ()))
        why = f"pull secret {names} is not there" if names else "no pull secret of its pods opens it"
        yield Found(
            str(one.app), f"registry {image(one.image).registry} refuses image {one.image} to {one.app}: {why}",
            hurt(state, one.app), one.basis, (one.app.name,), one.message,
            f"create secret {names or 'of type kubernetes.io/dockerconfigjson'} in namespace {one.app.namespace}, and "
            f"name it in imagePullSecrets of {one.app} or of its ServiceAccount", one.since)
    for workload in state.apps:
        namespace = workload.ref.namespace
        missing = [name for name in workload.template.pull_secrets if state.lists("Secret", namespace)
                   and not state.has(Ref("Secret", namespace, name))]
        if missing and workload.ref not in told and workload.wanted != 0 and not short(workload):
            yield Found(
                str(workload.ref), f"{workload.ref} names pull secret {', '.join(missing)}, which is not there: a node "
                "without the image cannot pull it", "risks", "seen", (workload.ref.name,),
                f"imagePullSecrets: {', '.join(missing)}", "create the secret, or name one that exists")


CHECK = Check(id="missing_image_pull_secret", family="startup", sign="image", find=find)
