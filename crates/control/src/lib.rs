//! The control plane: store, tokens, approvals, resources, HTTP API.
