"""A workload lacks a Secret that others of its kind take their credentials from.

It connects without a password and is refused, or lacks what its peers have while a Secret made for it lies unused.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.sayings import by_owner, sayings, serves_nobody
from responder.state.variables import secrets, spec_of
from responder.state.workloads import Workload

_NO_PASSWORD = re.compile(
    r"using password: NO\)|no password supplied|password (?:is )?(?:missing|not (?:set|provided))|NOAUTH|"
    r"password must be a string|empty password|fe_sendauth: no password|Failed to configure a DataSource|"
    r"'?url'? attribute is not specified|jdbcUrl is required|requires authentication|"
    r"DATASOURCE_\w+.*(?:not set|missing)")
_SECRETIVE = re.compile(r"PASS|PWD|SECRET|TOKEN|CREDENTIAL|API_?KEY", re.IGNORECASE)


def find(state: State) -> Iterator[Found]:
    """Yield workloads that lack a Secret."""
    said = {owner: one.text for owner, one in by_owner(sayings(state, _NO_PASSWORD)).items()}
    told: set[Ref] = set()
    for workload, name, why in _lacks(state):
        quiet = not serves_nobody(state, workload.ref) and workload.ref not in said
        if quiet or workload.ref in told:
            continue
        told.add(workload.ref)
        yield Found(str(workload.ref), f"{workload.ref} is not given Secret {name}: {why}", "stops",
                    "said" if workload.ref in said else "seen", (workload.ref.name,),
                    said.get(workload.ref, f"Secret {name}"), f"give the containers of {workload.ref} Secret {name}")
    for owner, text in sorted(said.items()):
        spec = spec_of(state, owner)
        variables = [] if spec is None else [one for container in spec.containers for one in container.environment]
        if spec and owner not in told and not secrets(spec) and not any(
                not one.name or (_SECRETIVE.search(one.name) and one.value) for one in variables):
            yield Found(str(owner), f"{owner} connects without a password: it is given no Secret", "stops", "said",
                        (owner.name,), text, f"give the containers of {owner} the Secret of its credentials")


def _lacks(state: State) -> Iterator[tuple[Workload, str, str]]:
    """Yield Secrets that workloads should have: made for them by their names, as their peers' are, or common to all."""
    groups: dict[tuple[str, str], list[Workload]] = defaultdict(list)
    for one in state.apps:
        if one.wanted != 0:
            groups[one.ref.namespace, one.ref.kind].append(one)
    taken = {(one.ref.namespace, name) for one in state.apps for name in secrets(one.template)}
    unused = {(ref.namespace, ref.name) for ref in {*state.keys, *(meta.ref for meta in state.others)}
              if ref.kind == "Secret"} - taken
    for (space, _), here in sorted(groups.items()):
        of = {one.ref: secrets(one.template) for one in here}
        affixes = Counter(name.replace(one.ref.name, "*") for one in here for name in of[one.ref]
                          if one.ref.name in name)
        images: dict[tuple[str, ...], list[Workload]] = defaultdict(list)
        for one in here:
            images[_images(one)].append(one)
        for workload in here:
            own = of[workload.ref]
            for affix, count in sorted(affixes.items()):
                name = affix.replace("*", workload.ref.name)
                idle = (space, name) in unused
                if name not in own and (idle or (count > 2 and count * 2 > len(here) - 1)):
                    yield workload, name, "it is there and nobody takes it" if idle else "the others have theirs"
            peers = [one for one in images[_images(workload)] if one.ref != workload.ref]
            common = frozenset.intersection(*(of[one.ref] for one in peers)) if len(peers) > 1 else frozenset[str]()
            for name in sorted(common - own):
                yield workload, name, "all others of its image have it"


def _images(workload: Workload) -> tuple[str, ...]:
    return tuple(its.image.partition("@")[0].rpartition("/")[2].partition(":")[0]
                 for its in workload.template.containers)


CHECK = Check(id="missing_secret_binding", family="runtime", sign="definition", find=find, follows=("missing_config",))
