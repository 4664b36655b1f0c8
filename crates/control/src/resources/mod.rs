//! Resources: what users declare in files. Reading them, checking them, and telling what changes.

mod check;
mod diff;
mod directory;
mod parse;
mod set;

pub(crate) use check::{build, name_problems};
pub use check::{check, read_directory};
pub(crate) use diff::changes;
pub(crate) use directory::merged_with_directory;
pub(crate) use parse::{LOCAL_ADMIN, group_name_problem, parse, principal_name_problem};
pub(crate) use set::{DeclaredPrincipal, Expected, Kind, PolicyTest, Resource, ResourceSet};
