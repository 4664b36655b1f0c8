//! Leasing target credentials: read where they are when they are needed, kept nowhere; but for tokens that are fetched,
//! which are kept until shortly before they end.

use crate::identity::fetch::Fetcher;
use crate::keys::is_in_data_dir;
use crate::port_types::LeaseError;
use parking_lot::Mutex;
use serde::Deserialize;
use sluice_model::{
    Account, AccountCredential, Connection, CredentialRef, Lease, Secret, Shown, Timestamp,
};
use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

/// The longest credential: long enough for any password or token, short enough that a wrong path to a big file
/// is noticed instead of read.
const MAX_CREDENTIAL_BYTES: u64 = 64 << 10;
/// How long before its end a fetched token is replaced, in seconds: longer than a request takes to begin.
const AHEAD: i64 = 30;
/// How long a token is used that does not say when it ends, in seconds.
const UNSAID: i64 = 300;
/// The longest that a fetched token is used, in seconds, whatever it says: what was withdrawn does not live on for long.
const LONGEST: i64 = 3_600;

/// Targets' logins.
#[derive(Default)]
pub(crate) struct Credentials {
    fetched: Mutex<HashMap<String, Arc<Slot>>>,
}

/// One token that is fetched, by one at a time.
#[derive(Default)]
struct Slot(tokio::sync::Mutex<Option<Fetched>>);

struct Fetched {
    /// What it was fetched with: another configuration, or another secret, needs another token.
    by: AccountCredential,
    token: Secret,
    until: Timestamp,
}

/// What a server of tokens answers (RFC 6749, sections 5.1 and 5.2).
#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Option<i64>,
}

impl Credentials {
    /// Reads or fetches the credential of one account.
    ///
    /// # Errors
    /// Names the connection and the account, never the secret or where it is.
    pub(crate) async fn lease(
        &self,
        connection: &Connection,
        account: &str,
        now: Timestamp,
    ) -> Result<Lease, LeaseError> {
        let found = connection.accounts.iter().find(|a| a.name == account);
        let found = found.ok_or_else(|| LeaseError::NoAccount {
            connection: connection.name.clone(),
            account: account.to_owned(),
        })?;
        let unavailable = |why| LeaseError::Unavailable {
            connection: connection.name.clone(),
            account: account.to_owned(),
            why,
        };
        self.of(&connection.name, found, now)
            .await
            .map_err(unavailable)
    }

    async fn of(
        &self,
        connection: &str,
        account: &Account,
        now: Timestamp,
    ) -> Result<Lease, &'static str> {
        let password = account.password.as_ref().map(resolve).transpose()?;
        let (shown, until) = match &account.credential {
            Some(by @ AccountCredential::ClientCredentials { .. }) => {
                let slot = format!("{connection} {}", account.name);
                let slot = Arc::clone(self.fetched.lock().entry(slot).or_default());
                let (token, until) = slot.token(by, now).await?;
                (Some(Shown::Bearer(token)), Some(until))
            }
            Some(other) => (Some(shown(other)?), None),
            None => (None, None),
        };
        Ok(Lease {
            username: account.username.clone(),
            password,
            shown,
            until,
        })
    }
}

/// What a target is shown, of those that are only read.
fn shown(credential: &AccountCredential) -> Result<Shown, &'static str> {
    Ok(match credential {
        AccountCredential::Bearer { token } => Shown::Bearer(resolve(token)?),
        AccountCredential::Header {
            name,
            prefix,
            value,
        } => Shown::Header {
            name: name.clone(),
            value: Secret::new(format!("{prefix}{}", resolve(value)?.expose())),
        },
        AccountCredential::Cookie { name, value } => Shown::Cookie {
            name: name.clone(),
            value: resolve(value)?,
        },
        AccountCredential::Certificate {
            cert_file,
            key_file,
        } => Shown::Certificate {
            cert_file: cert_file.clone(),
            key_file: key_file.clone(),
        },
        AccountCredential::Aws {
            access_key_id,
            secret_access_key,
            session_token,
            region,
            service,
        } => Shown::Aws {
            access_key_id: resolve(access_key_id)?.expose().to_owned(),
            secret_access_key: resolve(secret_access_key)?,
            session_token: session_token.as_ref().map(resolve).transpose()?,
            region: region.clone(),
            service: service.clone(),
        },
        AccountCredential::ClientCredentials { .. } => return Err("it has to be fetched"),
    })
}

