//! The description of the API, made from the handlers and types themselves.

use super::{
    approvals, changes, identity, live, meta, notify, recorded, resources, sessions, targets,
};
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
        approvals::list, approvals::one, approvals::approve, approvals::deny, approvals::end, approvals::request,
        notify::list, notify::test, notify::deliveries, notify::retry, notify::open_link, notify::hook,
        sessions::list, sessions::kill, sessions::replay, sessions::verify, sessions::explain,
        recorded::operations, recorded::session, recorded::verify_session, recorded::overview,
        recorded::log, recorded::standing, changes::history, changes::history_diff, changes::dry_run,
        changes::test_policies, targets::protocols, targets::test, targets::settings, live::events,
        identity::groups,
    )
)]
struct Description;

/// The description as served.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    let mut description = Description::openapi();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    description
        .components
        .get_or_insert_with(Default::default)
        .add_security_scheme("token", bearer);
    for (path, item) in &mut description.paths.paths {
        let named = path.replace(['{', '}'], "").replace(['/', '-', '.'], "_");
        for (method, operation) in [("get", &mut item.get), ("post", &mut item.post)] {
            if let Some(operation) = operation {
                // Handlers of several modules share a name; a method and a path are there once.
                operation.operation_id = Some(format!("{method}{named}"));
            }
        }
    }
    description
}
