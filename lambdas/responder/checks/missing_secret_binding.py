"""A workload lacks a Secret that others of its kind take their credentials from.

It connects without a password and is refused, or lacks what its peers have while a Secret made for it lies unused.
"""

from __future__ import annotations

import re
from collections import Counter
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
    for workload in state.apps:
        for name, why in _lacks(state, workload):
            quiet = not serves_nobody(state, workload.ref) and workload.ref not in said
            if quiet or workload.ref in told:
                continue
            told.add(workload.ref)
            yield Found(str(workload.ref), f"{workload.ref} is not given Secret {name}: {why}",
                        "stops", "said" if workload.ref in said else "seen", (workload.ref.name,),
                        said.get(workload.ref, f"Secret {name}"),
                        f"give the containers of {workload.ref} Secret {name}")
    for owner, text in sorted(said.items()):
        spec = spec_of(state, owner)
        variables = [] if spec is None else [one for container in spec.containers for one in container.environment]
        if spec and owner not in told and not secrets(spec) and not any(
                not one.name or (_SECRETIVE.search(one.name) and one.value) for one in variables):
            yield Found(str(owner), f"{owner} connects without a password: it is given no Secret", "stops", "said",
                        (owner.name,), text, f"give the containers of {owner} the Secret of its credentials")


def _lacks(state: State, workload: Workload) -> Iterator[tuple[str, str]]:
    """Yield Secrets that a workload should have: made for it by their names, as its peers' are, or common to them."""
    here = [one for one in state.apps if one.ref.namespace == workload.ref.namespace and one.wanted != 0]
    own = secrets(workload.template)
    peers = [one for one in here if one.ref != workload.ref and one.ref.kind == workload.ref.kind]
    affixes = Counter(name.replace(one.ref.name, "*") for one in peers for name in secrets(one.template)
                      if one.ref.name in name)
    unused = {ref.name for ref in {*state.keys, *(meta.ref for meta in state.others)} if ref.kind == "Secret"
              and ref.namespace == workload.ref.namespace} - {name for one in here for name in secrets(one.template)}
    for affix, count in sorted(affixes.items()):
        name = affix.replace("*", workload.ref.name)
        if name not in own and (name in unused or (count > 2 and count * 2 > len(peers))):
            yield name, "the others have theirs" if name not in unused else "it is there and nobody takes it"
    common = Counter(name for one in peers if _same_image(one, workload) for name in secrets(one.template))
    for name, count in sorted(common.items()):
        if count > 1 and name not in own and count == sum(_same_image(one, workload) for one in peers):
            yield name, "all others of its image have it"


def _same_image(one: Workload, other: Workload) -> bool:
    first, second = ([its.image.partition("@")[0].rpartition("/")[2].partition(":")[0]
                      for its in workload.template.containers] for workload in (one, other))
    return bool(first) and first == second


CHECK = Check(id="missing_secret_binding", family="runtime", sign="definition", find=find, follows=("missing_config",))
