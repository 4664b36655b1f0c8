//! The data plane: listeners, TLS, client login, drivers, the pipeline.
