//! How `curl`, and what reads the same variables, is told where to ask.

use crate::client::{ClientSetting, ClientSpec};

/// There is no variable that all clients take an address, a token or an account from; those of authorities are their own.
pub const CLIENT: ClientSpec = ClientSpec {
    protocol: "http",
    alpn: &["h2", "http/1.1"],
    program: "curl",
    environment: &[
        ("SERVICE_URL", ClientSetting::Url),
        ("SERVICE_TOKEN", ClientSetting::Token),
        ("SERVICE_ACCOUNT", ClientSetting::Account),
        ("CURL_CA_BUNDLE", ClientSetting::Authority),
        ("SSL_CERT_FILE", ClientSetting::Authority),
        ("REQUESTS_CA_BUNDLE", ClientSetting::Authority),
        ("NODE_EXTRA_CA_CERTS", ClientSetting::Authority),
    ],
    // All of them know by themselves where the system has its authorities.
    system_authority: None,
};
