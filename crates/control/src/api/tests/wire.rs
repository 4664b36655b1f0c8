//! The API over real sockets: TLS only, and nobody delays anybody.

use super::rig::Rig;
use crate::ports::LiveSessions;
use metrics_exporter_prometheus::PrometheusBuilder;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sluice_model::{WayIn, WaysIn};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

async fn ask(address: SocketAddr, ca: &[u8], request: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::from(address.ip());
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    // The server may close without the last word of TLS; what it said counts.
    let _ = stream.read_to_end(&mut answer).await;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn https_only_and_idle_connections_delay_nobody() {
    let rig = Rig::new().await;
    let sessions = Arc::clone(&rig.sessions) as Arc<dyn LiveSessions>;
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let api = rig
        .control
        .serve(sessions, rig.explainer(), rig.targets(), metrics)
        .await
        .unwrap();
    let address = api.address();
    let mut idle = Vec::new();
    for _ in 0..50 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    let ca = std::fs::read(rig.dir.path().join("data/ca.pem")).unwrap();
    let request = format!(
        "GET /v1/whoami HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\n\r\n",
        rig.admin_secret()
    );
    let answer = ask(address, &ca, &request).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.contains("no-store") && answer.contains("user:admin"),
        "{answer}"
    );
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(64 << 10));
    let answer = ask(address, &ca, &long).await.unwrap_or_default();
    assert!(
        !answer.contains(" 200 ") && !answer.contains(" 404 "),
        "{answer}"
    );
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(
        !answer.starts_with(b"HTTP"),
        "{:?}",
        String::from_utf8_lossy(&answer)
    );
    drop(idle);
    api.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}

/// Waits for a snapshot in which something is as it should be.
async fn until(rig: &Rig, what: impl Fn(&sluice_policy::Snapshot) -> bool) {
    let mut snapshots = rig.control.snapshots();
    let there = snapshots.wait_for(|s| what(s));
    let there = tokio::time::timeout(std::time::Duration::from_secs(10), there).await;
    assert!(there.is_ok_and(|s| s.is_ok()), "the snapshot never came");
}

#[tokio::test]
async fn files_that_change_and_windows_that_end_are_published_by_themselves() {
    let rig = Rig::new().await;
    let sessions = Arc::clone(&rig.sessions) as Arc<dyn LiveSessions>;
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let api = rig
        .control
        .serve(sessions, rig.explainer(), rig.targets(), metrics)
        .await
        .unwrap();
    let newcomer = super::rig::principal("user:newcomer");
    // Written until it is noticed: the watch on the directory begins somewhen after the start.
    let mut snapshots = rig.control.snapshots();
    let write = async {
        for n in 0.. {
            let text = format!("# {n}\n{{kind: User, name: newcomer}}\n");
            std::fs::write(rig.dir.path().join("resources/new.yaml"), text).unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        () = write => {}
        found = snapshots.wait_for(|s| s.principal(&newcomer).is_some()) => drop(found.unwrap()),
        () = tokio::time::sleep(std::time::Duration::from_secs(20)) => panic!("the file was never read"),
    }
    let version = rig.control.snapshot().version();
    let token = rig.token("user:eve").await;
    until(&rig, |s| s.version() > version).await;
    let version = rig.control.snapshot().version();
    // The clock passes the end; anything that rings the timer lets it be seen.
    rig.advance(3_601);
    rig.control
        .expire_wait(
            &rig.control
                .request_approval(rig.held("user:ada"))
                .await
                .unwrap()
                .id,
        )
        .await;
    until(&rig, |s| s.version() > version).await;
    assert!(
        rig.control
            .authenticate_token(
                &token.secret,
                WaysIn::of(&[WayIn::Token]),
                "192.0.2.9".parse().unwrap()
            )
            .is_err()
    );
    api.stop().await;
}
