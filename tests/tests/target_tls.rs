//! Logging in to a target: each TLS mode with right and wrong certificates on both sides, and each way to prove who
//! one is, against a real server.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P384_SHA384, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use sluice_tests::postgres::{APP, PASSWORD, Postgres, Version, give_to_server_user};
use sluice_tests::process::wait_for;
use sluice_tests::wire::{PLAINTEXT, Wire, tags};
use sluice_tests::{Gateway, Settings};
use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy, split};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A folder of certificates and keys that the server's user can read.
struct Papers(TempDir);

/// Until when a certificate holds.
#[derive(Clone, Copy, PartialEq)]
enum Validity {
    Now,
    Over,
}

impl Papers {
    fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("sluice-papers-")
            .tempdir()
            .unwrap();
        give_to_server_user(folder.path()).unwrap();
        Self(folder)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn shown(&self, file: &str) -> String {
        self.path(file).display().to_string()
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        std::fs::write(&path, text).unwrap();
        // The server insists that nobody else may read its key.
        let only_owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, only_owner).unwrap();
        give_to_server_user(&path).unwrap();
    }

    fn authority(&self, name: &str) -> Issuer<'static, KeyPair> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let pem = params.self_signed(&key).unwrap().pem();
        self.write(&format!("{name}.crt"), &pem);
        Issuer::new(params, key)
    }

    /// Writes `NAME.crt` and `NAME.key` for `common_name` and these names.
    fn issue(
        &self,
        by: &Issuer<'static, KeyPair>,
        name: &str,
        (common_name, names): (&str, &[&str]),
        validity: Validity,
    ) {
        self.issue_with(
            by,
            name,
            (common_name, names),
            validity,
            KeyPair::generate().unwrap(),
        );
    }

    fn issue_with(
        &self,
        by: &Issuer<'static, KeyPair>,
        name: &str,
        (common_name, names): (&str, &[&str]),
        validity: Validity,
        key: KeyPair,
    ) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        if validity == Validity::Over {
            params.not_before = date_time_ymd(2001, 1, 1);
            params.not_after = date_time_ymd(2002, 1, 1);
        }
        let certificate = params.signed_by(&key, by).unwrap();
        self.write(&format!("{name}.crt"), &certificate.pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }
}

/// The login rules of the server: each role proves who it is in its own way.
const RULES: &str = "host all postgres 127.0.0.1/32 scram-sha-256\n\
    hostssl all shop_app 127.0.0.1/32 scram-sha-256\n\
    hostssl all by_certificate 127.0.0.1/32 cert\n\
    hostssl all by_both 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n\
    host all by_md5 127.0.0.1/32 md5\n\
    host all in_clear 127.0.0.1/32 password\n";

struct Stage {
    papers: Papers,
    shop: Postgres,
}

