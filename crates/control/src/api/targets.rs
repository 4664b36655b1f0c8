//! Protocols, targets, and what the gateway was told at start.

use super::App;
use super::answer::{Body, Refusal};
use super::types::{
    ActionInfo, ConnectionTested, ErrorBody, FactInfo, ProtocolInfo, ProtocolList, SettingInfo,
    SettingsInfo, TestConnection,
};
use crate::control::Caller;
use axum::extract::State;
use axum::{Extension, Json};
use sluice_model::{ActionSpec, FactSpec, GENERAL_ACTIONS, ProtocolSpec, SettingSpec};

/// The protocol table: what connections may say, and what policies may ask.
#[utoipa::path(get, path = "/v1/protocols", responses((status = 200, body = ProtocolList)))]
pub(super) async fn protocols(State(app): State<App>) -> Json<ProtocolList> {
    let protocols = app.control.protocols().iter();
    Json(ProtocolList {
        protocols: protocols.map(protocol).collect(),
        general_actions: GENERAL_ACTIONS.iter().map(action).collect(),
    })
}

fn protocol(spec: &ProtocolSpec) -> ProtocolInfo {
    let setting = |s: &SettingSpec| SettingInfo {
        name: s.name.to_owned(),
        kind: s.kind.name().to_owned(),
        doc: s.doc.to_owned(),
    };
    let fact = |f: &FactSpec| FactInfo {
        name: format!("context.{}.{}", spec.fact_namespace, f.name),
        doc: f.doc.to_owned(),
        required: f.required,
    };
    ProtocolInfo {
        name: spec.name.to_owned(),
        doc: spec.doc.to_owned(),
        default_port: spec.default_port,
        needs_username: spec.needs_username,
        has_databases: spec.has_databases,
        settings: spec.settings.iter().map(setting).collect(),
        actions: spec.actions.iter().map(action).collect(),
        facts: spec.facts.iter().map(fact).collect(),
    }
}

fn action(spec: &ActionSpec) -> ActionInfo {
    let groups = spec.groups.iter().map(|name| (*name).to_owned());
    ActionInfo {
        name: spec.name.to_owned(),
        groups: groups.collect(),
        doc: spec.doc.to_owned(),
    }
}

/// Opens a session at a target and ends it at once. Nothing is run.
#[utoipa::path(
    post, path = "/v1/connections/test", request_body = TestConnection,
    responses(
        (status = 200, body = ConnectionTested), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody),
    )
)]
pub(super) async fn test(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Body(request): Body<TestConnection>,
) -> Result<Json<ConnectionTested>, Refusal> {
    let with = (app.targets.as_ref(), &app.tests);
    let tested = app.control.test_target(&caller, with, request).await?;
    Ok(Json(tested))
}

/// What the gateway was told at start.
#[utoipa::path(get, path = "/v1/settings", responses((status = 200, body = SettingsInfo)))]
pub(super) async fn settings(State(app): State<App>) -> Json<SettingsInfo> {
    Json(app.control.settings())
}
