"""The account and the Region whose cluster, database and metrics are asked, where they are not the function's own.

A service names them by ``aws.role_arn``, ``aws.external_id`` and ``aws.region``. Each function has a role of its own
there, with the same rights as its own role would have at home (``stacks/member.py``): a function that only asks cannot
assume the role of one that changes something. Sources: AWS's pages "Access to AWS accounts owned by third parties"
(external ids) and "STS: AssumeRole".
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

from responder.model.frozen import dataclass
from responder.model.service import Service

if TYPE_CHECKING:
    from botocore.session import Session

_SECONDS = 3600
"""How long credentials last. botocore asks for new ones a quarter of an hour before they expire."""


@dataclass(frozen=True)
class Target:
    """Where a call goes, and as whom."""

    role_arn: str = ""
    """The role that is assumed first; empty: the function's own."""
    external_id: str = ""
    region: str = ""
    """Empty: the function's own."""


HERE = Target()
_target: ContextVar[Target] = ContextVar("_target", default=HERE)


def of_service(service: Service, function: str) -> Target:
    """Return where a service is, and the role there of the function called ``function``."""
    aws = service.aws
    if not aws.role_arn:
        return Target(region=aws.region)
    return Target(aws.role_arn + function.removeprefix(service.prefix), aws.external_id, aws.region)


@contextmanager
def aimed(service: Service) -> Iterator[None]:
    """Within the block, calls that ask after a service go to where it is."""
    token = _target.set(of_service(service, os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")))
    try:
        yield
    finally:
        _target.reset(token)


@contextmanager
def at_home() -> Iterator[None]:
    """Within the block, all calls go to the function's own account and Region."""
    token = _target.set(HERE)
    try:
        yield
    finally:
        _target.reset(token)


def current() -> Target:
    """Return where calls that ask after a service go just now."""
    return _target.get()


@cache
def session(target: Target) -> Session:
    """Return botocore's session of a target; its credentials are asked for when they are first needed, and kept."""
    from botocore.credentials import (
        AssumeRoleCredentialFetcher,
        CredentialResolver,
        DeferredRefreshableCredentials,
    )

    own = _session()
    if not target.role_arn:
        return own
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=own.create_client, source_credentials=own.get_credentials(), role_arn=target.role_arn,
        extra_args={"RoleSessionName": target.role_arn.rpartition("/")[2][:64], "DurationSeconds": _SECONDS,
                    **({"ExternalId": target.external_id} if target.external_id else {})})

    class Assumed:
        METHOD = "assume-role"

        def load(self) -> DeferredRefreshableCredentials:
            return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)

    theirs = _session()
    theirs.register_component("credential_provider", CredentialResolver([Assumed()]))
    return theirs


def _session() -> Session:
    """Return a session that lists the folders of botocore's models once (its own looks into each of 430), and that
    reads answers by ``aws_json.py``.
    """
    from botocore.loaders import Loader
    from botocore.session import get_session

    from responder.clients.aws_json import Parsers

    class Models(Loader):  # type: ignore[misc]  # botocore has no types
        def list_available_services(self, type_name: str) -> list[str]:
            """Return the names of the folders: what one lacks is seen when it is loaded."""
            return sorted({folder.name for path in self.search_paths if os.path.isdir(path)
                           for folder in os.scandir(path) if folder.is_dir()})

    made = get_session()
    made.register_component("data_loader", Models())
    made.register_component("response_parser_factory", Parsers())
    return made
