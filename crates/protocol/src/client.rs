//! How a protocol's usual client is told where to connect, so that the command line can say or set it.

/// What one setting of a client is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientSetting {
    /// The gateway's host name or address.
    Host,
    /// The gateway's port.
    Port,
    /// The connection, or `connection/database`.
    Connection,
    /// The address of the connection, for clients that ask by path.
    Url,
    /// The account of the target.
    Account,
    /// The file of the certificate authority that signed the gateway's certificate.
    Authority,
    /// Always this.
    Fixed(&'static str),
    /// The caller's token. Set for a client that is run, never printed.
    Token,
}

/// The usual client of a protocol.
#[derive(Debug, Clone, Copy)]
pub struct ClientSpec {
    /// The protocol's name in the protocol table.
    pub protocol: &'static str,
    /// What it offers as application protocol in a TLS handshake (RFC 7301).
    pub alpn: &'static [&'static str],
    /// The program.
    pub program: &'static str,
    /// The environment variables that it and most libraries read.
    pub environment: &'static [(&'static str, ClientSetting)],
    /// What [`ClientSetting::Authority`] is when the system's authorities are trusted; left unset when absent.
    pub system_authority: Option<&'static str>,
}
