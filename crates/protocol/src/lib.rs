//! Bytes to model and back, one folder per protocol; opens nothing, decides nothing.
