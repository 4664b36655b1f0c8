//! The only place of the data plane that asks what time it is.

use sluice_model::{SessionId, Timestamp};
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in UTC. Before 1970 counts as 1970.
#[must_use]
pub fn now() -> Timestamp {
    let micros = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_micros());
    Timestamp(i64::try_from(micros).unwrap_or(i64::MAX))
}

/// A fresh session id: 50 bits of milliseconds, so that ids sort by start, and 50 random bits.
///
/// # Errors
/// When the system has no randomness to give.
pub fn new_session_id(random: [u8; 8]) -> SessionId {
    let millis = u128::from(now().millis().unsigned_abs() & ((1 << 50) - 1));
    let random = u128::from(u64::from_le_bytes(random) & ((1 << 50) - 1));
    SessionId::from_bits((millis << 50) | random)
}