/// A server with a certificate of a trusted authority and the other ones lying ready.
fn stage() -> Stage {
    let papers = Papers::new();
    let (trusted, stranger) = (papers.authority("trusted"), papers.authority("stranger"));
    let here = ("localhost", ["localhost", "127.0.0.1"].as_slice());
    papers.issue(&trusted, "right", here, Validity::Now);
    papers.issue(
        &trusted,
        "other-host",
        ("db", &["db.example.com"]),
        Validity::Now,
    );
    papers.issue(&stranger, "of-a-stranger", here, Validity::Now);
    papers.issue(&trusted, "expired", here, Validity::Over);
    // Another certificate of the same name, and one that is signed with another hash.
    papers.issue(&trusted, "second", here, Validity::Now);
    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    papers.issue_with(&trusted, "sha384", here, Validity::Now, p384);
    for (name, by, common_name, validity) in [
        ("client", &trusted, "by_certificate", Validity::Now),
        ("client-both", &trusted, "by_both", Validity::Now),
        ("client-somebody", &trusted, "somebody", Validity::Now),
        (
            "client-stranger",
            &stranger,
            "by_certificate",
            Validity::Now,
        ),
        ("client-expired", &trusted, "by_certificate", Validity::Over),
    ] {
        papers.issue(by, name, (common_name, &[]), validity);
    }
    papers.write("rules", RULES);
    let settings = [
        format!("hba_file={}", papers.shown("rules")),
        format!("ssl_ca_file={}", papers.shown("trusted.crt")),
        "log_connections=on".to_owned(),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let shop = Postgres::start_version(Version::System, &settings).unwrap();
    for sql in [
        "CREATE ROLE by_certificate LOGIN",
        &format!("CREATE ROLE by_both LOGIN PASSWORD '{PASSWORD}'"),
        &format!("SET password_encryption = 'md5'; CREATE ROLE by_md5 LOGIN PASSWORD '{PASSWORD}'"),
        &format!("CREATE ROLE in_clear LOGIN PASSWORD '{PASSWORD}'"),
    ] {
        shop.superuser_sql(sql).unwrap();
    }
    let stage = Stage { papers, shop };
    stage.present("right");
    stage
}

impl Stage {
    /// Has the server show another certificate from now on.
    fn present(&self, name: &str) {
        for (setting, ending) in [("ssl_cert_file", "crt"), ("ssl_key_file", "key")] {
            let file = self.papers.shown(&format!("{name}.{ending}"));
            let set = format!("ALTER SYSTEM SET {setting} = '{file}'");
            self.shop.superuser_sql(&set).unwrap();
        }
        self.shop.superuser_sql("SELECT pg_reload_conf()").unwrap();
        let file = self.papers.shown(&format!("{name}.crt"));
        wait_for("the server to show its new certificate", || {
            Ok((self.shop.superuser_sql("SHOW ssl_cert_file")? == file).then_some(()))
        })
        .unwrap();
    }

    /// How often a role has been let in so far.
    fn let_in(&self, role: &str) -> usize {
        let entry = format!("connection authorized: user={role} ");
        self.shop.log().unwrap().matches(&entry).count()
    }

    /// A connection document; `more` goes into its target.
    fn connection(&self, name: &str, role: &str, address: &str, more: &str) -> String {
        let password = match role {
            "by_certificate" => "",
            _ => ", password: {env: SHOP_APP_PASSWORD}",
        };
        format!(
            "kind: Connection\nname: {name}\nprotocol: postgres\nenvironment: prod\n\
             target: {{address: '{address}', database: shop, {more}}}\n\
             accounts:\n  - {{name: app, default: true, username: {role}{password}}}\n---\n"
        )
    }

    fn gateway(&self, connections: &str) -> (Gateway, String) {
        let settings = Settings {
            config: PLAINTEXT.to_owned(),
            ..Settings::default().resource("targets.yaml", connections.trim_end_matches("---\n"))
        };
        let gateway = Gateway::start(&self.shop, settings).unwrap();
        let token = gateway.token("user:ada").unwrap();
        (gateway, token)
    }
}

/// Logs in to a connection and runs a statement; an error is what the caller was told.
fn try_out(gateway: &Gateway, token: &str, connection: &str) -> Result<(), String> {
    let asked = [("user", "app"), ("database", connection)];
    let mut wire =
        Wire::login_with(gateway.port, token, &asked).map_err(|error| error.to_string())?;
    let answers = wire.query("SELECT 1").unwrap();
    assert_eq!(tags(&answers), "TDCZ", "{connection}");
    Ok(())
}

#[test]
fn each_mode_trusts_the_certificates_that_it_says() {
    let stage = stage();
    let port = stage.shop.port();
    let (ip, name) = (format!("127.0.0.1:{port}"), format!("localhost:{port}"));
    let trusted = format!("ca_file: {}", stage.papers.shown("trusted.crt"));
    let stranger = format!("ca_file: {}", stage.papers.shown("stranger.crt"));
    let mut connections = String::new();
    for (connection, address, more) in [
        ("require", &ip, "tls: require".to_owned()),
        ("verify-ca", &ip, format!("tls: verify-ca, {trusted}")),
        ("verify-full", &ip, format!("tls: verify-full, {trusted}")),
        ("by-name", &name, format!("tls: verify-full, {trusted}")),
        ("unsaid", &ip, trusted.clone()),
        ("wrong-ca", &ip, format!("tls: verify-ca, {stranger}")),
        ("wrong-full", &ip, format!("tls: verify-full, {stranger}")),
        ("systems", &ip, "tls: verify-full".to_owned()),
        (
            "no-file",
            &ip,
            "tls: verify-ca, ca_file: /nowhere/ca.crt".to_owned(),
        ),
        ("plain", &ip, "tls: disable".to_owned()),
    ] {
        connections += &stage.connection(connection, APP, address, &more);
    }
    let (gateway, token) = stage.gateway(&connections);
    // Which connections work with which certificate; the others are refused before the login.
    for (certificate, works) in [
        (
            "right",
            ["require", "verify-ca", "verify-full", "by-name", "unsaid"].as_slice(),
        ),
        (
            "sha384",
            &["require", "verify-ca", "verify-full", "by-name", "unsaid"],
        ),
        ("other-host", &["require", "verify-ca"]),
        ("of-a-stranger", &["require", "wrong-ca", "wrong-full"]),
        ("expired", &["require"]),
    ] {
        stage.present(certificate);
        for (connection, told) in [
            ("require", ""),
            ("verify-ca", "tls handshake"),
            ("verify-full", "tls handshake"),
            ("by-name", "tls handshake"),
            ("unsaid", "tls handshake"),
            ("wrong-ca", "tls handshake"),
            ("wrong-full", "tls handshake"),
            ("systems", "certificate"),
            ("no-file", "/nowhere/ca.crt"),
            // Its rules let nobody in without TLS.
            ("plain", "28000"),
        ] {
            let case = format!("{connection} with a certificate that is {certificate}");
            let before = stage.let_in(APP);
            let outcome = try_out(&gateway, &token, connection);
            if works.contains(&connection) {
                assert_eq!(outcome, Ok(()), "{case}");
                continue;
            }
            let refused = outcome.expect_err(&case);
            assert!(
                refused.contains("08001") && refused.contains(told),
                "{case}: {refused}"
            );
            assert!(!refused.contains(PASSWORD), "{case}");
            assert_eq!(stage.let_in(APP), before, "{case}: a login reached it");
        }
    }
    let log = stage.shop.log().unwrap();
    let logins = log
        .lines()
        .filter(|line| line.contains(&format!("connection authorized: user={APP} ")));
    for login in logins {
        assert!(login.contains("SSL enabled"), "{login}");
    }
}

#[test]
fn a_client_certificate_is_shown_and_must_be_right() {
    let stage = stage();
    let address = format!("127.0.0.1:{}", stage.shop.port());
    let trusted = stage.papers.shown("trusted.crt");
    let showing = |certificate: &str, key: &str| {
        format!(
            "tls: verify-full, ca_file: {trusted}, client_cert_file: {}, client_key_file: {}",
            stage.papers.shown(&format!("{certificate}.crt")),
            stage.papers.shown(&format!("{key}.key"))
        )
    };
    let own = |certificate: &str| showing(certificate, certificate);
    let none = format!("tls: verify-full, ca_file: {trusted}");
    let cases = [
        ("right", "by_certificate", own("client"), None),
        ("none", "by_certificate", none.clone(), Some("28000")),
        (
            "somebody",
            "by_certificate",
            own("client-somebody"),
            Some("28000"),
        ),
        (
            "stranger",
            "by_certificate",
            own("client-stranger"),
            Some(""),
        ),
        ("expired", "by_certificate", own("client-expired"), Some("")),
        (
            "key-of-another",
            "by_certificate",
            showing("client", "client-somebody"),
            Some("tls configuration"),
        ),
        (
            "no-file",
            "by_certificate",
            showing("client", "nowhere"),
            Some("nowhere.key"),
        ),
        ("both", "by_both", own("client-both"), None),
        ("both-none", "by_both", none, Some("28000")),
        ("both-other", "by_both", own("client"), Some("28P01")),
    ];
    let each = cases
        .iter()
        .map(|(name, role, more, _)| stage.connection(name, role, &address, more));
    let (gateway, token) = stage.gateway(&each.collect::<String>());
    for (connection, role, _, expected) in &cases {
        let before = stage.let_in(role);
        match (try_out(&gateway, &token, connection), expected) {
            (Ok(()), None) => assert!(stage.let_in(role) > before, "{connection}"),
            (Err(refused), Some(told)) => {
                assert!(
                    refused.contains("08001") && refused.contains(told),
                    "{connection}: {refused}"
                );
                assert_eq!(stage.let_in(role), before, "{connection}");
            }
            (outcome, _) => panic!("{connection}: {outcome:?}"),
        }
    }
}

#[test]
fn passwords_go_out_as_the_target_asks_and_in_clear_inside_tls_only() {
    let stage = stage();
    let address = format!("127.0.0.1:{}", stage.shop.port());
    let verified = format!(
        "tls: verify-full, ca_file: {}",
        stage.papers.shown("trusted.crt")
    );
    let plain = "tls: disable".to_owned();
    let cases = [
        ("scram", APP, &verified, None),
        ("md5", "by_md5", &verified, None),
        ("md5-plain", "by_md5", &plain, None),
        ("clear", "in_clear", &verified, None),
        ("clear-plain", "in_clear", &plain, Some("cleartext")),
    ];
    let each = cases
        .iter()
        .map(|(name, role, more, _)| stage.connection(name, role, &address, more));
    let (gateway, token) = stage.gateway(&each.collect::<String>());
    for (connection, role, _, expected) in cases {
        let before = stage.let_in(role);
        match (try_out(&gateway, &token, connection), expected) {
            (Ok(()), None) => assert!(stage.let_in(role) > before, "{connection}"),
            (Err(refused), Some(told)) => {
                assert!(refused.contains(told), "{connection}: {refused}");
                assert_eq!(stage.let_in(role), before, "{connection}");
            }
            (outcome, _) => panic!("{connection}: {outcome:?}"),
        }
    }
}

/// What the relay between gateway and server does with the offer of channel binding.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Offer {
    Kept,
    Stripped,
}

