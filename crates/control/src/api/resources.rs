//! Connections as clients see them, and applying resources.

use super::answer::{Body, Refusal};
use super::types::{
    ApplyRequest, ApplyResponse, ConnectionInfo, ConnectionList, ErrorBody, ResourceList,
};
use super::{App, Peer};
use crate::control::Caller;
use crate::rights::may_connect;
use axum::extract::State;
use axum::{Extension, Json};
use sluice_model::Decision;

/// The connections that the caller may use, also where that needs an approval; all for administrators.
#[utoipa::path(get, path = "/v1/connections", responses((status = 200, body = ConnectionList)))]
pub(super) async fn connections(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Extension(Peer(from)): Extension<Peer>,
) -> Json<ConnectionList> {
    let config = app.control.config();
    let mut connections = Vec::new();
    for connection in app.control.snapshot().connections() {
        let connect = may_connect(&app.control, &caller, connection, from);
        if !caller.is_admin() && matches!(connect, Decision::Deny(_)) {
            continue;
        }
        let (default, others): (Vec<_>, Vec<_>) =
            connection.accounts.iter().partition(|a| a.default);
        let own = config
            .listeners
            .iter()
            .find(|l| l.connection == connection.name);
        connections.push(ConnectionInfo {
            name: connection.name.clone(),
            protocol: connection.protocol.clone(),
            environment: connection.environment.clone(),
            labels: connection.labels.clone(),
            accounts: default
                .into_iter()
                .chain(others)
                .map(|a| a.name.clone())
                .collect(),
            listen: own.map(|l| l.address.to_string()),
            host: host_of(&connection.name, &config.names),
            database: connection.target.database.clone(),
            health: app.targets.health(&connection.name),
            connect,
        });
    }
    let listen = config.listen.protocols.iter();
    Json(ConnectionList {
        connections,
        listen: listen
            .map(|(name, at)| (name.clone(), at.to_string()))
            .collect(),
        ca_pem: app.control.ca_pem(),
    })
}

/// The connection's name as a label under the first of the domains that have all names.
fn host_of(connection: &str, names: &[String]) -> Option<String> {
    let can_be_a_label = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let domain = names.iter().find_map(|name| name.strip_prefix("*."))?;
    connection
        .chars()
        .all(can_be_a_label)
        .then(|| format!("{}.{domain}", connection.to_ascii_lowercase()))
}

/// Lists the resources.
#[utoipa::path(get, path = "/v1/resources", responses((status = 200, body = ResourceList)))]
pub(super) async fn list(State(app): State<App>) -> Json<ResourceList> {
    Json(ResourceList {
        resources: app.control.list_resources().await,
    })
}

/// Takes resources over; all of them or, when anything is wrong, none.
#[utoipa::path(
    post, path = "/v1/resources/apply", request_body = ApplyRequest,
    responses((status = 200, body = ApplyResponse), (status = 422, body = ErrorBody))
)]
pub(super) async fn apply(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Body(request): Body<ApplyRequest>,
) -> Result<Json<ApplyResponse>, Refusal> {
    Ok(Json(app.control.apply(&caller, request).await?))
}

/// Says what an apply would change.
#[utoipa::path(
    post, path = "/v1/resources/diff", request_body = ApplyRequest,
    responses((status = 200, body = ApplyResponse), (status = 422, body = ErrorBody))
)]
pub(super) async fn diff(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Body(request): Body<ApplyRequest>,
) -> Result<Json<ApplyResponse>, Refusal> {
    let request = ApplyRequest {
        dry_run: true,
        ..request
    };
    Ok(Json(app.control.apply(&caller, request).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_a_host_where_every_name_has_one() {
        let names = ["gw.example.com", "*.gw.example.com"].map(str::to_owned);
        for (connection, host) in [
            ("Reports-2", Some("reports-2.gw.example.com")),
            ("reports.eu", None),
            ("reports_eu", None),
        ] {
            assert_eq!(host_of(connection, &names).as_deref(), host);
        }
        assert_eq!(host_of("reports", &names[..1]), None);
    }
}
