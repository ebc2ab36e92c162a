"""The database engines that the sandbox speaks as: versions, wordings, waits and parameters of each.

Sources: AWS's pages "CreateDBInstance" (engines), "Amazon Aurora MySQL wait events", "Amazon Aurora PostgreSQL wait
events", "Amazon RDS for PostgreSQL parameters", "Aurora MySQL configuration parameters"; PostgreSQL's "Appendix A.
PostgreSQL Error Codes"; MySQL's "Server Error Message Reference", and MySQL Connector/J's LocalizedErrorMessages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Engine:
    """One engine, as RDS names it, and how it and its common driver speak."""

    name: str
    version: str
    family: str
    """The family of its parameter groups."""
    licence: str
    user: str
    """The master user's usual name."""
    words: Mapping[str, str]
    """What fails to what the driver says; ``{host}`` and ``{user}`` are filled in."""
    waits: Mapping[str, float]
    """Wait event to average active sessions, on a usual day."""
    lock_waits: Mapping[str, float]
    """The same, while one transaction holds rows that the others want."""
    counter: str
    """The counter of connections in Performance Insights."""
    group_by_application: bool
    parameters: Mapping[str, str]
    """What people set in its parameter group."""
    names: frozenset[str]
    """The parameters that its groups have, but for ``max_connections``."""
    static: frozenset[str]
    """Those of them that wait for a reboot."""
    called: Mapping[str, str]
    """A parameter of PostgreSQL, as drills name it, to this engine's parameter of the same effect."""
    read_only: str
    """The parameter that makes it refuse writes."""
    statement_ms: str
    """The parameter that ends statements after so many milliseconds."""

    @property
    def aurora(self) -> bool:
        """Whether its instances are members of a DB cluster with storage of its own."""
        return self.name.startswith("aurora")

    def says(self, what: str, host: str = "", user: str = "") -> str:
        """Return what the driver says when something fails."""
        return self.words[what].format(host=host, user=user)


_POSTGRES_WORDS = {
    "name": 'could not translate host name "{host}" to address',
    "timed_out": "connection to server timed out",
    "refused": "connection to server failed: Connection refused",
    "lost": "server closed the connection unexpectedly",
    "credentials": 'FATAL: password authentication failed for user "{user}"',
    "exhausted": "FATAL: sorry, too many clients already",
    "space": 'could not extend file "base/16402/24576": No space left on device',
    "locked": "canceling statement due to statement timeout",
    "read_only": "ERROR: cannot execute INSERT in a read-only transaction",
    "statement": "ERROR: canceling statement due to statement timeout"}
_LINK = "CommunicationsException: Communications link failure. "
_NOTHING_RECEIVED = ("The last packet sent successfully to the server was 0 milliseconds ago. The driver has not "
                     "received any packets from the server.")
_MYSQL_WORDS = {
    "name": _LINK + _NOTHING_RECEIVED + " Caused by: java.net.UnknownHostException: {host}: Name or service not known",
    "timed_out": _LINK + _NOTHING_RECEIVED + " Caused by: java.net.SocketTimeoutException: Connect timed out",
    "refused": _LINK + _NOTHING_RECEIVED + " Caused by: java.net.ConnectException: Connection refused",
    "lost": _LINK + "The last packet successfully received from the server was 1,502 milliseconds ago.",
    "credentials": "Access denied for user '{user}'@'10.0.21.17' (using password: YES)",
    "exhausted": 'Data source rejected establishment of connection,  message from server: "Too many connections"',
    "space": "The table 'payments' is full",
    "locked": "Lock wait timeout exceeded; try restarting transaction",
    "read_only": "The MySQL server is running with the --read-only option so it cannot execute this statement",
    "statement": "Query execution was interrupted, maximum statement execution time exceeded"}

_POSTGRES_WAITS = {"CPU": 0.21, "IO:DataFileRead": 0.08, "Client:ClientRead": 0.03}
_POSTGRES_LOCKS = {"Lock:transactionid": 21.4, "CPU": 1.9, "IO:DataFileRead": 0.2}
_MYSQL_WAITS = {"cpu": 0.2, "io/table/sql/handler": 0.07, "synch/mutex/innodb/trx_sys_mutex": 0.02}
_MYSQL_LOCKS = {"synch/cond/innodb/row_lock_wait": 21.1, "cpu": 1.8, "io/table/sql/handler": 0.3}

