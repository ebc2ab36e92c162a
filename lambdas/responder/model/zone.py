"""The team's time zone, from what is bundled beside the code or from the system.

Lambda's runtimes on Amazon Linux 2023 have no time zone database (aws-lambda-dotnet's issue 1620, "Install tzdb on
provided.al2023 runtime"), and Python's ``zoneinfo`` then needs the package ``tzdata``, 450 files of which one is
wanted. So ``stacks/packaging.py`` puts the one file of each configured zone into ``services/zoneinfo``.
"""

from __future__ import annotations

from datetime import tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from responder.model.service.loading import folder


@cache
def zone(name: str) -> tzinfo | None:
    """Return a zone by its IANA name (``Europe/Berlin``); None where the name is empty or nobody knows it."""
    if not name:
        return None
    try:
        file = folder() / "zoneinfo" / name
        if file.is_file():
            with file.open("rb") as bundled:
                return ZoneInfo.from_file(bundled, key=name)
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
