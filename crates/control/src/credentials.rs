//! Leasing target credentials: read where they are when they are needed, kept nowhere.

use crate::port_types::{Lease, LeaseError};
use sluice_model::{Connection, CredentialRef, Secret};
use std::io::Read as _;

/// The longest credential: long enough for any password or token, short enough that a wrong path to a big file
/// is noticed instead of read.
const MAX_CREDENTIAL_BYTES: u64 = 64 << 10;

/// Reads the credential of one account.
///
/// # Errors
/// Names the connection and the account, never the secret or where it is.
pub fn lease(connection: &Connection, account: &str) -> Result<Lease, LeaseError> {
    let found = connection.accounts.iter().find(|a| a.name == account);
    let found = found.ok_or_else(|| LeaseError::NoAccount {
        connection: connection.name.clone(),
        account: account.to_owned(),
    })?;
    let password = found
        .password
        .as_ref()
        .map(resolve)
        .transpose()
        .map_err(|why| LeaseError::Unavailable {
            connection: connection.name.clone(),
            account: account.to_owned(),
            why,
        })?;
    Ok(Lease {
        username: found.username.clone(),
        password,
    })
}

/// Reads a secret where it is.
pub(crate) fn resolve(reference: &CredentialRef) -> Result<Secret, &'static str> {
    let secret = match reference {
        CredentialRef::Env(name) => std::env::var(name)
            .map(Secret::new)
            .map_err(|_| "the environment variable is not set or is no text")?,
        CredentialRef::File(path) => {
            // Opening a pipe would wait for its other end.
            if !std::fs::metadata(path).is_ok_and(|m| m.is_file()) {
                return Err("there is no such file");
            }
            let file = std::fs::File::open(path).map_err(|_| "the file cannot be opened")?;
            let mut text = String::new();
            let read = file
                .take(MAX_CREDENTIAL_BYTES + 1)
                .read_to_string(&mut text)
                .map_err(|_| "the file cannot be read or is no text")?;
            if read as u64 > MAX_CREDENTIAL_BYTES {
                return Err("the file is too long for a credential");
            }
            let end = text
                .strip_suffix('\n')
                .map(|t| t.strip_suffix('\r').unwrap_or(t).len());
            text.truncate(end.unwrap_or(text.len()));
            Secret::new(text)
        }
    };
    match secret.expose().is_empty() {
        true => Err("it is empty"),
        false => Ok(secret),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: Option<&[u8]>, expected: Result<&str, &str>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("canary-path");
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let connection: Connection = serde_json::from_value(serde_json::json!({
            "name": "shop", "protocol": "p", "environment": "e", "target": {"address": "h:1"},
            "accounts": [{"name": "app", "username": "u", "password": {"file": path}}],
        }))
        .unwrap();
        match (lease(&connection, "app"), expected) {
            (Ok(lease), Ok(secret)) => {
                assert_eq!(lease.password.as_ref().unwrap().expose(), secret);
                assert!(!format!("{lease:?}").contains(secret));
            }
            (Err(e), Err(part)) => {
                let e = e.to_string();
                assert!(
                    e.contains(part) && e.contains("app") && e.contains("shop"),
                    "{e}"
                );
                assert!(!e.contains("canary"), "{e}");
            }
            (got, _) => panic!("{got:?}"),
        }
        assert!(matches!(
            lease(&connection, "root"),
            Err(LeaseError::NoAccount { .. })
        ));
    }

    #[test]
    fn credentials_are_read_whole_or_refused() {
        check(Some(b"s3 cret\n"), Ok("s3 cret"));
        check(Some(b"s3cret\r\n"), Ok("s3cret"));
        check(Some(b"s3cret\n\n"), Ok("s3cret\n"));
        check(Some(b""), Err("empty"));
        check(Some(b"canary\xff"), Err("no text"));
        check(Some(&[b'x'; 70_000]), Err("too long"));
        check(None, Err("no such file"));
    }
}
