//! The floor of the benchmark: answers the TLS request of a PostgreSQL client, ends TLS, and copies bytes to and
//! from the target. It reads nothing and decides nothing.
//!
//! `floor LISTEN TARGET CERTIFICATE.pem KEY.pem`

use std::error::Error;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional_with_sizes};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Large enough that a bulk answer is not chopped, small enough for a thousand sessions.
const COPY_BYTES: usize = 64 * 1024;

/// What a client sends first when it wants TLS: a length of 8 and the request's code.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [listen, target, certificate, key] = arguments.as_slice() else {
        return Err("usage: floor LISTEN TARGET CERTIFICATE.pem KEY.pem".into());
    };
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let target: Arc<str> = target.as_str().into();
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (client, _) = listener.accept().await?;
        let (acceptor, target) = (acceptor.clone(), Arc::clone(&target));
        tokio::spawn(async move { serve(client, &acceptor, &target).await });
    }
}

async fn serve(mut client: TcpStream, acceptor: &TlsAcceptor, target: &str) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let mut first = [0_u8; 8];
    client.read_exact(&mut first).await?;
    if first != TLS_REQUEST {
        return Ok(());
    }
    client.write_all(b"S").await?;
    let mut client = acceptor.accept(client).await?;
    let mut server = TcpStream::connect(target).await?;
    server.set_nodelay(true)?;
    copy_bidirectional_with_sizes(&mut client, &mut server, COPY_BYTES, COPY_BYTES).await?;
    Ok(())
}
