//! Trying a target out: the login as for a session, and an end before anything is run.

use super::Shared;
use super::target;
use crate::targets::{IN_THE_CLEAR, Trial, secured};
use sluice_model::Connection;
use sluice_protocol::postgres::encode;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// The database that is logged in to where the connection names none: one that nearly every server has.
const USUAL_DATABASE: &str = "postgres";
/// How long the target may take to hear that the session ends.
const PARTING: Duration = Duration::from_secs(1);

/// Tries a target out with an account.
pub async fn try_out(
    shared: &Arc<Shared>,
    connection: &Connection,
    account: &str,
    trial: &mut Trial,
) {
    let lease = async {
        let lease = shared.port.lease(connection, account).await;
        let lease = lease.map_err(|error| error.to_string())?;
        Ok((lease, "it could be had".to_owned()))
    };
    let Some(lease) = trial.step("credential", lease).await else {
        return;
    };
    let target = &connection.target;
    let dialled = async {
        let tcp = target::dial(target).await.map_err(|e| e.plainly())?;
        Ok((tcp, "it accepts connections".to_owned()))
    };
    let Some(tcp) = trial.step("connect", dialled).await else {
        return;
    };
    let secure = async {
        let opened = target::secure(tcp, target, true).await;
        let opened = opened.map_err(|e| e.plainly())?;
        let detail = match opened.version() {
            None => IN_THE_CLEAR.to_owned(),
            Some(version) => secured(version),
        };
        Ok((opened, detail))
    };
    let Some(opened) = trial.step("tls", secure).await else {
        return;
    };
    let databases = connection.databases.iter().flatten();
    let mut databases = target.database.iter().chain(databases);
    let database = databases.next().map_or(USUAL_DATABASE, String::as_str);
    let named = [("application_name".to_owned(), "sluice".to_owned())];
    let login = async {
        let session = target::log_in(opened, &lease, database, &named, &shared.salted).await;
        let session = session.map_err(|e| e.plainly())?;
        Ok((session, "it let the account in".to_owned()))
    };
    if let Some(mut session) = trial.step("login", login).await {
        encode::terminate(&mut session.side.outbox);
        let _ = timeout(PARTING, session.side.finish()).await;
    }
}