impl Slot {
    async fn token(
        &self,
        by: &AccountCredential,
        now: Timestamp,
    ) -> Result<(Secret, Timestamp), &'static str> {
        let mut kept = self.0.lock().await;
        if let Some(kept) = kept.as_ref()
            && kept.by == *by
            && now < kept.until
        {
            return Ok((kept.token.clone(), kept.until));
        }
        let (token, life) = fetch(by).await?;
        let until = now.plus_seconds(life);
        let answer = (token.clone(), until);
        let by = by.clone();
        *kept = Some(Fetched { by, token, until });
        Ok(answer)
    }
}

/// Fetches a token, and says for how many seconds it may be used.
async fn fetch(by: &AccountCredential) -> Result<(Secret, i64), &'static str> {
    let AccountCredential::ClientCredentials {
        token_url,
        client_id,
        client_secret,
        scopes,
        audience,
        ca_file,
    } = by
    else {
        return Err("it is none that is fetched");
    };
    let secret = resolve(client_secret)?;
    let fetcher = Fetcher::new(ca_file.as_deref().map(Path::new));
    let fetcher =
        fetcher.map_err(|_| "the certificate authority of its token_url cannot be read")?;
    let scope = scopes.join(" ");
    let mut form = vec![("grant_type", "client_credentials")];
    form.extend((!scope.is_empty()).then_some(("scope", scope.as_str())));
    form.extend(audience.as_deref().map(|audience| ("audience", audience)));
    let answer = fetcher.post(token_url, &form, Some((client_id, &secret)));
    let (status, answer): (_, TokenAnswer) = answer
        .await
        .map_err(|_| "its token_url cannot be asked, or answered something else than a token")?;
    let is_bearer = |kind: &String| kind.eq_ignore_ascii_case("bearer");
    let token = answer.access_token.filter(|_| status.is_success());
    let token = token.map(Secret::new);
    match (token, answer.token_type.as_ref().is_none_or(is_bearer)) {
        (Some(token), true) => {
            let life = answer.expires_in.map_or(UNSAID, |life| life - AHEAD);
            Ok((token, life.clamp(1, LONGEST)))
        }
        _ => Err("its token_url gave no bearer token"),
    }
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
            // Whoever may declare a reference may not have the gateway's own keys sent somewhere: looked at where it
            // leads, and that very file opened.
            let path = std::fs::canonicalize(path).map_err(|_| "there is no such file")?;
            if is_in_data_dir(&path) {
                return Err(
                    "it leads into a gateway's data directory; keep secrets of others in a directory of their own",
                );
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

    async fn check(content: Option<&[u8]>, expected: Result<&str, &str>) {
        let credentials = Credentials::default();
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
        let now = Timestamp(0);
        match (credentials.lease(&connection, "app", now).await, expected) {
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
            credentials.lease(&connection, "root", now).await,
            Err(LeaseError::NoAccount { .. })
        ));
    }

    #[test]
    fn no_reference_leads_into_a_data_directory() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        crate::keys::Keys::open(&data).unwrap();
        std::fs::create_dir(data.join("records")).unwrap();
        for name in ["data/records/log", "data/admin.token", "beside"] {
            std::fs::write(dir.path().join(name), "canary").unwrap();
        }
        std::os::unix::fs::symlink("data/admin.token", dir.path().join("link")).unwrap();
        std::os::unix::fs::symlink("data", dir.path().join("way")).unwrap();
        for (name, is_read) in [
            ("beside", true),
            ("data/../beside", true),
            ("data/master.key", false),
            ("data/admin.token", false),
            ("data/records/log", false),
            ("data/records/../master.key", false),
            ("link", false),
            ("way/master.key", false),
        ] {
            let path = dir.path().join(name).display().to_string();
            match (resolve(&CredentialRef::File(path)), is_read) {
                (Ok(secret), true) => assert_eq!(secret.expose(), "canary"),
                (Err(why), false) => assert!(why.contains("data directory"), "{name}: {why}"),
                (got, _) => panic!("{name}: {got:?}"),
            }
        }
        let through = format!("/proc/self/root{}", data.join("master.key").display());
        assert!(resolve(&CredentialRef::File(through)).is_err());
    }

    #[tokio::test]
    async fn credentials_are_read_whole_or_refused() {
        check(Some(b"s3 cret\n"), Ok("s3 cret")).await;
        check(Some(b"s3cret\r\n"), Ok("s3cret")).await;
        check(Some(b"s3cret\n\n"), Ok("s3cret\n")).await;
        check(Some(b""), Err("empty")).await;
        check(Some(b"canary\xff"), Err("no text")).await;
        check(Some(&[b'x'; 70_000]), Err("too long")).await;
        check(None, Err("no such file")).await;
    }
}
