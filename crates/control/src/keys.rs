//! The gateway's own secrets in its data directory: made on first start, readable by its user alone.
//!
//! One master key; the seed that signs the log and the key of the masks that hash are derived from it, so that
//! one file is what has to be kept safe and backed up.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use sluice_model::Secret;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The master key in hexadecimal.
const MASTER_KEY_FILE: &str = "master.key";
/// Bytes of the master key and of everything derived from it.
const KEY_BYTES: usize = 32;

/// Whether a file lies in the data directory of a gateway, this one's or another's on the same host, or in a copy of one:
/// that is where the master key is. The path has to be one without links.
pub(crate) fn is_in_data_dir(path: &Path) -> bool {
    let mut dirs = path.ancestors().skip(1);
    dirs.any(|dir| dir.join(MASTER_KEY_FILE).exists())
}

/// Why the gateway's own secrets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file or directory cannot be made or read.
    #[error("cannot use {path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong, in words.
        why: String,
    },
    /// The system has no randomness, or refuses to derive.
    #[error("the system's cryptography is not available")]
    Crypto,
    /// The certificate of the gateway's own authority could not be made or read.
    #[error("the gateway's certificate cannot be made or read: {0}")]
    Certificate(String),
}

impl KeyError {
    pub(crate) fn file(path: &Path, why: impl ToString) -> Self {
        Self::File {
            path: path.to_path_buf(),
            why: why.to_string(),
        }
    }
}

/// The secrets of one data directory.
pub(crate) struct Keys {
    /// Signs the checkpoints of the log.
    pub(crate) log_seed: Zeroizing<[u8; KEY_BYTES]>,
    /// Keys the masks that hash.
    pub(crate) hash_key: Secret,
    /// Seals what the store keeps of other systems' secrets.
    pub(crate) seal_key: Zeroizing<[u8; KEY_BYTES]>,
}

impl Keys {
    /// Reads the master key, or makes one in a fresh data directory.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, KeyError> {
        prepare_directory(data_dir)?;
        let path = data_dir.join(MASTER_KEY_FILE);
        let master = match read_private(&path)? {
            Some(text) => from_hex(text.trim())
                .ok_or_else(|| KeyError::file(&path, "expected 64 hexadecimal digits"))?,
            None => {
                let key = random::<KEY_BYTES>()?;
                write_new(&path, hex(key.as_slice()).as_bytes(), 0o600)?;
                key
            }
        };
        Ok(Self {
            log_seed: derive(&master, b"sluice log signing v1")?,
            hash_key: Secret::new(hex(derive(&master, b"sluice mask hashing v1")?.as_slice())),
            seal_key: derive(&master, b"sluice sealing v1")?,
        })
    }
}

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, KeyError> {
    let mut bytes = Zeroizing::new([0; N]);
    SystemRandom::new()
        .fill(bytes.as_mut_slice())
        .map_err(|_| KeyError::Crypto)?;
    Ok(bytes)
}

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        KEY_BYTES
    }
}

/// HKDF-SHA-256 (RFC 5869) without salt.
fn derive(
    master: &[u8; KEY_BYTES],
    purpose: &[u8],
) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
    let mut out = Zeroizing::new([0; KEY_BYTES]);
    Salt::new(HKDF_SHA256, &[])
        .extract(master)
        .expand(&[purpose], Length)
        .and_then(|okm| okm.fill(out.as_mut_slice()))
        .map_err(|_| KeyError::Crypto)?;
    Ok(out)
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// The other way, for exactly `N` bytes.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let mut out = Zeroizing::new([0; N]);
    if text.len() != N * 2 || !text.is_ascii() {
        return None;
    }
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()?;
    }
    Some(out)
}

/// Makes the directory for its owner alone, or checks that nobody else may enter it.
pub(crate) fn prepare_directory(path: &Path) -> Result<(), KeyError> {
    match std::fs::metadata(path) {
        Ok(meta) if !meta.is_dir() => Err(KeyError::file(path, "expected a directory")),
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => {
            let private = std::fs::Permissions::from_mode(0o700);
            std::fs::set_permissions(path, private).map_err(|e| KeyError::file(path, e.kind()))
        }
        Ok(_) => Ok(()),
        Err(_) => std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|e| KeyError::file(path, e.kind())),
    }
}

/// Reads a file that only its owner may read; `None` when there is none.
pub(crate) fn read_private(path: &Path) -> Result<Option<Zeroizing<String>>, KeyError> {
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(KeyError::file(path, e.kind())),
    };
    if meta.permissions().mode() & 0o077 != 0 {
        return Err(KeyError::file(
            path,
            "others may read it; run chmod 600 on it",
        ));
    }
    std::fs::read_to_string(path)
        .map(|text| Some(Zeroizing::new(text)))
        .map_err(|e| KeyError::file(path, e.kind()))
}

/// Writes a file whole or not at all: beside it first, then renamed into place.
pub(crate) fn write_new(path: &Path, content: &[u8], mode: u32) -> Result<(), KeyError> {
    let beside = path.with_extension("new");
    let _ = std::fs::remove_file(&beside);
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&beside, path))
        .map_err(|e| KeyError::file(path, e.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_private_and_distinct() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let first = Keys::open(&data).unwrap();
        let again = Keys::open(&data).unwrap();
        assert_eq!(first.log_seed, again.log_seed);
        assert_eq!(first.hash_key.expose(), again.hash_key.expose());
        assert_ne!(hex(first.log_seed.as_slice()), first.hash_key.expose());
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data), 0o700);
        assert_eq!(mode(&data.join(MASTER_KEY_FILE)), 0o600);
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        Keys::open(dir.path()).unwrap();
        let path = dir.path().join(MASTER_KEY_FILE);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Keys::open(dir.path()).is_err());
    }
}
