//! How `psql`, and everything else that reads libpq's environment, is told where to connect.

use crate::client::{ClientSetting, ClientSpec};

/// The variables of libpq (PostgreSQL documentation, "Environment Variables").
pub const CLIENT: ClientSpec = ClientSpec {
    protocol: "postgres",
    alpn: &["postgresql"],
    program: "psql",
    environment: &[
        ("PGHOST", ClientSetting::Host),
        ("PGPORT", ClientSetting::Port),
        ("PGDATABASE", ClientSetting::Connection),
        ("PGUSER", ClientSetting::Account),
        ("PGSSLMODE", ClientSetting::Fixed("verify-full")),
        ("PGSSLROOTCERT", ClientSetting::Authority),
        ("PGPASSWORD", ClientSetting::Token),
    ],
    system_authority: Some("system"),
};
