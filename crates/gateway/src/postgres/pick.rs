//! What a client asks for by name: the connection with its database, and the account.

use super::refusal::{NO_CONNECTION, NO_LOGIN, Refusal};
use crate::Listener;
use sluice_model::{Account, Connection};
use sluice_policy::Snapshot;
use sluice_protocol::postgres::parameters::Admitted;
use std::sync::Arc;

/// `shop`, `shop/otherdb`, the first label of the TLS server name, or the listener's own connection.
pub fn pick_connection(
    snapshot: &Snapshot,
    listener: &Listener,
    admitted: &Admitted,
    server_name: Option<&str>,
) -> Result<(Arc<Connection>, String), Refusal> {
    let asked = admitted.database.as_deref().unwrap_or(&admitted.user);
    let (first, rest) = asked
        .split_once('/')
        .map_or((asked, None), |(first, rest)| (first, Some(rest)));
    let by_server_name = || {
        server_name?
            .split('.')
            .next()
            .and_then(|label| snapshot.connection(label))
    };
    let (connection, database) = if let Some(fixed) = &listener.connection {
        let connection = snapshot
            .connection(fixed)
            .ok_or_else(|| no_connection(fixed))?;
        (connection, if first == fixed { rest } else { Some(asked) })
    } else if let Some(connection) = snapshot.connection(first) {
        (connection, rest)
    } else if let Some(connection) = by_server_name() {
        (connection, Some(asked))
    } else {
        return Err(no_connection(first));
    };
    if connection.protocol != "postgres" {
        return Err(Refusal::new(
            NO_CONNECTION,
            format!(
                "connection \"{}\" is not a postgresql database",
                connection.name
            ),
        ));
    }
    let default = connection.target.database.clone();
    let database = database
        .map(str::to_owned)
        .or_else(|| default.clone())
        .ok_or_else(|| {
            Refusal::new(
                NO_CONNECTION,
                format!(
                    "connection \"{0}\" has no default database; name one as {0}/DATABASE",
                    connection.name
                ),
            )
        })?;
    let listed = connection
        .databases
        .as_ref()
        .is_none_or(|listed| listed.contains(&database));
    if !listed && default.as_ref() != Some(&database) {
        return Err(Refusal::new(
            NO_CONNECTION,
            format!(
                "database \"{database}\" is not offered by connection \"{}\"",
                connection.name
            ),
        ));
    }
    Ok((Arc::clone(connection), database))
}

fn no_connection(name: &str) -> Refusal {
    Refusal::new(
        NO_CONNECTION,
        format!("connection \"{name}\" does not exist"),
    )
    .hint("the database name picks the connection, as in dbname=shop or dbname=shop/otherdb")
}

/// The account that the user name names; the caller's own name stands for the default account.
pub fn pick_account<'a>(
    connection: &'a Connection,
    user: &str,
    caller: &str,
) -> Result<&'a Account, Refusal> {
    let by_name = connection
        .accounts
        .iter()
        .find(|account| account.name == user);
    let default = || match connection.accounts.as_slice() {
        [only] => Some(only),
        several => several.iter().find(|account| account.default),
    };
    by_name
        .or_else(|| (user == caller).then(default).flatten())
        .ok_or_else(|| {
            let names: Vec<&str> = connection
                .accounts
                .iter()
                .map(|account| account.name.as_str())
                .collect();
            Refusal::new(
                NO_LOGIN,
                format!(
                    "connection \"{}\" has no account \"{user}\"",
                    connection.name
                ),
            )
            .hint(format!(
                "the user name picks the account: {}, or your own name for the default one",
                names.join(", ")
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(names: &[(&str, bool)]) -> Connection {
        let account = |(name, default): &(&str, bool)| Account {
            name: (*name).to_owned(),
            default: *default,
            username: format!("at_target_{name}"),
            password: None,
            credential: None,
        };
        Connection {
            name: "shop".into(),
            protocol: "postgres".into(),
            environment: "prod".into(),
            labels: Default::default(),
            time_zone: None,
            target: sluice_model::Target {
                address: "127.0.0.1:5432".into(),
                database: Some("shop".into()),
                tls: Default::default(),
                ca_file: None,
                client_cert_file: None,
                client_key_file: None,
            },
            accounts: names.iter().map(account).collect(),
            databases: None,
            strict_masking: true,
            hold_timeout_seconds: 600,
            settings: Default::default(),
        }
    }

    #[test]
    fn the_user_name_picks_the_account() {
        type Case<'a> = (&'a [(&'a str, bool)], &'a str, Option<&'a str>);
        let two: &[(&str, bool)] = &[("app", true), ("owner", false)];
        let cases: &[Case<'_>] = &[
            (two, "owner", Some("owner")),
            (two, "app", Some("app")),
            (two, "ada", Some("app")),
            (two, "Owner", None),
            (two, "at_target_owner", None),
            (two, "", None),
            (&[("only", false)], "ada", Some("only")),
            (&[("a", false), ("b", false)], "ada", None),
        ];
        for (accounts, user, expected) in cases {
            let connection = connection(accounts);
            let picked = pick_account(&connection, user, "ada");
            assert_eq!(
                picked.ok().map(|account| account.name.as_str()),
                *expected,
                "{user}"
            );
        }
    }
}
