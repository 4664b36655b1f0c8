//! Bytes to model and back, one folder per protocol; opens nothing, decides nothing.

pub mod client;
pub mod edit;
pub mod http;
pub mod postgres;
pub mod sql;

use client::ClientSpec;
use sluice_model::{ProtocolSpec, WayIn};

/// Every protocol. Forms, command help, the policy schema and the docs are made from this table.
pub const PROTOCOLS: &[ProtocolSpec] = &[
    ProtocolSpec {
        name: "postgres",
        default_port: 5432,
        settings: &[],
        has_databases: true,
        needs_username: true,
        ways_in: &[WayIn::Token, WayIn::Workload],
        fact_namespace: sql::FACT_NAMESPACE,
        facts: sql::FACTS,
        actions: sql::ACTIONS,
        doc: "PostgreSQL 13 and later, protocols 3.0 and 3.2",
    },
    ProtocolSpec {
        name: "http",
        default_port: 443,
        settings: http::settings::SETTINGS,
        has_databases: false,
        needs_username: false,
        ways_in: &[WayIn::Token, WayIn::Workload, WayIn::Site],
        fact_namespace: http::actions::FACT_NAMESPACE,
        facts: http::actions::FACTS,
        actions: http::actions::ACTIONS,
        doc: "services over HTTP/1.1 and HTTP/2, with WebSocket, server-sent events and gRPC",
    },
];

/// The usual client of each protocol.
pub const CLIENTS: &[ClientSpec] = &[postgres::client::CLIENT, http::client::CLIENT];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use sluice_model::{IdentityHeader, SettingKind, Settings};
    use std::collections::BTreeMap;

    /// Every field is named here, so that a new one does not compile until it is.
    fn all_said() -> Settings {
        let text = || Some("x".to_owned());
        Settings {
            addresses: vec!["x".to_owned()],
            host: text(),
            base_path: text(),
            description_file: text(),
            only_described: true,
            opaque_types: vec!["x".to_owned()],
            stream_types: vec!["x".to_owned()],
            identity: Some(IdentityHeader {
                header: "x".to_owned(),
                audience: None,
            }),
            path_parameters: true,
            shared_origin: true,
            idle_seconds: Some(1),
            answer_seconds: Some(1),
        }
    }

    #[test]
    fn the_table_lists_every_setting_with_what_it_takes() {
        let Value::Object(written) = serde_json::to_value(all_said()).unwrap() else {
            panic!("settings are an object");
        };
        let kind = |value: &Value| match value {
            Value::Array(_) => SettingKind::Texts,
            Value::Bool(_) => SettingKind::Flag,
            Value::Number(_) => SettingKind::Number,
            Value::Object(_) => SettingKind::IdentityHeader,
            Value::String(_) | Value::Null => SettingKind::Text,
        };
        let written: BTreeMap<&str, &str> = written
            .iter()
            .map(|(name, value)| (name.as_str(), kind(value).name()))
            .collect();
        let listed = PROTOCOLS.iter().flat_map(|p| p.settings);
        let listed: BTreeMap<&str, &str> = listed.map(|s| (s.name, s.kind.name())).collect();
        assert_eq!(written, listed);
    }
}
