"""Reserved concurrency: how many copies of a function may run at once, whatever else runs in the account.

Reserved concurrency is a guarantee and a limit alike (AWS: "Configuring reserved concurrency for a function"). The
numbers are for an account with the usual quota of 1,000, of which AWS keeps 100 for functions that reserve nothing.
New accounts have a quota of 10, where a deployment that reserves anything fails: there it is switched off.

    cdk deploy -c reserved_concurrency=off
    cdk deploy -c reserved_concurrency=decide=20,tell=10,page=5
    cdk deploy -c account_concurrency=5000

All other functions reserve what one incident of each service needs of them, so that none of them waits for what else
runs in the account, and none takes more than that.
"""

from __future__ import annotations

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

CONTEXT = "reserved_concurrency"
RESERVED = {"decide": 50, "tell": 20, "timeline": 70, "page": 10, "answer": 10, "signals": 5}
"""``decide``: a storm of 1,000 alarms starts 1,000 executions, whose first step takes half a second. 50 copies
open or attach them in 10 s, and load elsewhere in the account cannot block the decisions. ``tell``: a message
needs up to a dozen calls of 8 s to channels; 20 copies serve several incidents at once. ``timeline``: both
write their entries through it, so it gets the sum of both. ``page``: anybody can call its address; 10 copies
serve a hundred people a second, and limit how much of the account a flood of requests can take. ``answer``: the same
for people whom IAM knows; others do not reach it. ``signals``: anybody can call its address; 5 copies take 50 alerts a
second, and other systems send theirs again."""
LEFT_FOR_OTHERS = 100
QUOTA_CONTEXT = "account_concurrency"
QUOTA = 1_000
"""The account's concurrent executions (AWS: "Lambda quotas"), where the context names no other number."""
_EACH_SERVICE = 2
"""A service has one incident at a time, which asks a source or a remedy once; a repeat may overlap a late answer."""


class RoomError(Exception):
    """The context names impossible reservations."""


def reserved(scope: Construct, function: str) -> int | None:
    """Return how many concurrent executions ``function`` reserves; None: it reserves none. Raises RoomError.

    A function that the context does not name has its number from ``RESERVED``.
    """
    return None if _off(scope) else _own(scope)[function]


def reserve_the_rest(stack: Construct, services: int) -> None:
    """Let each function that reserves nothing yet reserve what one incident of each service needs of it.

    Raises RoomError where the account has no room for that.
    """
    if _off(stack):
        return
    functions = [function for function in stack.node.find_all() if isinstance(function, lambda_.CfnFunction)
                 and function.reserved_concurrent_executions is None]
    quota = _number(QUOTA_CONTEXT, str(stack.node.try_get_context(QUOTA_CONTEXT) or QUOTA))
    left = quota - LEFT_FOR_OTHERS - sum(_own(stack).values())
    each = min(_EACH_SERVICE * services, left // max(1, len(functions)))
    if each < 1:
        raise RoomError(f"{QUOTA_CONTEXT} is {quota}: with {LEFT_FOR_OTHERS} left for other functions, nothing is left "
                        f"for {len(functions)} functions; raise the account's quota, or set {CONTEXT}=off")
    for function in functions:
        function.reserved_concurrent_executions = each


def _off(scope: Construct) -> bool:
    return bool(scope.node.try_get_context(CONTEXT) == "off")


def _own(scope: Construct) -> dict[str, int]:
    own = dict(RESERVED)
    for part in str(scope.node.try_get_context(CONTEXT) or "").split(","):
        name, sign, number = (text.strip() for text in part.partition("="))
        if not part.strip():
            continue
        if not sign or name not in RESERVED:
            raise _refused(CONTEXT, part.strip())
        own[name] = _number(CONTEXT, number)
    return own


def _number(context: str, given: str) -> int:
    # 0 is refused: Lambda would not run the function at all.
    if not given.isascii() or not given.isdecimal() or not int(given):
        raise _refused(context, given)
    return int(given)


def _refused(context: str, given: str) -> RoomError:
    if context == QUOTA_CONTEXT:
        return RoomError(f"{QUOTA_CONTEXT} is a number from 1 on; it is {given!r}")
    return RoomError(f"{CONTEXT} is off, or pairs such as decide=20 of {', '.join(RESERVED)} with numbers from 1 on; "
                     f"it has {given!r}")
