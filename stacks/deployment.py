"""A deployment's own settings: what holds for all services together, and names it among others in one account.

They are in ``deployment.yaml`` in the folder of the services' configuration, which is optional: without it, and for
each field that it leaves out, the defaults here hold. ``stacks/configuration.py`` reads it and names what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from stacks.nearest import Found

FILE = "deployment.yaml"
"""The reserved file name in the configuration folder; no service is read from it."""
DEFAULT_PREFIX = "incident-response"
_PREFIX = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_PREFIX = 24
"""The longest name of a function is the prefix with 40 characters behind it; Lambda allows 64."""
_POLICY = re.compile(r"arn:aws(-[a-z]+)*:iam::(\d{12}|aws):policy/[\w+=,.@/-]+|[\w+=,.@-]{1,128}")
_PATH = re.compile(r"/([!-.0-~]+/)*")
_LONGEST_PATH = 512
_LONG_DAYS = 3650
"""Ten years, longer than auditors ask for."""


@dataclass(frozen=True)
class Keys:
    """What is encrypted with the deployment's own KMS key as well; the records always are.

    Without it AWS encrypts with a key of its own. Each costs calls of KMS, and rights to the key for who reads it.
    """

    logs: bool = False
    """The functions' and the state machine's log groups."""
    queues: bool = False
    """The queues for what could not be delivered."""
    execution_data: bool = False
    """What the state machine's states pass on, and its definition."""
    environment: bool = False
    """The functions' environment variables. They hold names and addresses, and no secrets."""


@dataclass(frozen=True)
class ObjectLock:
    """For how long nobody can delete a version of a finished report (S3 Object Lock)."""

    mode: Literal["governance", "compliance"] = "governance"
    """``governance``: who has s3:BypassGovernanceRetention can. ``compliance``: nobody can, the account's root user
    included, and nobody can shorten it."""
    days: int = 0
    """For services without ``reports.lock_days`` of their own; 0: their reports are not locked."""


@dataclass(frozen=True)
class Settings:
    """The settings of one deployment: one stack with all services of a configuration folder."""

    prefix: str = DEFAULT_PREFIX
    """The beginning of every name: functions, state machine, policies, alarms, SSM parameters, the stack. Deployments
    that share an account and a Region need different ones."""
    permissions_boundary: str = ""
    """The ARN or the name of a managed policy that limits every role of the deployment; empty: none."""
    role_path: str = "/"
    """The path of every role and policy of the deployment, such as ``/platform/``."""
    keys: Keys = field(default_factory=Keys)
    object_lock: ObjectLock = field(default_factory=ObjectLock)
    dashboard: bool = False
    """Whether there is a CloudWatch dashboard of incidents, sources, refusals, approvals, cost and the responder's own
    alarms. $3 a month beyond the three that an account has for nothing; no step of an incident needs it."""

    @property
    def stack_name(self) -> str:
        """The name of the CloudFormation stack: the prefix in camel case, ``IncidentResponse`` by default."""
        return "".join(part.capitalize() for part in self.prefix.split("-"))


def _prefix(settings: Settings) -> Iterator[Found]:
    prefix = settings.prefix
    if not _PREFIX.fullmatch(prefix) or len(prefix) > _LONGEST_PREFIX:
        yield (("prefix",), repr(prefix),
               f"up to {_LONGEST_PREFIX} lower-case letters, digits and single hyphens, beginning with a letter")
    elif prefix.startswith(f"{DEFAULT_PREFIX}-"):
        # The rule of the deployment with the default prefix takes alarms whose names begin with it and a hyphen.
        yield (("prefix",), repr(prefix), f"a prefix that does not begin with {DEFAULT_PREFIX}-, such as "
                                          f"stage-{DEFAULT_PREFIX}")


def _roles(settings: Settings) -> Iterator[Found]:
    if settings.permissions_boundary and not _POLICY.fullmatch(settings.permissions_boundary):
        yield (("permissions_boundary",), repr(settings.permissions_boundary),
               "the ARN or the name of a managed policy of IAM")
    if not _PATH.fullmatch(settings.role_path) or len(settings.role_path) > _LONGEST_PATH:
        yield ("role_path",), repr(settings.role_path), "a path of IAM, with / at both ends, such as /platform/"


def _lock(settings: Settings) -> Iterator[Found]:
    if settings.object_lock.days < 0:
        yield ("object_lock", "days"), str(settings.object_lock.days), "days, or 0 for no lock"


def _long_lock(settings: Settings) -> Iterator[Found]:
    if settings.object_lock.mode == "compliance" and settings.object_lock.days > _LONG_DAYS:
        yield (("object_lock", "days"), f"{settings.object_lock.days} days in mode compliance",
               "a time after which you may delete them: nobody can shorten it, the account's root user neither")


CHECKS: tuple[Callable[[Settings], Iterator[Found]], ...] = (_prefix, _roles, _lock)
WARNINGS: tuple[Callable[[Settings], Iterator[Found]], ...] = (_long_lock,)
"""What works, and is probably not meant."""
