"""A database takes no writes: it is set so, is a replica, or protects itself.

The wordings are those of the servers: MySQL's errors 1290 and 1836, PostgreSQL's 25006, Redis' READONLY, MongoDB's
10107, SQL Server's 3906, SQLite's 8. A transaction that its client itself opened read-only is the client's matter.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.basics import Ref
from responder.state.databases import runs_here, server, uses
from responder.state.sayings import by_owner, sayings

_SAID = re.compile(
    r"--(?:super-)?read[-_]only option|ER_OPTION_PREVENTS_STATEMENT|[Rr]unning in read-only mode|"
    r"cannot execute \w+(?: \w+)* in a read-only transaction|READONLY You can't write|read only replica|"
    r"NotWritablePrimary|NotMaster\b|not (?:master|primary)\b|database \"?[^\"]*\"? is read-only|"
    r"attempt to write a readonly database|index_create_block|read_only_allow_delete|"
    r"[Dd]atabase is in read[- ]only|The server is in read[- ]only|super_read_only|innodb_read_only")
_SET = re.compile(r"^--(?:super[-_]read[-_]only|read[-_]only|innodb[-_]read[-_]only)(?:=(?:1|on|true|yes))?$|"
                  r"default_transaction_read_only=(?:on|true|1)|^--(?:replicaof|slaveof)$|^--readonly$", re.IGNORECASE)
_REPLICA = re.compile(r"replica|slave|secondary|follower|reader|read", re.IGNORECASE)


def find(state: State) -> Iterator[Found]:
    """Yield databases that refuse writes by what their clients say; and those that are set so though they are written
    to by name.
    """
    known = uses(state)
    said: dict[Ref, list[tuple[str, str]]] = defaultdict(list)
    for owner, one in by_owner(sayings(state, _SAID)).items():
        its = owner if runs_here(state, owner) else server(state, owner, one.text, known) or owner
        said[its].append((one.text, owner.name))
    for its, found in sorted(said.items()):
        why = _setting(state, its)
        yield Found(str(its), f"{its} takes no writes{why}", "stops", "said",
                    (its.name, *(name for _, name in found)), max(found)[0],
                    f"let {its} take writes again, or lead its clients to the one that does")
    for workload in state.apps:
        why = _setting(state, workload.ref)
        if why and workload.ref not in said and workload.wanted != 0 and not _REPLICA.search(workload.ref.name) and (
                runs_here(state, workload.ref)):
            yield Found(str(workload.ref), f"{workload.ref} takes no writes{why}", "lessens", "seen",
                        (workload.ref.name,), why.strip(": "), f"take the setting from {workload.ref}")


def _setting(state: State, ref: Ref) -> str:
    workload = state.workload(ref)
    for container in workload.template.containers if workload else ():
        for argument in (*container.command, *container.args):
            if any(_SET.search(word) for word in argument.split()):
                return f": its container is started with {argument}"[:120]
    return ""


CHECK = Check(id="database_read_only", family="runtime", find=find, follows=("disk_full", "node_disk_pressure"))
