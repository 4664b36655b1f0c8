//! The HTTP API of the control plane: HTTPS only, bearer tokens, one table of routes and who may use them.

pub mod types;
