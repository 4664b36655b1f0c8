//! SET, RESET and `set_config`: which settings are harmless, and what a change leaves behind.

use pg_query::NodeEnum;
use pg_query::protobuf::{
    AExprKind, FuncCall, Node, VariableSetKind, VariableSetStmt, a_const::Val,
};

use super::actions;
use super::tree::{each, inner, relation_name, text};
use super::walk::Walk;
use super::walk_statement::transaction_mode;
use super::{Effect, Target};

/// Settings that change how answers look, how long things may take or how plans are made, and nothing that the
/// session may do. Whatever is not here is protected: it could load code, switch off auditing on the target,
/// take another role, or be read by the target's own row policies.
const HARMLESS_SETTINGS: &[&str] = &[
    "application_name",
    "array_nulls",
    "backend_flush_after",
    "bytea_output",
    "client_connection_check_interval",
    "client_min_messages",
    "constraint_exclusion",
    "cpu_index_tuple_cost",
    "cpu_operator_cost",
    "cpu_tuple_cost",
    "cursor_tuple_fraction",
    "datestyle",
    "deadlock_timeout",
    "default_statistics_target",
    "default_text_search_config",
    "default_transaction_deferrable",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "effective_cache_size",
    "effective_io_concurrency",
    "escape_string_warning",
    "extra_float_digits",
    "from_collapse_limit",
    "gin_fuzzy_search_limit",
    "hash_mem_multiplier",
    "icu_validation_level",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "intervalstyle",
    "jit",
    "jit_above_cost",
    "jit_inline_above_cost",
    "jit_optimize_above_cost",
    "join_collapse_limit",
    "lc_messages",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "lock_timeout",
    "logical_decoding_work_mem",
    "maintenance_work_mem",
    "max_parallel_maintenance_workers",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "min_parallel_index_scan_size",
    "min_parallel_table_scan_size",
    "parallel_leader_participation",
    "parallel_setup_cost",
    "parallel_tuple_cost",
    "plan_cache_mode",
    "quote_all_identifiers",
    "random_page_cost",
    "recursive_worktable_factor",
    // Only ever keeps kinds of relations out of queries.
    "restrict_nonsystem_relation_kind",
    // Off makes a query fail where a row policy would apply; it bypasses none.
    "row_security",
    "search_path",
    "seq_page_cost",
    "statement_timeout",
    "synchronize_seqscans",
    "synchronous_commit",
    "tcp_keepalives_count",
    "tcp_keepalives_idle",
    "tcp_keepalives_interval",
    "tcp_user_timeout",
    "temp_buffers",
    "timezone",
    "timezone_abbreviations",
    "transaction_deferrable",
    "transaction_isolation",
    "transaction_read_only",
    "transaction_timeout",
    "transform_null_equals",
    "vacuum_cost_delay",
    "vacuum_cost_limit",
    "work_mem",
    "xmlbinary",
    "xmloption",
];

/// Whether a setting can take a value without widening what the session may do, or how its texts are read.
/// `value` is `None` for the default.
fn is_harmless(name: &str, value: Option<&str>) -> bool {
    match name {
        // Texts are read as UTF-8 with backslashes as plain characters; a session that has them otherwise
        // could say one thing here and another to the server.
        "client_encoding" => value.is_none_or(|value| {
            let plain: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
            matches!(plain.to_ascii_lowercase().as_str(), "utf8" | "unicode")
        }),
        "standard_conforming_strings" => value.is_some_and(|value| {
            matches!(
                value.to_ascii_lowercase().as_str(),
                "on" | "true" | "yes" | "1"
            )
        }),
        _ => {
            HARMLESS_SETTINGS.contains(&name)
                || name.starts_with("enable_")
                || name.starts_with("geqo")
        }
    }
}

/// Settings that are harmless only as far as their values are known: names are found, texts are read and writes are
/// let through by them.
const NEEDS_VALUE: &[&str] = &[
    "backslash_quote",
    "client_encoding",
    "default_transaction_read_only",
    "search_path",
    "standard_conforming_strings",
    "transaction_read_only",
];

/// Whether a setting is harmless whatever its value is.
fn is_harmless_always(name: &str) -> bool {
    !NEEDS_VALUE.contains(&name) && is_harmless(name, None)
}

/// The text of a value in SET.
fn value_text(node: &NodeEnum) -> Option<String> {
    match node {
        NodeEnum::AConst(constant) => match constant.val.as_ref()? {
            Val::Ival(integer) => Some(integer.ival.to_string()),
            Val::Fval(float) => Some(float.fval.clone()),
            Val::Boolval(boolean) => Some(boolean.boolval.to_string()),
            Val::Sval(string) => Some(string.sval.clone()),
            Val::Bsval(_) => None,
        },
        NodeEnum::String(string) => Some(string.sval.clone()),
        NodeEnum::Integer(integer) => Some(integer.ival.to_string()),
        NodeEnum::TypeCast(cast) => inner(cast.arg.as_deref()).and_then(value_text),
        _ => None,
    }
}

fn values(arguments: &[Node]) -> Vec<String> {
    each(arguments).filter_map(value_text).collect()
}

