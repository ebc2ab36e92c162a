"""Reserved concurrency: how many copies of a function may run at once, whatever else runs in the account.

Reserved concurrency is a guarantee and a limit alike (AWS: "Configuring reserved concurrency for a function"). The
numbers are for an account with the usual quota of 1,000, of which AWS keeps 100 for functions that reserve nothing.
New accounts have a quota of 10, where a deployment that reserves anything fails: there it is switched off.

    cdk deploy -c reserved_concurrency=off
    cdk deploy -c reserved_concurrency=decide=20,tell=10,page=5
"""

from __future__ import annotations

from constructs import Construct

CONTEXT = "reserved_concurrency"
RESERVED = {"decide": 50, "tell": 20, "timeline": 70, "page": 10, "signals": 5}
"""``decide``: a storm of 1,000 alarms starts 1,000 executions, whose first step takes half a second. 50 copies
open or attach them in 10 s, and load elsewhere in the account cannot block the decisions. ``tell``: a message
needs up to a dozen calls of 8 s to channels; 20 copies serve several incidents at once. ``timeline``: both
write their entries through it, so it gets the sum of both. ``page``: anybody can call its address; 10 copies
serve a hundred people a second, and limit how much of the account a flood of requests can take. ``signals``: so can
anybody; 5 copies take 50 alerts a second, and other systems send theirs again."""
LEFT_FOR_OTHERS = 100


class RoomError(Exception):
    """The context names impossible reservations."""


def reserved(scope: Construct, function: str) -> int | None:
    """Return how many concurrent executions ``function`` reserves; None: it reserves none. Raises RoomError.

    A function that the context does not name has its number from ``RESERVED``.
    """
    given = scope.node.try_get_context(CONTEXT)
    if given == "off":
        return None
    own = dict(RESERVED)
    for part in str(given or "").split(","):
        name, sign, number = (text.strip() for text in part.partition("="))
        if not part.strip():
            continue
        # 0 is refused: Lambda would not run the function at all.
        if not sign or name not in RESERVED or not number.isascii() or not number.isdigit() or not int(number):
            raise RoomError(f"{CONTEXT} is off, or pairs such as decide=20 of {', '.join(RESERVED)} with numbers from "
                            f"1 on; it has {part.strip()!r}")
        own[name] = int(number)
    return own[function]