_POSTGRES_NAMES = """
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
_POSTGRES_STATIC = """
autovacuum_freeze_max_age autovacuum_max_workers huge_pages max_files_per_process max_locks_per_transaction
max_replication_slots max_wal_senders max_worker_processes rds.logical_replication shared_buffers
shared_preload_libraries superuser_reserved_connections track_activity_query_size wal_buffers
"""
_MYSQL_NAMES = """
activate_all_roles_on_login autocommit automatic_sp_privileges back_log binlog_cache_size binlog_format
binlog_order_commits binlog_row_image block_encryption_mode bulk_insert_buffer_size character_set_client
character_set_connection character_set_database character_set_results character_set_server collation_connection
collation_server completion_type connect_timeout cte_max_recursion_depth default_storage_engine default_time_zone
default_week_format div_precision_increment end_markers_in_json enforce_gtid_consistency eq_range_index_dive_limit
event_scheduler explicit_defaults_for_timestamp flush_time ft_query_expansion_limit general_log
generated_random_password_length group_concat_max_len gtid-mode histogram_generation_max_mem_size host_cache_size
init_connect innodb_adaptive_flushing innodb_adaptive_hash_index innodb_autoextend_increment innodb_autoinc_lock_mode
innodb_buffer_pool_dump_pct innodb_buffer_pool_size innodb_change_buffering innodb_commit_concurrency
innodb_concurrency_tickets innodb_deadlock_detect innodb_fill_factor innodb_flush_log_at_trx_commit
innodb_flush_neighbors innodb_ft_cache_size innodb_ft_min_token_size innodb_io_capacity innodb_lock_wait_timeout
innodb_log_buffer_size innodb_lru_scan_depth innodb_max_dirty_pages_pct innodb_max_purge_lag innodb_old_blocks_pct
innodb_old_blocks_time innodb_online_alter_log_max_size innodb_page_cleaners innodb_print_all_deadlocks
innodb_purge_batch_size innodb_read_ahead_threshold innodb_read_io_threads innodb_rollback_on_timeout
innodb_sort_buffer_size innodb_stats_persistent innodb_strict_mode innodb_sync_array_size innodb_table_locks
innodb_thread_concurrency innodb_write_io_threads interactive_timeout join_buffer_size key_buffer_size lc_time_names
local_infile lock_wait_timeout log_bin_trust_function_creators log_error_verbosity log_output
log_queries_not_using_indexes log_slow_admin_statements long_query_time low_priority_updates lower_case_table_names
max_allowed_packet max_connect_errors max_error_count max_execution_time max_heap_table_size max_join_size
max_length_for_sort_data max_points_in_geometry max_prepared_stmt_count max_seeks_for_key max_sort_length
max_sp_recursion_depth max_user_connections max_write_lock_count min_examined_row_limit net_buffer_length
net_read_timeout net_retry_count net_write_timeout optimizer_prune_level optimizer_search_depth optimizer_switch
performance_schema preload_buffer_size range_alloc_block_size read_buffer_size read_only read_rnd_buffer_size
require_secure_transport session_track_schema slow_launch_time slow_query_log sort_buffer_size sql_mode
stored_program_cache sync_binlog table_definition_cache table_open_cache thread_cache_size thread_stack time_zone
tmp_table_size transaction_isolation transaction_read_only updatable_views_with_limit wait_timeout
"""
_MYSQL_STATIC = """
back_log ft_query_expansion_limit innodb_autoinc_lock_mode innodb_ft_cache_size innodb_ft_min_token_size
innodb_page_cleaners innodb_read_io_threads innodb_sort_buffer_size innodb_sync_array_size innodb_write_io_threads
lower_case_table_names performance_schema thread_stack
"""
_OF_MYSQL = {
    "default_transaction_read_only": "read_only", "statement_timeout": "max_execution_time",
    "lock_timeout": "innodb_lock_wait_timeout", "idle_in_transaction_session_timeout": "wait_timeout",
    "work_mem": "sort_buffer_size", "log_min_duration_statement": "long_query_time",
    "shared_buffers": "innodb_buffer_pool_size"}


def _postgres(name: str, version: str, family: str) -> Engine:
    return Engine(
        name, version, family, "postgresql-license", "postgres", _POSTGRES_WORDS, _POSTGRES_WAITS,
        _POSTGRES_LOCKS, "db.User.numbackends.avg", True,
        {"idle_in_transaction_session_timeout": "60000", "statement_timeout": "30000"},
        frozenset(_POSTGRES_NAMES.split()), frozenset(_POSTGRES_STATIC.split()), {}, "default_transaction_read_only",
        "statement_timeout")


def _mysql(name: str, version: str, family: str) -> Engine:
    return Engine(
        name, version, family, "general-public-license", "admin", _MYSQL_WORDS, _MYSQL_WAITS, _MYSQL_LOCKS,
        "db.Users.Threads_connected.avg", False, {"wait_timeout": "600", "max_execution_time": "30000"},
        frozenset(_MYSQL_NAMES.split()), frozenset(_MYSQL_STATIC.split()), _OF_MYSQL, "read_only",
        "max_execution_time")


ENGINES: Mapping[str, Engine] = {engine.name: engine for engine in (
    _postgres("postgres", "16.4", "postgres16"), _mysql("mysql", "8.0.39", "mysql8.0"),
    _postgres("aurora-postgresql", "16.4", "aurora-postgresql16"),
    _mysql("aurora-mysql", "8.0.mysql_aurora.3.08.0", "aurora-mysql8.0"))}
"""Each engine by the name that RDS has for it."""
