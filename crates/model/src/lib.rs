//! The words of Sluice as types: no I/O, no async, no clock.
//!
//! Every other crate depends on this one and it depends on none of them. A word that is
//! not here is not a word of the product (see the glossary in `ARCHITECTURE.md`).

mod access;
mod approval;
mod connection;
mod data_class;
mod decision;
mod event;
mod id;
mod lease;
mod mask;
mod network;
mod operation;
mod principal;
mod protocol;
mod secret;
mod session;
mod time;
mod way;
mod workload;

pub use access::{Access, Action, Resource, ResourceKind};
pub use approval::{
    ApprovalFacts, ApprovalScope, ApprovalState, Grant, HeldOperation, HeldParameter, MAX_SHOWN,
    OperationDigest, read_parameters,
};
pub use connection::{
    Account, AccountCredential, Connection, CredentialRef, IdentityHeader, Settings, Target,
    TlsMode,
};
pub use data_class::{ColumnPattern, DataClass, Mask};
pub use decision::{Allowed, Ask, Decision, Denial};
pub use event::{
    AdminAct, Event, EventBody, Outcome, RecordedAccess, RecordedValue, Side, WorkloadName,
};
pub use id::{ApprovalId, IdError, SessionId, SignInId, TokenId};
pub use lease::{Lease, Shown};
pub use mask::{MaskedColumn, Origin, ShapeColumn, TextMask};
pub use network::{Network, NetworkError};
pub use operation::{Fact, Facts, Operation};
pub use principal::{Principal, PrincipalId, PrincipalKind};
pub use protocol::{
    ActionSpec, FactKind, FactSpec, GENERAL_ACTIONS, ProtocolSpec, SettingKind, SettingSpec,
};
pub use secret::Secret;
pub use session::{Credential, SessionContext};
pub use time::Timestamp;
pub use way::{WayIn, WaysIn};
pub use workload::Workload;
