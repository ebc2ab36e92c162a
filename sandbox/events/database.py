"""The database instance fails, or somebody sets parameters of its group."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from sandbox.events.event import Event, Fields, Scalar, known
from sandbox.places import ACCOUNT, DATABASE, REGION
from sandbox.platform.engines import ENGINES
from sandbox.platform.layers import Layer
from sandbox.vendors.db_groups import group_of, parameters_told

if TYPE_CHECKING:
    from sandbox.parts import Sandbox

ParameterName = Annotated[str, AfterValidator(
    lambda value: known(value, ENGINES["postgres"].names, "a parameter of PostgreSQL 16"))]
"""Another engine's parameter of the same effect is set in its place, in the database's world."""
_SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:payments-db/payment-gateway-Ab3dE9"
_ORDINALS = ("second", "third", "fourth", "fifth")


class DatabaseFault(Fields):
    """A fault or parameters, one of them."""

    fault: Literal["refuses_connections", "connections_exhausted", "failing_over", "storage_full", "slow",
                   "rejects_credentials"] | None = None
    parameters: dict[ParameterName, Scalar] | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _one(self) -> DatabaseFault:
        if (self.fault is None) is (self.parameters is None):
            raise ValueError("fault or parameters, one of them")
        return self


@dataclass(frozen=True)
class Trace:
    """What the event did: a fault, with the password where it rotated one; or the parameters."""

    fault: int = 0
    password: Layer[None, str] | None = None
    parameters: tuple[Layer[str, str | None], ...] = ()


def apply(sandbox: Sandbox, fields: DatabaseFault) -> Trace:
    """Bring the fault about, or set the parameters."""
    if fields.parameters is not None:
        return _set(sandbox, fields.parameters)
    if fields.fault == "rejects_credentials":
        return _rotate(sandbox)
    leaking = frozenset(pod["metadata"]["uid"] for pod in sandbox.running_pods
                        if pod["metadata"].get("labels", {}).get("app") == "ledger-export")
    with sandbox.lock:
        return Trace(sandbox.world.database.set_fault(fields.fault or "", time.time(), leaking))


def _set(sandbox: Sandbox, values: Mapping[str, str]) -> Trace:
    with sandbox.lock:
        world = sandbox.world
        called = world.database.speech.called
        values = {called.get(name, name): value for name, value in values.items()}
        layers = tuple(world.parameters.lay(name, value, world.database.parameters.get(name))
                       for name, value in values.items())
    _write(sandbox, values)
    return Trace(parameters=layers)


def _write(sandbox: Sandbox, values: Mapping[str, str | None]) -> None:
    with sandbox.lock:
        database = sandbox.world.database
        group, kind = group_of(database), "Cluster" if database.speech.aurora else ""
        database.set_parameters(time.time(), values)
        sandbox.world.record(f"ModifyDB{kind}ParameterGroup", "rds", "database-admin",
                             ((f"AWS::RDS::DB{kind}ParameterGroup", group),), **parameters_told(group, values))


def _rotate(sandbox: Sandbox) -> Trace:
    """Rotate the password: the Secret has the new one, the pods that run still have the old."""
    with sandbox.lock:
        world = sandbox.world
        database = world.database
        number = database.set_fault("rejects_credentials", time.time())
        ordinal = _ORDINALS[min(len(world.passwords.at(None)), len(_ORDINALS) - 1)]
        layer = world.passwords.lay(None, f"{ordinal}-password", database.password)
        database.password = layer.value
        world.record_of_service("RotationSucceeded", "secretsmanager", SecretId=_SECRET)
        world.record("ModifyDBInstance", "rds", "rotation", (("AWS::RDS::DBInstance", DATABASE),),
                     dBInstanceIdentifier=DATABASE, masterUserPassword="****")
    _share_password(sandbox)
    return Trace(number, layer)


def _share_password(sandbox: Sandbox) -> None:
    sandbox.cluster.patch("Secret", "payment-gateway-db", {"stringData": {"password": sandbox.world.database.password}})


def heal(sandbox: Sandbox, trace: Trace) -> None:
    """Take this fault away, or set the parameters that this event set to what they were."""
    with sandbox.lock:
        world = sandbox.world
        if trace.fault:
            world.database.heal(time.time(), trace.fault)
        if trace.password:
            world.database.password = world.passwords.lift(trace.password)
        counted = [layer for layer in trace.parameters if world.parameters.is_top(layer)]
        former = {layer.place: world.parameters.lift(layer) for layer in trace.parameters}
    if trace.password:
        _share_password(sandbox)
    if counted:
        _write(sandbox, {layer.place: former[layer.place] for layer in counted})


EVENT = Event("database", DatabaseFault, apply, heal)
