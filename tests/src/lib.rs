//! End to end helpers: the real binary, real servers, real clients.
