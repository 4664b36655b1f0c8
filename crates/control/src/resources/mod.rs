//! Resources: what users declare in files. Reading them, checking them, and telling what changes.

mod check;
mod diff;
mod directory;
mod parse;
mod set;

pub(crate) use check::{build, owner_problems};
pub use check::{check, read_directory};
pub(crate) use diff::changes;
pub(crate) use directory::merged_with_directory;
pub(crate) use parse::{LOCAL_ADMIN, parse};
pub(crate) use set::{DeclaredPrincipal, Kind, Resource, ResourceSet, standing_principals};
