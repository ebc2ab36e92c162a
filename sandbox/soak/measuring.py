"""What processes of this machine hold: memory and open handles, by Linux's ``/proc``."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

_PROC = Path("/proc")


def held(processes: Mapping[str, int], proc: Path = _PROC) -> dict[str, float]:
    """Return memory in MB and open handles of each process by its name, and of all its descendants together.

    A process that ended meanwhile is left out.
    """
    found: dict[str, float] = {}
    children = _children(proc)
    for name, number in processes.items():
        own = _one(number, proc)
        if own is None:
            continue
        found[f"{name}: MB"], found[f"{name}: handles"] = own
        workers = [one for one in (_one(child, proc) for child in _below(number, children)) if one]
        if workers:
            found[f"{name}'s workers: processes"] = float(len(workers))
            found[f"{name}'s workers: MB"] = sum(memory for memory, _ in workers)
            found[f"{name}'s workers: handles"] = sum(handles for _, handles in workers)
    return found


def descendants(number: int) -> list[int]:
    """Return the processes that a process started, and those that these did."""
    return _below(number, _children(_PROC))


def _one(number: int, proc: Path) -> tuple[float, float] | None:
    """Return the resident memory in MB without what is shared with files, and the open handles."""
    folder = proc / str(number)
    try:
        fields = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
        kilobytes = int((fields.get("RssAnon") or fields["VmRSS"]).split()[0])
        return kilobytes / 1024, float(len(os.listdir(folder / "fd")))
    except (OSError, KeyError, ValueError):
        return None


def _children(proc: Path) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for folder in proc.iterdir():
        if folder.name.isdigit():
            try:
                # The name in brackets may hold blanks and brackets; the parent is the second field behind it.
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            found[parent].append(int(folder.name))
    return found


def _below(number: int, children: Mapping[int, list[int]]) -> list[int]:
    left, found = [number], []
    while left:
        here = children.get(left.pop(), [])
        found += here
        left += here
    return found
