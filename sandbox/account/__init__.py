"""The rest of the AWS account: what other teams run beside the platform, and do.

In the world ``account: busy`` there are other teams' machines, databases, secrets, security groups, alarms and AWS
Health events, and thousands of reads an hour in CloudTrail; in ``quiet`` the platform is alone. One file here is one
kind. All of it follows from a seed and from the time, so that the same drill meets the same account, and is made when
somebody asks for it. Names are chosen to be taken for the platform's by whoever does not look closely.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["busy", "quiet"]


@dataclass(frozen=True)
class Account:
    """The account around the platform."""

    kind: Kind = "quiet"
    seed: str = "steady"

    @property
    def busy(self) -> bool:
        """Whether others use the account."""
        return self.kind == "busy"
