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
        settings: http::actions::SETTINGS,
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
