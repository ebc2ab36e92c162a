"""RDS's parameter groups: the instance's, and the cluster's, which counts where the database is one of Aurora.

Formats: AWS's "Amazon RDS API Reference": DescribeDBParameters, ModifyDBParameterGroup, ResetDBParameterGroup, and the
same of clusters (DescribeDBClusterParameters, …); "Amazon Aurora DB cluster and DB instance parameters". Both groups
are there in every world, as a group may be that no database uses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.platform.database import Database
from sandbox.platform.state import World
from sandbox.vendors.gate import Gates
from sandbox.vendors.rds_wire import paged
from sandbox.vendors.wire import Refused, filters

PARAMETER_GROUP, CLUSTER_PARAMETER_GROUP = "payments-pg16", "payments-cluster-parameters"
_MOST_PARAMETERS = 20
Respond = Callable[[dict[str, str], dict[str, str]], dict[str, Any]]
_NAMES = {"DBParameterGroupName": PARAMETER_GROUP, "DBClusterParameterGroupName": CLUSTER_PARAMETER_GROUP}


def group_of(database: Database) -> str:
    """The group in which people set the database's parameters: the cluster's, where it is one."""
    return CLUSTER_PARAMETER_GROUP if database.speech.aurora else PARAMETER_GROUP


class ParameterGroups:
    """The actions on parameter groups."""

    def __init__(self, world: Callable[[], World], gates: Gates, caller: Callable[[dict[str, str]], str]) -> None:
        self._world, self._gates, self._caller = world, gates, caller
        self.actions: Mapping[str, Respond] = {
            "DescribeDBParameters": self._parameters, "DescribeDBClusterParameters": self._parameters,
            **dict.fromkeys(("ModifyDBParameterGroup", "ResetDBParameterGroup", "ModifyDBClusterParameterGroup",
                             "ResetDBClusterParameterGroup"), self._set)}

    def _parameters(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        group = _known(parameters)
        chosen = filters(parameters, "Filters.Filter", "Values.Value")
        if set(chosen) - {"parameter-name"}:
            raise Refused("InvalidParameterValue", f"Unrecognized filter name: {min(set(chosen) - {'parameter-name'})}")
        database = self._world().database
        rows = [] if self._gates.fault("rds") == "empty" else [
            row for row in _rows(database, group == group_of(database))
            if parameters.get("Source", row["Source"]) == row["Source"]
            and row["ParameterName"] in chosen.get("parameter-name", [row["ParameterName"]])]
        part, marker = paged(rows, parameters)
        return {"Parameters": ("Parameter", part), "Marker": marker}

    def _set(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        group = _known(parameters)
        world, resets = self._world(), parameters["Action"].startswith("Reset")
        if resets and parameters.get("ResetAllParameters", "true") == "true":
            raise Refused("InvalidParameterCombination", "this stand-in resets parameters that are named")
        for method, values in _changes(parameters, world.database, resets).items():
            if values:
                if group == group_of(world.database):
                    world.database.set_parameters(time.time(), values, at_once=method == "immediate")
                world.record(parameters["Action"], "rds", self._caller(headers),
                             (("AWS::RDS::DBParameterGroup", group),), **parameters_told(group, values, method))
        return {_named(group): group}


def _changes(parameters: dict[str, str], database: Database, resets: bool) -> dict[str, dict[str, str | None]]:
    """What a request sets, by how it takes effect; None is the engine's default. Raises Refused."""
    items: dict[str, dict[str, str]] = {}
    for key, value in parameters.items():
        if key.startswith("Parameters.Parameter."):
            number, _, name = key.removeprefix("Parameters.Parameter.").partition(".")
            items.setdefault(number, {})[name] = value
    if not 1 <= len(items) <= _MOST_PARAMETERS:
        raise Refused("InvalidParameterValue", f"1 to {_MOST_PARAMETERS} parameters can be changed at once")
    engine = database.speech
    changes: dict[str, dict[str, str | None]] = {"immediate": {}, "pending-reboot": {}}
    for item in items.values():
        name, method = item.get("ParameterName", ""), item.get("ApplyMethod", "")
        if name not in engine.names:
            raise Refused("InvalidParameterValue", f"Could not find parameter with name: {name}")
        if method not in changes:
            raise Refused("InvalidParameterValue", f"Invalid ApplyMethod for {name}")
        if method == "immediate" and name in engine.static:
            raise Refused("InvalidParameterCombination",
                          f"cannot use immediate apply method for static parameter {name}")
        if not resets and "ParameterValue" not in item:
            raise Refused("InvalidParameterValue", f"The parameter value for {name} is missing")
        changes[method][name] = None if resets else item["ParameterValue"]
    return changes


def parameters_told(group: str, values: Mapping[str, str | None], method: str = "immediate") -> dict[str, Any]:
    """A change of parameters as CloudTrail writes it among ``requestParameters``; a reset has no value."""
    return {_named(group).replace("DB", "dB", 1): group, "parameters": [
        {"parameterName": name, "applyMethod": method} | ({} if value is None else {"parameterValue": value})
        for name, value in values.items()]}


def _named(group: str) -> str:
    """The parameter by which a request names a group."""
    return next(name for name, known in _NAMES.items() if known == group)


def _known(parameters: dict[str, str]) -> str:
    wanted = "DBClusterParameterGroupName" if "Cluster" in parameters["Action"] else "DBParameterGroupName"
    name = parameters.get(wanted, "")
    if name.lower() != _NAMES[wanted]:
        # The same error code for both kinds (botocore: DBParameterGroupNotFoundFault).
        raise Refused("DBParameterGroupNotFound", f"{wanted.removesuffix('Name')} not found: {name}", 404)
    return _NAMES[wanted]


def _rows(database: Database, in_use: bool) -> list[dict[str, Any]]:
    """The parameters of a group; one that no database here uses has the engine's defaults alone."""
    engine, own = database.speech, database.parameters if in_use else {}
    rows: list[dict[str, Any]] = [
        {"ParameterName": name, "Description": name.replace("_", " ").capitalize(),
         "ApplyType": "static" if name in engine.static else "dynamic", "DataType": "string", "IsModifiable": True,
         **({"Source": "user", "ParameterValue": own[name],
             "ApplyMethod": "pending-reboot" if name in database.at_reboot else "immediate"}
            if name in own else {"Source": "engine-default", "ApplyMethod": "pending-reboot"})}
        for name in sorted(engine.names)]
    rows.append({"ParameterName": "max_connections", "ParameterValue": database.max_connections,
                 "Description": "Sets the maximum number of concurrent connections.",
                 "Source": "user" if in_use else "engine-default", "ApplyType": "static", "DataType": "integer",
                 "AllowedValues": "6-8388607", "IsModifiable": True, "ApplyMethod": "pending-reboot"})
    return sorted(rows, key=lambda row: str(row["ParameterName"]))
