"""New Relic's entities: the applications that have reported, as ``entitySearch`` finds them.

Format: New Relic's page "NerdGraph tutorial: View entity data"; a page has 200 entities at most.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.platform.objects import KINDS
from sandbox.vendors.wire import opened, sealed

_PAGE = 200
_OTHERS = ("orders", "payment-gateway-staging", "checkout-worker")


def search(variables: dict[str, Any], account: int, busy: bool) -> dict[str, Any]:
    """Return ``actor.entitySearch``; raises ValueError for a query that is none."""
    query = str(variables.get("query") or "")
    wanted = re.search(r"accountId\s*=\s*(\d+)", query)
    if not query:
        raise ValueError('Field "entitySearch" argument "query" must not be empty')
    names = [] if wanted and int(wanted[1]) != account else [*KINDS, *(_OTHERS if busy else ())]
    first = int(opened(variables["cursor"])[0]) if variables.get("cursor") else 0
    following = first + _PAGE
    return {"count": len(names), "results": {
        "nextCursor": sealed(str(following)) if following < len(names) else None,
        "entities": [{"name": name, "domain": "APM", "reporting": True} for name in names[first:following]]}}