/// Somebody in the middle: speaks TLS to both sides, shows the certificate `shown`, passes everything on, and keeps
/// what the gateway says.
struct Relay {
    port: u16,
    said: Arc<Mutex<Vec<u8>>>,
    // The relay ends with it.
    _runtime: tokio::runtime::Runtime,
}

impl Relay {
    fn start(papers: &Papers, server: u16, shown: &str, offer: Offer) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let chain =
            vec![CertificateDer::from_pem_file(papers.path(&format!("{shown}.crt"))).unwrap()];
        let key = PrivateKeyDer::from_pem_file(papers.path(&format!("{shown}.key"))).unwrap();
        let accepting = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(papers.path("trusted.crt")).unwrap())
            .unwrap();
        let connecting = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (acceptor, connector) = (
            TlsAcceptor::from(Arc::new(accepting)),
            TlsConnector::from(Arc::new(connecting)),
        );
        let said: Arc<Mutex<Vec<u8>>> = Arc::default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (told, port) = mpsc::channel();
        let kept = Arc::clone(&said);
        runtime.spawn(async move {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            told.send(listener.local_addr().unwrap().port()).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, connector) = (acceptor.clone(), connector.clone());
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    let client = accept(client, &acceptor).await?;
                    let server = connect(server, &connector).await?;
                    relay(client, server, offer, kept).await
                });
            }
        });
        Self {
            port: port.recv().unwrap(),
            said,
            _runtime: runtime,
        }
    }

    fn heard(&self, needle: &str) -> bool {
        let said = self.said.lock().unwrap();
        String::from_utf8_lossy(&said).contains(needle)
    }
}

