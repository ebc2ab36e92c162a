"""The AWS account as whoever runs the doctor sees it, and the deployed stack in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.doctor.model import NotKnown
from stacks.deployed import NoStack, described

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException",
                    "UnauthorizedOperation", "403", "NotAuthorized", "NotAuthorizedException"})
MISSING = frozenset({"ResourceNotFoundException", "ResourceNotFound", "NoSuchEntity", "NotFound", "NotFoundException",
                     "StateMachineDoesNotExist", "ResourceNotFoundFault", "ParameterNotFound", "NoSuchBucket", "404",
                     "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"})
"""How services say that something is not there."""
_ACTIONS = {"lambda:Invoke": "lambda:InvokeFunction", "s3:HeadBucket": "s3:ListBucket",
            "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
            "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
            "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock"}
"""Operations whose right has another name (Service Authorization Reference)."""
_PREFIXES = {"stepfunctions": "states"}
_CONNECT_SECONDS, _READ_SECONDS = 3, 10


def code_of(error: ClientError) -> str:
    """Return AWS' own word for an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_missing(error: ClientError) -> bool:
    """Whether an error says that something is not there."""
    return code_of(error) in MISSING


@dataclass(frozen=True)
class Resource:
    """A resource of the stack."""

    kind: str
    """CloudFormation's type: ``AWS::Events::Rule``."""
    logical: str
    physical: str


@dataclass(frozen=True)
class Stack:
    """The deployed stack."""

    name: str
    status: str
    outputs: Mapping[str, str]
    resources: tuple[Resource, ...]

    def of(self, kind: str) -> list[Resource]:
        """Return the resources of a type."""
        return [resource for resource in self.resources if resource.kind == kind]

    def output(self, name: str) -> str:
        """Return an output; raises NotKnown where this version of the stack has none of that name."""
        if name not in self.outputs:
            raise NotKnown(f"the stack {self.name} has no output {name}", "deploy it again: make deploy")
        return self.outputs[name]


class NotDeployed(NotKnown):
    """The stack is not there."""


class Account:
    """One account and Region, by one identity."""

    def __init__(self, session: boto3.Session, stack_name: str) -> None:
        self._session, self._stack_name = session, stack_name
        self._clients: dict[str, Any] = {}
        self._lock, self._stack_lock = threading.RLock(), threading.Lock()
        self._stack: Stack | NotKnown | None = None
        self.region = str(session.region_name or "")
        identity = self.client("sts").get_caller_identity()
        self.id, self.caller = str(identity["Account"]), str(identity["Arn"])
        self.partition = self.caller.split(":")[1]

    @property
    def session(self) -> boto3.Session:
        """The session of boto3, for what signs requests by itself."""
        return self._session

    def client(self, service: str, read_seconds: int = _READ_SECONDS, attempts: int = 3) -> Any:
        """Return a client that gives up soon; made once, because boto3 makes none side by side."""
        with self._lock:
            key = f"{service} {read_seconds} {attempts}"
            if key not in self._clients:
                self._clients[key] = self._session.client(service, config=Config(
                    connect_timeout=_CONNECT_SECONDS, read_timeout=read_seconds, max_pool_connections=32,
                    retries={"mode": "standard", "total_max_attempts": attempts}))
            return self._clients[key]

    @contextmanager
    def asking(self, service: str) -> Iterator[None]:
        """Turn a refusal or a silence of AWS within the block into NotKnown; other errors of AWS pass."""
        try:
            yield
        except ClientError as error:
            if code_of(error) not in DENIED:
                raise
            named = f"{_PREFIXES.get(service, service)}:{error.operation_name}"
            right = _ACTIONS.get(named, named)
            raise NotKnown(f"you may not do {right}", f"run it as somebody who may, or allow {right} to {self.caller}"
                           ) from error
        except BotoCoreError as error:
            raise NotKnown(f"{service} could not be asked: {type(error).__name__}") from error

    @property
    def stack(self) -> Stack:
        """The deployed stack, read once; raises NotKnown, NotDeployed."""
        with self._stack_lock:
            if self._stack is None:
                try:
                    self._stack = self._read_stack()
                except NotKnown as failed:
                    self._stack = failed
            if isinstance(self._stack, NotKnown):
                raise self._stack
            return self._stack

    def _read_stack(self) -> Stack:
        client, name = self.client("cloudformation"), self._stack_name
        with self.asking("cloudformation"):
            try:
                found = described(client, name)
            except NoStack as error:
                raise NotDeployed(f"there is no stack {name} in account {self.id}, {self.region}",
                                  "deploy it: make deploy; or name another --profile, --region or --config") from error
            resources = [Resource(item["ResourceType"], item["LogicalResourceId"], item.get("PhysicalResourceId", ""))
                         for page in client.get_paginator("list_stack_resources").paginate(StackName=name)
                         for item in page["StackResourceSummaries"]]
        return Stack(name, found.status, found.outputs, tuple(resources))
