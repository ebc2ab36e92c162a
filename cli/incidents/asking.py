"""What people are told where AWS refuses what they may not do: whom to ask for which right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from botocore.exceptions import ClientError

from cli.output import NOT_ASKED, Refused
from responder.clients.aws import UNAUTHORIZED

Role = Literal["on-call", "read-only"]
"""The policy that has a right; see ``cli/incidents/rights.py``."""
SIGNED_OUT = frozenset({"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException",
                        "InvalidToken", "RequestExpired", "SignatureDoesNotMatch"})


@contextmanager
def asking(what: str, right: str, role: Role = "on-call") -> Iterator[None]:
    """Turn AWS's refusals within the block into Refused; other errors pass.

    ``what`` is what somebody wanted, as in "you may not …"; ``right`` is the IAM action that it needs.
    """
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in SIGNED_OUT:
            raise Refused(f"AWS does not take your credentials ({code}): sign in again (aws sso login)",
                          NOT_ASKED) from error
        if code in UNAUTHORIZED:
            raise Refused(may_not(what, right, role), NOT_ASKED) from error
        raise


def may_not(what: str, right: str, role: Role) -> str:
    """Return how people are told that they may not do something, and whom to ask."""
    return (f"you may not {what} ({right}): ask whoever deploys the responder for the policy that `responder rights "
            f"{role}` prints")