const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

async fn accept(
    mut tcp: TcpStream,
    acceptor: &TlsAcceptor,
) -> std::io::Result<impl AsyncRead + AsyncWrite + use<>> {
    let mut request = [0; 8];
    tcp.read_exact(&mut request).await?;
    assert_eq!(request, TLS_REQUEST);
    tcp.write_all(b"S").await?;
    acceptor.accept(tcp).await
}

async fn connect(
    port: u16,
    connector: &TlsConnector,
) -> std::io::Result<impl AsyncRead + AsyncWrite + use<>> {
    let mut tcp = TcpStream::connect(("127.0.0.1", port)).await?;
    tcp.write_all(&TLS_REQUEST).await?;
    assert_eq!(tcp.read_u8().await?, b'S');
    let name = ServerName::try_from("localhost").unwrap();
    connector.connect(name, tcp).await
}

async fn relay(
    client: impl AsyncRead + AsyncWrite,
    server: impl AsyncRead + AsyncWrite,
    offer: Offer,
    kept: Arc<Mutex<Vec<u8>>>,
) -> std::io::Result<()> {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_server, mut to_server) = split(server);
    let up = async {
        let mut buffer = [0; 4096];
        loop {
            let length = from_client.read(&mut buffer).await?;
            if length == 0 {
                return to_server.shutdown().await;
            }
            kept.lock().unwrap().extend_from_slice(&buffer[..length]);
            to_server.write_all(&buffer[..length]).await?;
        }
    };
    let down = async {
        // The first message is the offer of SASL mechanisms.
        let (tag, length) = (from_server.read_u8().await?, from_server.read_u32().await?);
        let mut offered = vec![0; usize::try_from(length).unwrap() - 4];
        from_server.read_exact(&mut offered).await?;
        if offer == Offer::Stripped {
            offered = b"\0\0\0\x0aSCRAM-SHA-256\0\0".to_vec();
        }
        to_client.write_u8(tag).await?;
        to_client
            .write_u32(u32::try_from(offered.len()).unwrap() + 4)
            .await?;
        to_client.write_all(&offered).await?;
        to_client.flush().await?;
        copy(&mut from_server, &mut to_client).await?;
        to_client.shutdown().await
    };
    tokio::try_join!(up, down).map(|_| ())
}

