"""What all tests share: the shipped configuration, checked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePath
from typing import Any

import boto3
import pytest
from botocore import serialize
from botocore.loaders import JSONFileLoader
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from responder.clients import gate
from responder.model.service import Service
from stacks.configuration import read_file
from tests.dynamo import Dynamo
from tests.table import Table

# How long an example takes says something of the machine, not of the code: benches measure that.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
ROOT = Path(__file__).resolve().parent.parent
# Each new session of botocore reads what it knows of the services from files; within a process they stay the same.
_read_file = cache(lambda path, read=JSONFileLoader.load_file: read(JSONFileLoader(), path))
JSONFileLoader.load_file = lambda loader, path: _read_file(path)
# What is deployed writes to DynamoDB without a look at each request (``clients/aws.py``); here each is checked.
_serializer = serialize.create_serializer
serialize.create_serializer = lambda protocol_name, include_validation=True, **more: _serializer(
    protocol_name, True, **more)
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")


@cache
def shipped_service() -> Service:
    """The shipped configuration, read once."""
    return read_file(ROOT / "config" / "payment-gateway.yaml")


@pytest.fixture(scope="session")
def service() -> Service:
    """The shipped configuration."""
    return shipped_service()


@pytest.fixture
def changes_pass() -> Iterator[gate.Gate]:
    """For tests of a remedy by itself, without the step that opens the gate for its changes."""
    with gate.opened(lambda: "") as opened:
        yield opened


@cache
def _dynamodb() -> Any:
    """One client for all: moto answers whichever there is, and a new one takes a tenth of a second."""
    return boto3.Session("none", "none", region_name="us-east-1").client("dynamodb")


def timeline() -> Table:
    """A timeline table, empty, in memory: for tests whose subject is not what is asked of DynamoDB."""
    return Table("timeline", Dynamo())


def timeline_in_aws() -> Table:
    """A timeline table, empty, in the AWS that moto plays just now."""
    client = _dynamodb()
    client.create_table(TableName="timeline", BillingMode="PAY_PER_REQUEST", KeySchema=[
        {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")])
    return Table("timeline", client)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the drills, which wait most of the time while other workers have the machine, then with what is long.

    What is long and begins last keeps one worker busy while the others have nothing left.
    """
    items.sort(key=lambda item: (item.get_closest_marker("drill") is None, item.get_closest_marker("long") is None
                                 and item.path.parent.name not in _SHARED_BY_A_FOLDER))


_SHARED_BY_A_FOLDER = ("cluster", "drills", "stacks", "pages")
"""A control plane, a sandbox, a synthesized template or a browser serves all tests of such a folder."""


class _Shared(LoadScopeScheduling):
    """Lets one worker run the tests that share what is dear to make: those of a file, or of a folder."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePath(nodeid.partition("::")[0])
        return str(file.parent if file.parent.name in _SHARED_BY_A_FOLDER else file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Shared:
    """Share the tests among the workers of ``pytest -n``."""
    return _Shared(config, log)
