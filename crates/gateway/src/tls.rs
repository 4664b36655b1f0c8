//! TLS towards targets: the four modes of libpq, and the certificate hash that channel binding needs.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sluice_model::{Target, TlsMode};
use std::sync::Arc;

/// TLS towards a target could not be set up. Names files and modes, never their content.
#[derive(Debug, thiserror::Error)]
pub enum TargetTlsError {
    /// A PEM file cannot be used.
    #[error("cannot use {file}: {why}; expected a PEM file that the gateway can read")]
    File {
        /// Its path.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// The system has no authorities and none were given.
    #[error(
        "no certificate authority to trust: set ca_file on the target, or install the system's certificates"
    )]
    NoAuthorities,
    /// The TLS library refused the configuration.
    #[error("the tls configuration was refused: {0}")]
    Config(#[from] rustls::Error),
    /// The verifier could not be built.
    #[error("the certificate authorities were refused: {0}")]
    Verifier(#[from] rustls::client::VerifierBuilderError),
}

impl TargetTlsError {
    /// The same without what stands in a file.
    #[must_use]
    pub fn plainly(&self) -> String {
        match self {
            Self::File { file, .. } => {
                format!("cannot use {file}; expected a PEM file that the gateway can read")
            }
            Self::NoAuthorities => self.to_string(),
            Self::Config(_) => {
                "the client certificate and its key cannot be used together".to_owned()
            }
            Self::Verifier(_) => "the certificate authorities cannot be used".to_owned(),
        }
    }
}

/// The configuration for one target, or `None` where TLS is switched off. A `certificate` of the account's own (its
/// files) comes before the target's; `alpn` are the application protocols that are offered.
///
/// # Errors
/// A file is missing or no PEM, or there is no authority to trust.
pub fn client_config(
    target: &Target,
    certificate: Option<(&str, &str)>,
    alpn: &[&[u8]],
) -> Result<Option<Arc<ClientConfig>>, TargetTlsError> {
    if target.tls == TlsMode::Disable {
        return Ok(None);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let verifier: Arc<dyn ServerCertVerifier> = match target.tls {
        TlsMode::Disable | TlsMode::Require => Arc::new(Lenient {
            roots: None,
            provider,
        }),
        TlsMode::VerifyCa => Arc::new(Lenient {
            roots: Some(roots(target)?),
            provider,
        }),
        TlsMode::VerifyFull => {
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots(target)?), provider)
                .build()?
        }
    };
    let builder = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let own = target.client_cert_file.as_deref();
    let own = own.zip(target.client_key_file.as_deref());
    let mut config = match certificate.or(own) {
        Some((cert, key)) => {
            builder.with_client_auth_cert(certificates(cert)?, private_key(key)?)?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(Some(Arc::new(config)))
}

fn file_error(file: &str, why: &dyn std::fmt::Display) -> TargetTlsError {
    TargetTlsError::File {
        file: file.to_owned(),
        why: why.to_string(),
    }
}

fn certificates(file: &str) -> Result<Vec<CertificateDer<'static>>, TargetTlsError> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| file_error(file, &error))
}

fn private_key(file: &str) -> Result<PrivateKeyDer<'static>, TargetTlsError> {
    PrivateKeyDer::from_pem_file(file).map_err(|error| file_error(file, &error))
}

fn roots(target: &Target) -> Result<RootCertStore, TargetTlsError> {
    let mut store = RootCertStore::empty();
    match &target.ca_file {
        Some(file) => {
            for certificate in certificates(file)? {
                store
                    .add(certificate)
                    .map_err(|error| file_error(file, &error))?;
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if store.is_empty() {
        Err(TargetTlsError::NoAuthorities)
    } else {
        Ok(store)
    }
}

/// `require` (any certificate) and `verify-ca` (a trusted chain, whatever its name). Signatures of the
/// handshake are checked in both, so that the peer at least holds the key of what it shows.
#[derive(Debug)]
struct Lenient {
    roots: Option<RootCertStore>,
    provider: Arc<rustls::crypto::CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(
                &certificate,
                roots,
                intermediates,
                now,
                algorithms,
            )?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