#[test]
fn channel_binding_finds_out_who_is_in_the_middle() {
    let stage = stage();
    // The certificate of the server, that of the one in the middle, and whether the gateway is let in.
    let cases = [
        // Who holds the server's own key is the server.
        ("right", "right", Offer::Kept, true),
        ("sha384", "sha384", Offer::Kept, true),
        // Trusted by name and authority, and still not the one that the server knows.
        ("right", "second", Offer::Kept, false),
        ("right", "sha384", Offer::Kept, false),
        // With `require` any certificate does for TLS; the login still fails.
        ("right", "of-a-stranger", Offer::Kept, false),
        // Taking the offer out does not help: the server is told that it was not seen.
        ("right", "right", Offer::Stripped, false),
        ("right", "second", Offer::Stripped, false),
    ];
    let trusted = stage.papers.shown("trusted.crt");
    let mut connections = String::new();
    let mut relays = Vec::new();
    for (index, (_, shown, offer, _)) in cases.iter().enumerate() {
        let relay = Relay::start(&stage.papers, stage.shop.port(), shown, *offer);
        let address = format!("127.0.0.1:{}", relay.port);
        let tls = match *shown {
            "of-a-stranger" => "tls: require".to_owned(),
            _ => format!("tls: verify-full, ca_file: {trusted}"),
        };
        connections += &stage.connection(&format!("relay{index}"), APP, &address, &tls);
        relays.push(relay);
    }
    let (gateway, token) = stage.gateway(&connections);
    for (index, ((certificate, shown, offer, works), relay)) in
        cases.iter().zip(&relays).enumerate()
    {
        let case = format!("{certificate} behind {shown}, offer {offer:?}");
        stage.present(certificate);
        let before = stage.let_in(APP);
        let outcome = try_out(&gateway, &token, &format!("relay{index}"));
        assert_eq!(outcome.is_ok(), *works, "{case}: {outcome:?}");
        assert_eq!(
            relay.heard("SCRAM-SHA-256-PLUS"),
            *offer == Offer::Kept,
            "{case}: channel binding is used where it is offered"
        );
        assert!(
            !relay.heard(PASSWORD) && !relay.heard("SELECT 1") || *works,
            "{case}"
        );
        if !works {
            assert_eq!(stage.let_in(APP), before, "{case}");
        }
    }
    let log = stage.shop.log().unwrap();
    assert!(log.contains("SCRAM channel binding check failed"), "{log}");
    assert!(log.contains("thinks the server does not"), "{log}");
}
