//! The server certificate: of the gateway's own authority, or of the files that the configuration names. Both are
//! replaced while the gateway runs; a file that cannot be used leaves the last good certificate.

use crate::config::{Config, TlsFiles};
use crate::keys::{KeyError, read_private, write_new};
use arc_swap::ArcSwap;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sluice_model::Timestamp;
use std::path::Path;
use std::sync::Arc;

/// The authority's certificate, for clients to trust.
pub(crate) const CA_FILE: &str = "ca.pem";
/// The authority's private key.
const CA_KEY_FILE: &str = "ca.key";
/// How long the authority lives: clients hold its certificate in files, so not shorter than a gateway's life.
const CA_YEARS: i16 = 10;
/// How long a server certificate lives; a new one is made at each start and after [`RENEW_SECONDS`].
const LEAF_DAYS: i64 = 90;
/// The age at which a server certificate is replaced.
const RENEW_SECONDS: i64 = 30 * 86_400;

/// Answers TLS handshakes with the certificate as it is now.
#[derive(Debug)]
pub struct ServerCertificate {
    current: ArcSwap<CertifiedKey>,
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

/// Where certificates come from, and when the last one was made.
pub(crate) struct CertificateSource {
    /// What the listeners use.
    pub(crate) server: Arc<ServerCertificate>,
    /// The authority's certificate in PEM; `None` with files of one's own.
    pub(crate) ca_pem: Option<String>,
    origin: Origin,
    made: Timestamp,
}

enum Origin {
    Authority {
        issuer: Box<Issuer<'static, KeyPair>>,
        names: Vec<String>,
    },
    Files {
        files: TlsFiles,
        seen: Vec<u8>,
    },
}

impl CertificateSource {
    /// Opens or makes the authority, or reads the configured files.
    pub(crate) fn open(config: &Config, now: Timestamp) -> Result<Self, KeyError> {
        let (origin, key, ca_pem) = match &config.tls {
            Some(files) => {
                let (key, seen) = from_files(files)?;
                (
                    Origin::Files {
                        files: files.clone(),
                        seen,
                    },
                    key,
                    None,
                )
            }
            None => {
                let (issuer, ca_pem) = authority(&config.data_dir, now)?;
                let names = names(config);
                let key = leaf(&issuer, &names, now)?;
                (
                    Origin::Authority {
                        issuer: Box::new(issuer),
                        names,
                    },
                    key,
                    Some(ca_pem),
                )
            }
        };
        let server = Arc::new(ServerCertificate {
            current: ArcSwap::from_pointee(key),
        });
        Ok(Self {
            server,
            ca_pem,
            origin,
            made: now,
        })
    }

    /// When the certificate as it is now ends; `None` for one that cannot be read.
    pub(crate) fn ends(&self) -> Option<Timestamp> {
        let current = self.server.current.load();
        let (_, certificate) = x509_parser::parse_x509_certificate(current.cert.first()?).ok()?;
        let seconds = certificate.validity().not_after.timestamp();
        seconds.checked_mul(1_000_000).map(Timestamp)
    }

    /// Replaces the certificate where it is due; says whether it did.
    pub(crate) fn refresh(&mut self, now: Timestamp) -> Result<bool, KeyError> {
        let key = match &mut self.origin {
            Origin::Authority { .. } if now < self.made.plus_seconds(RENEW_SECONDS) => {
                return Ok(false);
            }
            Origin::Authority { issuer, names } => leaf(issuer, names, now)?,
            Origin::Files { files, seen } => {
                if content(files)? == *seen {
                    return Ok(false);
                }
                let (key, now_seen) = from_files(files)?;
                *seen = now_seen;
                key
            }
        };
        self.server.current.store(Arc::new(key));
        self.made = now;
        Ok(true)
    }
}

pub(crate) fn certificate_error(e: impl std::fmt::Display) -> KeyError {
    KeyError::Certificate(e.to_string())
}

fn content(files: &TlsFiles) -> Result<Vec<u8>, KeyError> {
    let read = |path: &Path| std::fs::read(path).map_err(|e| KeyError::file(path, e.kind()));
    let mut all = read(&files.cert_file)?;
    // Only a digest of the private key is kept for comparison.
    let key = zeroize::Zeroizing::new(read(&files.key_file)?);
    all.extend(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &key).as_ref());
    Ok(all)
}

fn from_files(files: &TlsFiles) -> Result<(CertifiedKey, Vec<u8>), KeyError> {
    let bad = |path: &Path| KeyError::file(path, "expected a PEM file");
    let chain = CertificateDer::pem_file_iter(&files.cert_file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|_| bad(&files.cert_file))?;
    if chain.is_empty() {
        return Err(KeyError::file(
            &files.cert_file,
            "expected at least one certificate",
        ));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key_file).map_err(|_| bad(&files.key_file))?;
    let key = any_supported_type(&key).map_err(certificate_error)?;
    let certified = CertifiedKey::new(chain, key);
    certified.keys_match().map_err(certificate_error)?;
    Ok((certified, content(files)?))
}

/// `localhost`, the loopback addresses, this host's name, the addresses that are listened on, and what was configured.
fn names(config: &Config) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"]
        .into_iter()
        .map(str::to_owned)
        .collect();
    names.extend(std::fs::read_to_string("/proc/sys/kernel/hostname").map(|h| h.trim().to_owned()));
    let listeners = config
        .listen
        .protocols
        .values()
        .chain([&config.listen.https]);
    let own = config.listeners.iter().map(|l| &l.address);
    names.extend(
        listeners
            .chain(own)
            .map(|a| a.ip())
            .filter(|ip| !ip.is_unspecified())
            .map(|ip| ip.to_string()),
    );
    names.extend(config.names.iter().cloned());
    names.retain(|n| !n.is_empty());
    names.sort();
    names.dedup();
    names
}

