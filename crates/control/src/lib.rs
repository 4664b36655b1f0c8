//! The control plane: store, tokens, approvals, resources, HTTP API.

pub mod api;
mod port_types;
mod ports;

pub use port_types::{
    ApprovalError, ApprovalProgress, ApprovalTicket, Authenticated, Health, Lease, LeaseError,
    LoginError, Spent,
};
pub use ports::{Explainer, Explaining, LiveSessions};
