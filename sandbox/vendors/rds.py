"""RDS: the instance, its events, its parameters, a reboot and a growth of its storage.

Formats: AWS's "Amazon RDS API Reference": DescribeDBInstances, DescribeEvents, DescribeDBParameters,
DescribePendingMaintenanceActions, RebootDBInstance, ModifyDBInstance, ModifyDBParameterGroup, ResetDBParameterGroup;
"Working with storage for Amazon RDS DB instances" for what may follow a change of storage.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.account.databases import databases
from sandbox.account.databases import events as others_events
from sandbox.places import ACCOUNT, DATABASE, REGION
from sandbox.platform.database import Database
from sandbox.platform.state import World
from sandbox.vendors.gate import Answer, Gates
from sandbox.vendors.groups import DATABASE_GROUP
from sandbox.vendors.history import History
from sandbox.vendors.wire import Refused, filters, form, iso, listed, moment, page, query_answer

NAMESPACE = "http://rds.amazonaws.com/doc/2014-10-31/"
ARN = f"arn:aws:rds:{REGION}:{ACCOUNT}:db:{DATABASE}"
RESOURCE_ID = "db-K7QZ3M5XN2VJ4RWTB6YHCPD8AE"
PARAMETER_GROUP = "payments-pg16"
_CREATED = "2024-03-05T09:12:44.118Z"
_STORAGE_PAUSE_SECONDS = 6 * 3600.0
_RETENTION_SECONDS = 14 * 86400.0
_FILTERS = {"db-instance-id": ("DBInstanceIdentifier", "DBInstanceArn"), "dbi-resource-id": ("DbiResourceId",),
            "engine": ("Engine",), "db-cluster-id": (), "domain": ()}
"""Filter of DescribeDBInstances to the fields that it looks at."""
_MAX_GIB = 65536
_MOST_PARAMETERS = 20
_SOURCE_TYPES = ("db-instance", "db-parameter-group", "db-security-group", "db-snapshot", "db-cluster",
                 "db-cluster-snapshot", "custom-engine-version", "db-proxy", "blue-green-deployment", "db-shard-group",
                 "zero-etl")


class Rds:
    """The Query endpoint."""

    def __init__(self, world: Callable[[], World], history: History, gates: Gates,
                 caller: Callable[[dict[str, str]], str]) -> None:
        self._world, self._history, self._gates, self._caller = world, history, gates, caller
        self._deferred: tuple[World, int] | None = None
        """Storage that waits for the maintenance window."""

    def answer(self, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one action; raises Refused."""
        parameters = form(body)
        action = parameters.get("Action", "")
        actions: dict[str, Callable[[dict[str, str], dict[str, str]], dict[str, Any]]] = {
            "DescribeDBInstances": self._instances, "DescribeEvents": self._events,
            "DescribePendingMaintenanceActions": self._maintenance, "DescribeDBParameters": self._parameters,
            "RebootDBInstance": self._reboot, "ModifyDBInstance": self._modify,
            "ModifyDBParameterGroup": self._set_parameters, "ResetDBParameterGroup": self._set_parameters}
        if action not in actions:
            raise Refused("InvalidAction", f"Could not find operation {action} for version 2014-10-31")
        return query_answer(action, NAMESPACE, actions[action](parameters, headers))

    # --- reading ---------------------------------------------------------------------------------------------------

    def _instances(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        others = databases(self._world().account)
        wanted = parameters.get("DBInstanceIdentifier", "").lower()
        if wanted not in others:
            _known(parameters | {"DBInstanceIdentifier": wanted or DATABASE})
        rows = [self._instance(), *(_other(name) for name in others)]
        rows = [row for row in rows if not wanted or wanted in (row["DBInstanceIdentifier"], row["DBInstanceArn"])]
        for name, values in filters(parameters, "Filters.Filter", "Values.Value").items():
            if name not in _FILTERS:
                raise Refused("InvalidParameterValue", f"Unrecognized filter name: {name}")
            rows = [row for row in rows if {str(row.get(field, "")) for field in _FILTERS[name]} & set(values)]
        part, marker = _paged([] if self._empty else rows, parameters)
        return {"DBInstances": ("DBInstance", part), "Marker": marker}

    def _instance(self) -> dict[str, Any]:
        now = self._gates.newest("rds", 0)
        stale = self._gates.fault("rds") == "stale"
        database = self._history.at(now) if stale else self._world().database
        other = "us-east-1b" if database.zone == "us-east-1a" else "us-east-1a"
        address = database.host if "." in database.host else f"{database.host}.c9akciq32rgw.{REGION}.rds.amazonaws.com"
        pending = database.grows_to_gib if database.busy == "modifying" else self._waiting()
        return {
            "DBInstanceIdentifier": DATABASE, "DBInstanceClass": "db.m6g.large", "Engine": database.engine,
            "DBInstanceStatus": database.status(now), "MasterUsername": "postgres", "DBName": "payments",
            "Endpoint": {"Address": address, "Port": 5432, "HostedZoneId": "Z2R2ITUGPM61AM"},
            "AllocatedStorage": database.allocated_gib, "InstanceCreateTime": _CREATED,
            "PreferredBackupWindow": "03:12-03:42", "BackupRetentionPeriod": 7, "DBSecurityGroups": ("", ()),
            "VpcSecurityGroups": ("VpcSecurityGroupMembership", [
                {"VpcSecurityGroupId": DATABASE_GROUP, "Status": "active"}]),
            "DBParameterGroups": ("DBParameterGroup", [
                {"DBParameterGroupName": PARAMETER_GROUP, "ParameterApplyStatus": database.apply_status()}]),
            "AvailabilityZone": database.zone,
            "DBSubnetGroup": {
                "DBSubnetGroupName": "payments", "DBSubnetGroupDescription": "payments",
                "VpcId": "vpc-0a1b2c3d4e5f60718", "SubnetGroupStatus": "Complete", "Subnets": ("Subnet", [
                    {"SubnetIdentifier": f"subnet-0a1b2c3d4e5f6071{zone}",
                     "SubnetAvailabilityZone": {"Name": f"us-east-1{zone}"}, "SubnetStatus": "Active"}
                    for zone in "ab"])},
            "PreferredMaintenanceWindow": "sun:04:16-sun:04:46",
            "PendingModifiedValues": {"AllocatedStorage": pending} if pending else {},
            "LatestRestorableTime": iso(now // 300 * 300), "MultiAZ": True, "EngineVersion": "16.4",
            "AutoMinorVersionUpgrade": False, "ReadReplicaDBInstanceIdentifiers": ("", ()),
            "LicenseModel": "postgresql-license", "Iops": 3000, "StorageThroughput": 125,
            "OptionGroupMemberships": ("OptionGroupMembership", [
                {"OptionGroupName": "default:postgres-16", "Status": "in-sync"}]),
            "SecondaryAvailabilityZone": other, "PubliclyAccessible": False, "StorageType": "gp3",
            "DbInstancePort": 0, "StorageEncrypted": True, "DbiResourceId": RESOURCE_ID,
            "KmsKeyId": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/5a1c9b1e-6f0e-4d0c-9a3c-0d5f9a2f6f10",
            "CACertificateIdentifier": "rds-ca-rsa2048-g1", "DomainMemberships": ("", ()), "CopyTagsToSnapshot": True,
            "MonitoringInterval": 0, "DBInstanceArn": ARN, "IAMDatabaseAuthenticationEnabled": False,
            "DatabaseInsightsMode": "standard", "PerformanceInsightsEnabled": True,
            "PerformanceInsightsRetentionPeriod": 7, "DeletionProtection": True, "AssociatedRoles": ("", ()),
            "TagList": ("", ()), "CustomerOwnedIpEnabled": False, "NetworkType": "IPV4", "BackupTarget": "region",
            "ActivityStreamStatus": "stopped", "DedicatedLogVolume": False}

    def _events(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        kind, identifier = parameters.get("SourceType", ""), parameters.get("SourceIdentifier", "")
        if identifier and not kind:
            raise Refused("InvalidParameterCombination", "SourceType must be specified where "
                          "SourceIdentifier is")
        if kind and kind not in _SOURCE_TYPES:
            raise Refused("InvalidParameterValue", f"Invalid source type: {kind}")
        now = time.time()
        until = moment(parameters["EndTime"]) if "EndTime" in parameters else now
        since = (moment(parameters["StartTime"]) if "StartTime" in parameters
                 else until - 60 * _number(parameters, "Duration", 60, 1, 20160))
        if since > until:
            raise Refused("InvalidParameterCombination", "The start time must be before the end time")
        if since < now - _RETENTION_SECONDS - 60:
            raise Refused("InvalidParameterValue", "Events are kept for 14 days only")
        until = min(until, self._gates.newest("rds", 0))
        wanted = set(listed(parameters, "EventCategories.EventCategory"))
        told = [(event.at, DATABASE, event.message, event.categories) for event in self._world().database.events]
        told += [(at, name, message, (category,)) for at, name, message, category in others_events(
            self._world().account, since, until)]
        found = [] if self._empty or kind not in ("", "db-instance") else [
            {"SourceIdentifier": name, "SourceType": "db-instance", "Message": message,
             "EventCategories": ("EventCategory", categories), "Date": iso(at),
             "SourceArn": ARN.replace(DATABASE, name)}
            for at, name, message, categories in sorted(told, key=lambda item: item[0])
            if since <= at <= until and identifier.lower() in ("", name) and (not wanted or wanted & set(categories))]
        part, marker = _paged(found, parameters)
        return {"Events": ("Event", part), "Marker": marker}

    def _maintenance(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        _paged([], parameters)
        return {"PendingMaintenanceActions": ("ResourcePendingMaintenanceActions", ())}

    def _parameters(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        _known_group(parameters)
        chosen = filters(parameters, "Filters.Filter", "Values.Value")
        if set(chosen) - {"parameter-name"}:
            raise Refused("InvalidParameterValue", f"Unrecognized filter name: {min(set(chosen) - {'parameter-name'})}")
        rows = [] if self._empty else [
            row for row in _parameter_rows(self._world().database)
            if parameters.get("Source", row["Source"]) == row["Source"]
            and row["ParameterName"] in chosen.get("parameter-name", [row["ParameterName"]])]
        part, marker = _paged(rows, parameters)
        return {"Parameters": ("Parameter", part), "Marker": marker}

    # --- changing ----------------------------------------------------------------------------------------------

    def _reboot(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        _known(parameters)
        world, now = self._world(), time.time()
        if world.database.status(now) not in ("available", "storage-full"):
            raise Refused("InvalidDBInstanceState",
                          "Instance cannot currently reboot due to an in-progress management operation.")
        failover = parameters.get("ForceFailover") == "true"
        world.database.reboot(now, failover)
        world.record("RebootDBInstance", "rds", self._caller(headers), (("AWS::RDS::DBInstance", DATABASE),),
                     dBInstanceIdentifier=DATABASE, forceFailover=failover)
        return {"DBInstance": self._instance()}

    def _modify(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        _known(parameters)
        others = set(parameters) - {"Action", "Version", "DBInstanceIdentifier", "AllocatedStorage", "ApplyImmediately"}
        if others & {"Iops", "StorageThroughput"}:
            raise Refused("InvalidParameterCombination", "You can't specify IOPS or storage throughput for engine "
                          "postgres and a storage size less than 400.")
        if others:
            raise Refused("InvalidParameterValue", f"This parameter can't be modified: {min(others)}")
        world, now = self._world(), time.time()
        database = world.database
        if database.status(now) not in ("available", "storage-full"):
            raise Refused("InvalidDBInstanceState", "Database instance is not in available state.")
        if "AllocatedStorage" not in parameters:
            return {"DBInstance": self._instance()}
        gib, has = _number(parameters, "AllocatedStorage", 0, 1, _MAX_GIB * 1024), database.allocated_gib
        if gib > _MAX_GIB:
            raise Refused("InvalidParameterCombination",
                          f"Invalid storage size for engine name postgres and storage type gp3: {gib}")
        if gib < has:
            raise Refused("InvalidParameterCombination", f"Requested storage size ({gib}) cannot be less than the "
                          f"current storage size ({has}).")
        if 10 * gib < 11 * has:
            # The reference says that such a value is rounded up; to refuse it is stricter.
            raise Refused("InvalidParameterCombination",
                          "The allocated storage must be increased by at least 10 percent.")
        if any(event.message == "Applying modification to allocated storage" and now - event.at < _STORAGE_PAUSE_SECONDS
               for event in database.events):
            raise Refused("InvalidParameterCombination", "You can't currently modify the storage of this DB instance "
                          "because the previous storage change is being optimized.")
        at_once = parameters.get("ApplyImmediately") == "true"
        if at_once:
            self._deferred = None
            database.modify_storage(now, gib)
        else:
            self._deferred = (world, gib)
        world.record("ModifyDBInstance", "rds", self._caller(headers), (("AWS::RDS::DBInstance", DATABASE),),
                     dBInstanceIdentifier=DATABASE, allocatedStorage=gib, applyImmediately=at_once)
        return {"DBInstance": self._instance()}

    def _set_parameters(self, parameters: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        _known_group(parameters)
        resets = parameters["Action"] == "ResetDBParameterGroup"
        if resets and parameters.get("ResetAllParameters", "true") == "true":
            raise Refused("InvalidParameterCombination", "this stand-in resets parameters that are named")
        items: dict[str, dict[str, str]] = {}
        for key, value in parameters.items():
            if key.startswith("Parameters.Parameter."):
                number, _, name = key.removeprefix("Parameters.Parameter.").partition(".")
                items.setdefault(number, {})[name] = value
        if not 1 <= len(items) <= _MOST_PARAMETERS:
            raise Refused("InvalidParameterValue", f"1 to {_MOST_PARAMETERS} parameters can be changed at once")
        changes: dict[str, dict[str, str | None]] = {"immediate": {}, "pending-reboot": {}}
        for item in items.values():
            name, method = item.get("ParameterName", ""), item.get("ApplyMethod", "")
            if name not in PARAMETERS:
                raise Refused("InvalidParameterValue", f"Could not find parameter with name: {name}")
            if method not in changes:
                raise Refused("InvalidParameterValue", f"Invalid ApplyMethod for {name}")
            if method == "immediate" and name in _STATIC:
                raise Refused("InvalidParameterCombination",
                              f"cannot use immediate apply method for static parameter {name}")
            if not resets and "ParameterValue" not in item:
                raise Refused("InvalidParameterValue", f"The parameter value for {name} is missing")
            changes[method][name] = None if resets else item["ParameterValue"]
        world = self._world()
        for method, values in changes.items():
            if values:
                world.database.set_parameters(time.time(), values, at_once=method == "immediate")
                world.record(parameters["Action"], "rds", self._caller(headers),
                             (("AWS::RDS::DBParameterGroup", PARAMETER_GROUP),), **parameters_told(values, method))
        return {"DBParameterGroupName": PARAMETER_GROUP}

    def _waiting(self) -> int:
        return self._deferred[1] if self._deferred and self._deferred[0] is self._world() else 0

    @property
    def _empty(self) -> bool:
        return self._gates.fault("rds") == "empty"


def _other(name: str) -> dict[str, Any]:
    """An instance of another team, as far as anybody looks at it here."""
    return {"DBInstanceIdentifier": name, "DBInstanceClass": "db.t4g.medium", "Engine": "postgres",
            "DBInstanceStatus": "stopped" if name == "warehouse" else "available", "AllocatedStorage": 50,
            "MultiAZ": False, "AvailabilityZone": f"{REGION}c", "DBInstanceArn": ARN.replace(DATABASE, name),
            "DbiResourceId": f"db-{name.upper().replace('-', '')}"}


def _known(parameters: dict[str, str]) -> None:
    name = parameters.get("DBInstanceIdentifier", "")
    if name.lower() not in (DATABASE, ARN):
        raise Refused("DBInstanceNotFound", f"DBInstance {name} not found.", 404)


def _known_group(parameters: dict[str, str]) -> None:
    name = parameters.get("DBParameterGroupName", "")
    if name.lower() != PARAMETER_GROUP:
        raise Refused("DBParameterGroupNotFound", f"DBParameterGroup not found: {name}", 404)


def parameters_told(values: Mapping[str, str | None], method: str = "immediate") -> dict[str, Any]:
    """A change of parameters as CloudTrail writes it among ``requestParameters``; a reset has no value."""
    return {"dBParameterGroupName": PARAMETER_GROUP, "parameters": [
        {"parameterName": name, "applyMethod": method} | ({} if value is None else {"parameterValue": value})
        for name, value in values.items()]}


def _paged(items: Sequence[dict[str, Any]], parameters: dict[str, str]) -> tuple[Sequence[dict[str, Any]], str | None]:
    size = _number(parameters, "MaxRecords", 100, 20, 100)
    try:
        return page(items, parameters.get("Marker"), size)
    except ValueError as error:
        raise Refused("InvalidParameterValue", "The specified marker is invalid.") from error


def _number(parameters: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    text = parameters.get(name, str(default))
    if not text.isdigit() or not least <= int(text) <= most:
        raise Refused("InvalidParameterValue", f"Invalid value {text} for {name}. Must be between {least} and {most}")
    return int(text)


def _parameter_rows(database: Database) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [
        {"ParameterName": name, "Description": name.replace("_", " ").capitalize(),
         "ApplyType": "static" if name in _STATIC else "dynamic", "DataType": "string", "IsModifiable": True,
         **({"Source": "user", "ParameterValue": database.parameters[name],
             "ApplyMethod": "pending-reboot" if name in database.at_reboot else "immediate"}
            if name in database.parameters else {"Source": "engine-default", "ApplyMethod": "pending-reboot"})}
        for name in sorted(PARAMETERS)]
    rows.append({"ParameterName": "max_connections", "ParameterValue": database.max_connections,
                 "Description": "Sets the maximum number of concurrent connections.", "Source": "user",
                 "ApplyType": "static", "DataType": "integer", "AllowedValues": "6-8388607", "IsModifiable": True,
                 "ApplyMethod": "pending-reboot"})
    return sorted(rows, key=lambda row: str(row["ParameterName"]))


_NAMES = """
application_name array_nulls authentication_timeout autovacuum autovacuum_analyze_scale_factor
autovacuum_analyze_threshold autovacuum_freeze_max_age autovacuum_max_workers autovacuum_naptime
autovacuum_vacuum_cost_delay autovacuum_vacuum_cost_limit autovacuum_vacuum_scale_factor autovacuum_vacuum_threshold
autovacuum_work_mem backend_flush_after backslash_quote bgwriter_delay bgwriter_flush_after bgwriter_lru_maxpages
bgwriter_lru_multiplier bytea_output check_function_bodies checkpoint_completion_target checkpoint_flush_after
checkpoint_timeout checkpoint_warning client_encoding client_min_messages commit_delay commit_siblings
compute_query_id constraint_exclusion cpu_index_tuple_cost cpu_operator_cost cpu_tuple_cost cursor_tuple_fraction
datestyle deadlock_timeout debug_pretty_print debug_print_parse debug_print_plan debug_print_rewritten
default_statistics_target default_toast_compression default_transaction_deferrable default_transaction_isolation
default_transaction_read_only effective_cache_size effective_io_concurrency enable_async_append enable_bitmapscan
enable_gathermerge enable_hashagg enable_hashjoin enable_incremental_sort enable_indexonlyscan enable_indexscan
enable_material enable_memoize enable_mergejoin enable_nestloop enable_parallel_append enable_parallel_hash
enable_partition_pruning enable_partitionwise_aggregate enable_partitionwise_join enable_seqscan enable_sort
enable_tidscan escape_string_warning exit_on_error extra_float_digits force_parallel_mode from_collapse_limit fsync
full_page_writes geqo geqo_effort geqo_generations geqo_pool_size geqo_seed geqo_selection_bias geqo_threshold
gin_fuzzy_search_limit gin_pending_list_limit hash_mem_multiplier hot_standby_feedback huge_pages
idle_in_transaction_session_timeout idle_session_timeout intervalstyle jit join_collapse_limit lc_messages
lc_monetary lc_numeric lc_time lo_compat_privileges lock_timeout log_autovacuum_min_duration log_checkpoints
log_connections log_disconnections log_duration log_error_verbosity log_hostname log_lock_waits
log_min_duration_statement log_min_error_statement log_min_messages log_statement log_temp_files
logical_decoding_work_mem maintenance_work_mem max_files_per_process max_locks_per_transaction
max_parallel_workers max_replication_slots max_wal_senders max_wal_size max_worker_processes min_wal_size
random_page_cost rds.force_ssl rds.logical_replication search_path seq_page_cost shared_buffers
shared_preload_libraries statement_timeout superuser_reserved_connections synchronous_commit
tcp_keepalives_count tcp_keepalives_idle tcp_keepalives_interval temp_buffers timezone track_activities
track_activity_query_size track_io_timing wal_buffers wal_compression wal_keep_size wal_writer_delay work_mem
"""
PARAMETERS = frozenset(_NAMES.split())
"""Parameters of PostgreSQL 16 on RDS without ``max_connections``, which ``_parameter_rows`` adds."""
_NAMES_OF_STATIC = """
autovacuum_freeze_max_age autovacuum_max_workers huge_pages max_files_per_process max_locks_per_transaction
max_replication_slots max_wal_senders max_worker_processes rds.logical_replication shared_buffers
shared_preload_libraries superuser_reserved_connections track_activity_query_size wal_buffers
"""
_STATIC = frozenset(_NAMES_OF_STATIC.split())
