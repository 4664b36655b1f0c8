//! The index over real records.
