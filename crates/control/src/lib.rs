//! The control plane: store, tokens, approvals, resources, HTTP API.

pub mod api;
mod approvals;
mod certificates;
mod clock;
mod config;
mod control;
mod credentials;
mod error;
mod identity;
mod index;
mod keys;
mod notify;
mod port_types;
mod ports;
mod problems;
mod resources;
mod rights;
mod store;
mod tokens;
mod yaml;

pub use api::Api;
pub use certificates::ServerCertificate;
pub use config::{Config, ConnectionListener, Listen, TlsFiles};
pub use control::{ADMINS, Control, LOCAL_ADMIN_FILE, LOG_KEY_FILE, Present, records_of};
pub use error::StartError;
pub use identity::development::DevelopmentProvider;
pub use keys::KeyError;
pub use notify::Notice;
pub use port_types::{
    ApprovalError, ApprovalLook, ApprovalProgress, ApprovalTicket, Authenticated, Health,
    LeaseError, LoginError, SiteToken, Spent,
};
pub use ports::{
    CannotJudge, Explainer, Explaining, JudgeRequest, Judging, LiveSessions, Targets, Testing,
};
pub use problems::Problems;
pub use resources::{check, read_directory};
pub use store::StoreError;