/// The setting that a query is about when it is `SELECT set_config(name, ..) FROM pg_settings WHERE name = '..'`:
/// there the computed name can only be that one. Clients write it for settings that not every server has (`pg_dump`
/// does for `restrict_nonsystem_relation_kind`).
pub(crate) fn pinned_setting(node: &NodeEnum) -> Option<String> {
    let NodeEnum::SelectStmt(select) = node else {
        return None;
    };
    let [from] = select.from_clause.as_slice() else {
        return None;
    };
    let NodeEnum::RangeVar(from) = from.node.as_ref()? else {
        return None;
    };
    let from = relation_name(from);
    if from.name != "pg_settings" || from.schema.is_some_and(|schema| schema != "pg_catalog") {
        return None;
    }
    let NodeEnum::AExpr(equal) = inner(select.where_clause.as_deref())? else {
        return None;
    };
    let is_equality = equal.kind() == AExprKind::AexprOp
        && matches!(equal.name.as_slice(), [only] if only.node.as_ref().and_then(text) == Some("="));
    if !is_equality || !is_setting_name(inner(equal.lexpr.as_deref())) {
        return None;
    }
    match inner(equal.rexpr.as_deref())? {
        NodeEnum::AConst(constant) => match constant.val.as_ref()? {
            Val::Sval(name) => Some(name.sval.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether this is the column `name`.
fn is_setting_name(node: Option<&NodeEnum>) -> bool {
    let Some(NodeEnum::ColumnRef(column)) = node else {
        return false;
    };
    matches!(column.fields.as_slice(), [only] if only.node.as_ref().and_then(text) == Some("name"))
}

impl Walk {
    /// SET and RESET.
    pub(crate) fn set(&mut self, set: &VariableSetStmt) -> &'static str {
        let name = set.name.to_ascii_lowercase();
        match set.kind() {
            VariableSetKind::VarSetValue => {
                let list = values(&set.args);
                self.assign(&name, Some(list), set.is_local);
                "SET"
            }
            VariableSetKind::VarSetDefault => {
                self.assign(&name, None, set.is_local);
                "SET"
            }
            VariableSetKind::VarSetMulti => {
                self.need(actions::TRANSACTION, Target::Database);
                self.effects.push(Effect::TransactionMode {
                    mode: transaction_mode(&set.args),
                    session: name == "session characteristics",
                });
                "SET TRANSACTION"
            }
            VariableSetKind::VarReset => {
                self.need(setting_action(&name, None), Target::Database);
                self.effects.push(Effect::Reset(name));
                "RESET"
            }
            VariableSetKind::VarResetAll => {
                self.need(actions::SET, Target::Database);
                self.effects.push(Effect::ResetAll);
                "RESET"
            }
            // FROM CURRENT belongs to ALTER FUNCTION and its like.
            VariableSetKind::VarSetCurrent | VariableSetKind::Undefined => {
                self.need(actions::SET_PROTECTED, Target::Database);
                "SET"
            }
        }
    }

    fn assign(&mut self, name: &str, list: Option<Vec<String>>, local: bool) {
        let value = list.as_ref().map(|list| list.join(", "));
        self.configured(name.to_owned(), value, list.unwrap_or_default(), local);
    }

    /// `set_config(name, value, local)`: as SET when both are literals, or when the value does not matter; otherwise
    /// any setting can become anything.
    pub(crate) fn set_config(&mut self, call: &FuncCall) {
        self.literal_matters = true;
        let argument = |index: usize| call.args.get(index).and_then(|node| inner(Some(node)));
        let literal = |index| match argument(index) {
            Some(NodeEnum::AConst(constant)) => match &constant.val {
                Some(Val::Sval(string)) => Some(string.sval.clone()),
                _ => None,
            },
            _ => None,
        };
        let name = literal(0).or_else(|| {
            let pinned = self.pinned_setting.as_ref();
            pinned.filter(|_| is_setting_name(argument(0))).cloned()
        });
        let local = !matches!(
            argument(2),
            Some(NodeEnum::AConst(constant))
                if matches!(&constant.val, Some(Val::Boolval(local)) if !local.boolval)
        );
        let name = name.map(|name| name.to_ascii_lowercase());
        match (name, literal(1)) {
            (Some(name), Some(value)) => {
                let list = value
                    .split(',')
                    .map(|part| part.trim().trim_matches('"').to_owned())
                    .filter(|part| !part.is_empty())
                    .collect();
                self.configured(name, Some(value), list, local);
            }
            (Some(name), None) if is_harmless_always(&name) => {
                self.configured(name, None, Vec::new(), local);
            }
            _ => self.configures_anything(),
        }
    }

    fn configured(&mut self, name: String, value: Option<String>, list: Vec<String>, local: bool) {
        self.need(setting_action(&name, value.as_deref()), Target::Database);
        self.effects.push(Effect::Set {
            name: Some(name),
            value,
            list,
            local,
        });
    }

    fn configures_anything(&mut self) {
        self.need(actions::SET_PROTECTED, Target::Database);
        self.need(
            actions::FUNCTION,
            Target::Routine(super::Name {
                schema: Some("pg_catalog".to_owned()),
                name: "set_config".to_owned(),
            }),
        );
        self.effects.push(Effect::Set {
            name: None,
            value: None,
            list: Vec::new(),
            local: false,
        });
    }
}

fn setting_action(name: &str, value: Option<&str>) -> &'static str {
    if is_harmless(name, value) {
        actions::SET
    } else {
        actions::SET_PROTECTED
    }
}