fn day(at: Timestamp, years: i16) -> Result<(i32, u8, u8), KeyError> {
    let date = jiff::Timestamp::from_second(at.seconds())
        .map_err(certificate_error)?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    // The 28th exists in every month of every year.
    let day = u8::try_from(date.day().min(28)).unwrap_or(1);
    let month = u8::try_from(date.month()).unwrap_or(1);
    Ok((i32::from(date.year().saturating_add(years)), month, day))
}

pub(crate) fn validity(
    params: &mut CertificateParams,
    now: Timestamp,
    years: i16,
    days: i64,
) -> Result<(), KeyError> {
    // A day of grace for clients whose clock is behind.
    let (year, month, dom) = day(now.plus_seconds(-86_400), 0)?;
    params.not_before = date_time_ymd(year, month, dom);
    let (year, month, dom) = day(now.plus_seconds(days * 86_400), years)?;
    params.not_after = date_time_ymd(year, month, dom);
    Ok(())
}

fn authority(
    data_dir: &Path,
    now: Timestamp,
) -> Result<(Issuer<'static, KeyPair>, String), KeyError> {
    let key_path = data_dir.join(CA_KEY_FILE);
    let cert_path = data_dir.join(CA_FILE);
    if let Some(key_pem) = read_private(&key_path)? {
        let key = KeyPair::from_pem(&key_pem).map_err(certificate_error)?;
        let pem = std::fs::read_to_string(&cert_path)
            .map_err(|e| KeyError::file(&cert_path, e.kind()))?;
        let issuer = Issuer::from_ca_cert_pem(&pem, key).map_err(certificate_error)?;
        return Ok((issuer, pem));
    }
    let key = KeyPair::generate().map_err(certificate_error)?;
    let mut params = CertificateParams::default();
    // Each its own name: a client that trusts several gateways finds the right one by it.
    let name = crate::keys::hex(crate::keys::random::<4>()?.as_slice());
    params.distinguished_name.push(
        DnType::CommonName,
        format!("Sluice gateway authority {name}"),
    );
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    validity(&mut params, now, CA_YEARS, 0)?;
    let pem = params.self_signed(&key).map_err(certificate_error)?.pem();
    // The certificate first: a key without its certificate would not start again.
    write_new(&cert_path, pem.as_bytes(), 0o644)?;
    let key_pem = zeroize::Zeroizing::new(key.serialize_pem());
    write_new(&key_path, key_pem.as_bytes(), 0o600)?;
    Ok((Issuer::new(params, key), pem))
}

fn leaf(
    issuer: &Issuer<'_, KeyPair>,
    names: &[String],
    now: Timestamp,
) -> Result<CertifiedKey, KeyError> {
    let key = KeyPair::generate().map_err(certificate_error)?;
    let mut params = CertificateParams::new(names.to_vec()).map_err(certificate_error)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Sluice gateway");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    validity(&mut params, now, 0, LEAF_DAYS)?;
    let cert = params.signed_by(&key, issuer).map_err(certificate_error)?;
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = any_supported_type(&der).map_err(certificate_error)?;
    Ok(CertifiedKey::new(vec![cert.der().clone()], key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(dir: &Path, more: &str) -> Config {
        Config::parse(&dir.join("sluice.yaml"), more, &[]).unwrap()
    }

    #[test]
    fn the_authority_stays_and_the_leaf_is_renewed() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path(), "names: [gw.example]");
        crate::keys::prepare_directory(&config.data_dir).unwrap();
        let start = Timestamp(1_790_000_000_000_000);
        let mut source = CertificateSource::open(&config, start).unwrap();
        let again = CertificateSource::open(&config, start).unwrap();
        assert_eq!(source.ca_pem, again.ca_pem);
        let before = source.server.current.load_full();
        assert!(
            !source
                .refresh(start.plus_seconds(RENEW_SECONDS - 1))
                .unwrap()
        );
        assert!(source.refresh(start.plus_seconds(RENEW_SECONDS)).unwrap());
        assert_ne!(before.cert, source.server.current.load_full().cert);
    }

    #[test]
    fn files_are_read_again_and_bad_ones_leave_the_last_good() {
        let dir = tempfile::tempdir().unwrap();
        let write = || {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec!["x".to_owned()]).unwrap();
            std::fs::write(
                dir.path().join("c.pem"),
                params.self_signed(&key).unwrap().pem(),
            )
            .unwrap();
            std::fs::write(dir.path().join("k.pem"), key.serialize_pem()).unwrap();
        };
        write();
        let config = config(dir.path(), "tls: {cert_file: c.pem, key_file: k.pem}");
        let mut source = CertificateSource::open(&config, Timestamp(0)).unwrap();
        assert!(!source.refresh(Timestamp(0)).unwrap());
        write();
        assert!(source.refresh(Timestamp(0)).unwrap());
        let good = source.server.current.load_full();
        std::fs::write(dir.path().join("k.pem"), "nonsense").unwrap();
        assert!(source.refresh(Timestamp(0)).is_err());
        assert_eq!(good.cert, source.server.current.load_full().cert);
    }
}
