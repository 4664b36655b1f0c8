//! Events to a hash-chained log: write, verify, replay. One versioned format.
