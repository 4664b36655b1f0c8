//! The key that the gateway signs its SAML messages with and that assertions are encrypted for: made when it is first
//! needed, kept in the data directory.

use crate::certificates::{certificate_error, validity};
use crate::keys::{KeyError, read_private, write_new};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use sluice_identity::saml::ServiceKey;
use sluice_model::Timestamp;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::OnceCell;

const KEY_FILE: &str = "saml.key";
const CERTIFICATE_FILE: &str = "saml.pem";
/// How long the certificate says that it lives: providers hold it in their own files.
const YEARS: i16 = 10;

/// Where it is.
#[derive(Debug)]
pub(crate) struct SamlKey {
    data_dir: PathBuf,
    key: OnceCell<Arc<ServiceKey>>,
}

impl SamlKey {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            key: OnceCell::new(),
        }
    }

    /// The key, made now if there is none.
    pub(crate) async fn get(&self, now: Timestamp) -> Result<Arc<ServiceKey>, KeyError> {
        let open = || async {
            let data_dir = self.data_dir.clone();
            // Making one takes a second.
            let opened = tokio::task::spawn_blocking(move || open(&data_dir, now)).await;
            opened.unwrap_or(Err(KeyError::Crypto)).map(Arc::new)
        };
        self.key.get_or_try_init(open).await.cloned()
    }
}

fn open(data_dir: &Path, now: Timestamp) -> Result<ServiceKey, KeyError> {
    let (key_path, path) = (data_dir.join(KEY_FILE), data_dir.join(CERTIFICATE_FILE));
    let key = match read_private(&key_path)? {
        Some(pem) => KeyPair::from_pem(&pem).map_err(certificate_error)?,
        None => make(&key_path, &path, now)?,
    };
    let unusable = || KeyError::file(&path, "expected the certificate of saml.key");
    let certificate = CertificateDer::from_pem_file(&path).map_err(|_| unusable())?;
    ServiceKey::new(&key.serialize_der(), certificate.to_vec()).ok_or_else(unusable)
}

fn make(key_path: &Path, path: &Path, now: Timestamp) -> Result<KeyPair, KeyError> {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_3072);
    let key = key.map_err(certificate_error)?;
    let mut params = CertificateParams::default();
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, "Sluice gateway SAML");
    validity(&mut params, now, YEARS, 0)?;
    let pem = params.self_signed(&key).map_err(certificate_error)?.pem();
    // The certificate first: a key without its certificate would not start again.
    write_new(path, pem.as_bytes(), 0o644)?;
    let key_pem = zeroize::Zeroizing::new(key.serialize_pem());
    write_new(key_path, key_pem.as_bytes(), 0o600)?;
    Ok(key)
}
