//! The description of the API, made from the handlers and types themselves.

use super::{approvals, identity, meta, notify, resources, sessions};
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

#[derive(OpenApi)]
#[openapi(
    info(title = "Sluice", description = "The control plane of a Sluice gateway."),
    security(("token" = [])),
    paths(
        meta::healthz, meta::readyz, meta::metrics, meta::openapi,
        identity::whoami, identity::create_token, identity::list_tokens, identity::revoke_token,
        identity::rotate_token, identity::list_agents, identity::end_agent,
        identity::list_sign_ins, identity::end_sign_in, identity::offboard,
        identity::list_principals, identity::disable, identity::enable,
        resources::connections, resources::list, resources::apply, resources::diff,
        approvals::list, approvals::one, approvals::approve, approvals::deny, approvals::request,
        notify::list, notify::test, notify::deliveries, notify::retry, notify::open_link, notify::hook,
        sessions::list, sessions::kill, sessions::replay, sessions::verify, sessions::explain,
    )
)]
struct Description;

/// The description as served.
pub(super) fn description() -> utoipa::openapi::OpenApi {
    let mut description = Description::openapi();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    description
        .components
        .get_or_insert_with(Default::default)
        .add_security_scheme("token", bearer);
    description
}
