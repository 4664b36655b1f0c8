//! Which of PostgreSQL's own routines are harmless to call.
//!
//! The catalog's volatility decides for most: an immutable or stable routine of `pg_catalog` changes nothing.
//! This table holds the exceptions both ways.

/// What calling a routine of `pg_catalog` can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Risk {
    /// Computes a value from its arguments, or tells of the session or the catalog.
    Harmless,
    /// Advances or sets a sequence.
    Sequence,
    /// Changes a setting by name.
    Setting,
    /// Reaches files, other servers, other sessions, or runs a query given as text.
    Dangerous,
    /// Not listed: its volatility in the catalog decides.
    Unlisted,
}

/// Volatile, because time, randomness or the state of the server changes the answer; they change nothing.
const HARMLESS: &[&str] = &[
    "clock_timestamp",
    "currval",
    "current_schema",
    "current_schemas",
    "gen_random_uuid",
    "inet_client_addr",
    "inet_client_port",
    "inet_server_addr",
    "inet_server_port",
    "lastval",
    "pg_blocking_pids",
    "pg_column_compression",
    "pg_column_size",
    "pg_conf_load_time",
    "pg_current_wal_flush_lsn",
    "pg_current_wal_insert_lsn",
    "pg_current_wal_lsn",
    "pg_current_xact_id",
    "pg_current_xact_id_if_assigned",
    "pg_database_size",
    "pg_get_wal_replay_pause_state",
    "pg_indexes_size",
    "pg_is_in_recovery",
    "pg_is_wal_replay_paused",
    "pg_isolation_test_session_is_blocked",
    "pg_jit_available",
    "pg_last_wal_receive_lsn",
    "pg_last_wal_replay_lsn",
    "pg_last_xact_replay_timestamp",
    "pg_lock_status",
    "pg_my_temp_schema",
    "pg_notification_queue_usage",
    // What psql's \\d asks of a table.
    "pg_partition_ancestors",
    "pg_partition_tree",
    "pg_postmaster_start_time",
    "pg_prepared_xact",
    "pg_relation_size",
    "pg_safe_snapshot_blocking_pids",
    "pg_sequence_last_value",
    "pg_sleep",
    "pg_sleep_for",
    "pg_sleep_until",
    "pg_table_size",
    "pg_tablespace_size",
    "pg_total_relation_size",
    "random",
    "random_normal",
    "setseed",
    "timeofday",
    "txid_current",
    "txid_current_if_assigned",
    "uuidv4",
    "uuidv7",
];

/// Whole families, by how their names begin.
const DANGEROUS_PREFIXES: &[&str] = &[
    "binary_upgrade_",
    "brin_desummarize_",
    "brin_summarize_",
    "cursor_to_xml",
    "database_to_xml",
    "dblink",
    "lo_",
    "pg_advisory_",
    "pg_backup_",
    "pg_clear_",
    "pg_copy_",
    "pg_create_",
    "pg_drop_",
    "pg_file_",
    "pg_import_",
    "pg_log_",
    "pg_logical_",
    "pg_ls_",
    "pg_promote",
    "pg_read_",
    "pg_reload_",
    "pg_replication_",
    "pg_restore_",
    "pg_rotate_",
    "pg_set_",
    "pg_start_",
    "pg_stat_clear_",
    "pg_stat_force_",
    "pg_stat_get_activity",
    "pg_stat_get_backend_activity",
    "pg_stat_reset",
    "pg_stop_",
    "pg_switch_",
    "pg_sync_",
    "pg_terminate_",
    "pg_try_advisory_",
    "pg_wal_replay_",
    "query_to_xml",
    "schema_to_xml",
    "table_to_xml",
];

/// Single routines that are not harmless, whatever the catalog says of their volatility.
const DANGEROUS: &[&str] = &[
    "be_lo_unlink",
    "gin_clean_pending_list",
    "loread",
    "lowrite",
    "pg_cancel_backend",
    "pg_execute_server_program",
    "pg_export_snapshot",
    "pg_extension_config_dump",
    "pg_get_backend_memory_contexts",
    "pg_get_process_memory_contexts",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "pg_notify",
    "pg_show_all_file_settings",
    "pg_stat_file",
    "pg_write_server_files",
    // Their query is an argument.
    "ts_rewrite",
    "ts_stat",
];

/// What is known of a routine of `pg_catalog` by name alone.
#[must_use]
pub fn builtin_risk(name: &str) -> Risk {
    match name {
        "set_config" => Risk::Setting,
        "nextval" | "setval" => Risk::Sequence,
        _ if DANGEROUS.contains(&name)
            || DANGEROUS_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix)) =>
        {
            Risk::Dangerous
        }
        _ if HARMLESS.contains(&name) => Risk::Harmless,
        _ => Risk::Unlisted,
    }
}

/// Routines that give their arguments to something other than the answer: a setting, a sequence, a lock, the state
/// of `random`, a file, another session, or the clock (how long a call takes tells its argument).
pub(crate) fn keeps_arguments(name: &str) -> bool {
    name == "setseed"
        || name.starts_with("pg_sleep")
        || matches!(
            builtin_risk(name),
            Risk::Setting | Risk::Sequence | Risk::Dangerous
        )
}
