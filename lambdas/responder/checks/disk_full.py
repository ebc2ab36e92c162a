"""A workload cannot write, because a volume or its node's disk is full.

The wordings are those of Linux (``ENOSPC``, ``EDQUOT``) and of databases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from responder.checks import Check, Found
from responder.state import State
from responder.state.sayings import by_owner, sayings

_SAID = re.compile(r"[Nn]o space left on device|ENOSPC|[Dd]isk quota exceeded|EDQUOT|could not extend file|"
                   r"[Dd]isk is full|[Dd]isk full|The table '[^']+' is full|not enough space on the disk|"
                   r"flood stage disk watermark|MISCONF Redis is configured to save")


def find(state: State) -> Iterator[Found]:
    """Yield workloads that say that there is no room left."""
    for owner, one in by_owner(sayings(state, _SAID)).items():
        yield Found(str(owner), f"{owner} cannot write: its disk is full", "lessens", "said", (owner.name,), one.text,
                    f"free or enlarge the volume of {owner}")


CHECK = Check(id="disk_full", family="runtime", find=find, follows=("node_disk_pressure",))
