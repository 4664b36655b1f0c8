//! The API as every role, in process.
