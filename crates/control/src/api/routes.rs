//! The table of routes: what there is, and who may use it.

use super::auth::{Gate, Who, gate};
use super::{
    App, approvals, browser, changes, console, identity, live, meta, notify, oauth, recorded,
    resources, saml, scim, sessions, sites, targets,
};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use std::time::Duration;

/// The largest body of an ordinary request: statements to explain are the longest.
const SMALL_BODY: usize = 256 << 10;
/// The largest body of an apply: thousands of resources.
const LARGE_BODY: usize = 32 << 20;
/// The largest body that a provider provisions with: a group of all of a large company.
const SCIM_BODY: usize = 8 << 20;
/// The largest body of a SAML answer: the longest message, encoded twice.
const SAML_BODY: usize = 512 << 10;
/// How long an ordinary request may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long verifying may take: it reads everything that was ever recorded.
const LONG_PATIENCE: Duration = Duration::from_secs(290);

const GET: MethodFilter = MethodFilter::GET;
const POST: MethodFilter = MethodFilter::POST;
const PUT: MethodFilter = MethodFilter::PUT;
const PATCH: MethodFilter = MethodFilter::PATCH;
const DELETE: MethodFilter = MethodFilter::DELETE;

/// One route.
pub(super) struct Route {
    pub(super) method: MethodFilter,
    pub(super) path: &'static str,
    pub(super) who: Who,
    handler: fn(MethodFilter) -> MethodRouter<App>,
    max_body: usize,
    patience: Duration,
}

fn route(
    method: MethodFilter,
    path: &'static str,
    who: Who,
    handler: fn(MethodFilter) -> MethodRouter<App>,
) -> Route {
    Route {
        method,
        path,
        who,
        handler,
        max_body: SMALL_BODY,
        patience: PATIENCE,
    }
}

/// All of them. Adding a route is adding a line here; the generated test walks every line as every role.
pub(super) fn routes() -> Vec<Route> {
    use Who::{Admins, Anybody, LocalOrSignedIn, SignedIn};
    let large = |route: Route| Route {
        max_body: LARGE_BODY,
        ..route
    };
    let slow = |route: Route| Route {
        patience: LONG_PATIENCE,
        ..route
    };
    let mut all = vec![
        route(GET, "/healthz", Anybody, |m| on(m, meta::healthz)),
        route(GET, "/readyz", Anybody, |m| on(m, meta::readyz)),
        route(GET, "/openapi.json", Anybody, |m| on(m, meta::openapi)),
        route(GET, "/metrics", LocalOrSignedIn, |m| on(m, meta::metrics)),
        route(GET, "/v1/whoami", SignedIn, |m| on(m, identity::whoami)),
        route(GET, "/v1/connections", SignedIn, |m| {
            on(m, resources::connections)
        }),
        route(GET, "/v1/resources", Admins, |m| on(m, resources::list)),
        large(route(POST, "/v1/resources/apply", Admins, |m| {
            on(m, resources::apply)
        })),
        large(route(POST, "/v1/resources/diff", Admins, |m| {
            on(m, resources::diff)
        })),
        route(GET, "/v1/approvals", SignedIn, |m| on(m, approvals::list)),
        route(GET, "/v1/approvals/{id}", SignedIn, |m| {
            on(m, approvals::one)
        }),
        route(POST, "/v1/approvals/{id}/approve", SignedIn, |m| {
            on(m, approvals::approve)
        }),
        route(POST, "/v1/approvals/{id}/deny", SignedIn, |m| {
            on(m, approvals::deny)
        }),
        route(POST, "/v1/approvals/{id}/end", SignedIn, |m| {
            on(m, approvals::end)
        }),
        route(POST, "/v1/requests", SignedIn, |m| {
            on(m, approvals::request)
        }),
        route(GET, "/v1/sessions", SignedIn, |m| on(m, sessions::list)),
        route(POST, "/v1/sessions/{id}/kill", SignedIn, |m| {
            on(m, sessions::kill)
        }),
        route(GET, "/v1/sessions/{id}/replay", SignedIn, |m| {
            on(m, sessions::replay)
        }),
        slow(route(POST, "/v1/audit/verify", Admins, |m| {
            on(m, sessions::verify)
        })),
        route(POST, "/v1/explain", SignedIn, |m| on(m, sessions::explain)),
    ];
    all.extend(recorded_routes());
    all.extend(identity_routes());
    all.extend(notifier_routes());
    all.extend(browser_routes());
    all.extend(scim_routes());
    all
}

/// Those that people look through what there is and was with.
fn recorded_routes() -> Vec<Route> {
    use Who::{Admins, SignedIn};
    let slow = |route: Route| Route {
        patience: LONG_PATIENCE,
        ..route
    };
    vec![
        route(GET, "/v1/overview", SignedIn, |m| on(m, recorded::overview)),
        route(GET, "/v1/operations", SignedIn, |m| {
            on(m, recorded::operations)
        }),
        route(GET, "/v1/sessions/{id}", SignedIn, |m| {
            on(m, recorded::session)
        }),
        slow(route(GET, "/v1/sessions/{id}/verify", SignedIn, |m| {
            on(m, recorded::verify_session)
        })),
        route(GET, "/v1/log", Admins, |m| on(m, recorded::log)),
        route(GET, "/v1/audit", Admins, |m| on(m, recorded::standing)),
        route(GET, "/v1/events", SignedIn, |m| on(m, live::events)),
        route(GET, "/v1/protocols", SignedIn, |m| {
            on(m, targets::protocols)
        }),
        route(POST, "/v1/connections/test", Admins, |m| {
            on(m, targets::test)
        }),
        route(GET, "/v1/settings", Admins, |m| on(m, targets::settings)),
        route(GET, "/v1/history", Admins, |m| on(m, changes::history)),
        route(GET, "/v1/history/diff", Admins, |m| {
            on(m, changes::history_diff)
        }),
        slow(Route {
            max_body: LARGE_BODY,
            ..route(POST, "/v1/policies/dry-run", Admins, |m| {
                on(m, changes::dry_run)
            })
        }),
        slow(Route {
            max_body: LARGE_BODY,
            ..route(POST, "/v1/policies/test", Admins, |m| {
                on(m, changes::test_policies)
            })
        }),
    ]
}

/// Those about principals and what they hold.
fn identity_routes() -> Vec<Route> {
    use Who::{Admins, SignedIn};
    vec![
        route(GET, "/v1/tokens", SignedIn, |m| {
            on(m, identity::list_tokens)
        }),
        route(POST, "/v1/tokens", SignedIn, |m| {
            on(m, identity::create_token)
        }),
        route(POST, "/v1/tokens/{id}/revoke", SignedIn, |m| {
            on(m, identity::revoke_token)
        }),
        route(POST, "/v1/tokens/{id}/rotate", SignedIn, |m| {
            on(m, identity::rotate_token)
        }),
        route(GET, "/v1/agents", SignedIn, |m| {
            on(m, identity::list_agents)
        }),
        route(POST, "/v1/agents/{id}/end", SignedIn, |m| {
            on(m, identity::end_agent)
        }),
        route(GET, "/v1/sign-ins", SignedIn, |m| {
            on(m, identity::list_sign_ins)
        }),
        route(POST, "/v1/sign-ins/{id}/end", SignedIn, |m| {
            on(m, identity::end_sign_in)
        }),
        route(POST, "/v1/principals/{id}/offboard", Admins, |m| {
            on(m, identity::offboard)
        }),
        route(GET, "/v1/principals", Admins, |m| {
            on(m, identity::list_principals)
        }),
        route(GET, "/v1/groups", Admins, |m| on(m, identity::groups)),
        route(POST, "/v1/principals/{id}/disable", Admins, |m| {
            on(m, identity::disable)
        }),
        route(POST, "/v1/principals/{id}/enable", Admins, |m| {
            on(m, identity::enable)
        }),
    ]
}

/// Those about notifiers. A hook looks itself at who signed what it is sent.
fn notifier_routes() -> Vec<Route> {
    use Who::{Admins, Anybody, SignedIn};
    vec![
        route(GET, "/v1/notifiers", Admins, |m| on(m, notify::list)),
        route(POST, "/v1/notifiers/{id}/test", Admins, |m| {
            on(m, notify::test)
        }),
        route(GET, "/v1/deliveries", Admins, |m| on(m, notify::deliveries)),
        route(POST, "/v1/deliveries/{id}/retry", Admins, |m| {
            on(m, notify::retry)
        }),
        route(POST, "/v1/links/open", SignedIn, |m| {
            on(m, notify::open_link)
        }),
        route(POST, "/hooks/{id}", Anybody, |m| on(m, notify::hook)),
    ]
}

/// Those for browsers and for programs that ask for a token. Each handler looks itself for who is there: a browser that
/// is not signed in is sent to sign in, and not told that it is nobody.
pub(super) fn browser_routes() -> Vec<Route> {
    use Who::Anybody;
    const OPENID: &str = "/.well-known/openid-configuration";
    const OAUTH: &str = "/.well-known/oauth-authorization-server";
    const LOGOUT: &str = "/signin/{id}/backchannel-logout";
    vec![
        route(GET, "/", Anybody, |m| on(m, browser::home)),
        route(GET, "/account", Anybody, |m| on(m, browser::account)),
        route(GET, "/console", Anybody, |m| on(m, console::enter)),
        route(GET, "/console/", Anybody, |m| on(m, console::first)),
        route(GET, "/console/{*file}", Anybody, |m| on(m, console::any)),
        route(GET, "/enter", Anybody, |m| on(m, sites::enter)),
        route(GET, "/.well-known/jwks.json", Anybody, |m| {
            on(m, sites::keys)
        }),
        route(GET, "/signin", Anybody, |m| on(m, browser::choose)),
        route(GET, "/signin/{id}", Anybody, |m| on(m, browser::begin)),
        route(GET, "/signin/{id}/callback", Anybody, |m| {
            on(m, browser::come_back)
        }),
        route(POST, LOGOUT, Anybody, |m| {
            on(m, browser::back_channel_logout)
        }),
        Route {
            max_body: SAML_BODY,
            ..route(POST, "/signin/{id}/acs", Anybody, |m| on(m, saml::arrive))
        },
        route(GET, "/signin/{id}/slo", Anybody, |m| on(m, saml::sign_out)),
        route(POST, "/signin/{id}/slo", Anybody, |m| {
            on(m, saml::sign_out_by_form)
        }),
        route(GET, "/signin/{id}/metadata", Anybody, |m| {
            on(m, saml::metadata)
        }),
        route(POST, "/signout", Anybody, |m| on(m, browser::sign_out)),
        route(GET, "/oauth/authorize", Anybody, |m| {
            on(m, browser::authorize)
        }),
        route(POST, "/oauth/authorize", Anybody, |m| {
            on(m, browser::authorized)
        }),
        route(GET, "/device", Anybody, |m| on(m, browser::device)),
        route(POST, "/device", Anybody, |m| on(m, browser::decide_device)),
        route(POST, "/oauth/token", Anybody, |m| on(m, oauth::token)),
        route(POST, "/oauth/device_authorization", Anybody, |m| {
            on(m, oauth::device_authorization)
        }),
        route(GET, OPENID, Anybody, |m| on(m, oauth::metadata)),
        route(GET, OAUTH, Anybody, |m| on(m, oauth::metadata)),
    ]
}

/// Those that identity providers provision people and groups with (SCIM 2.0).
pub(super) fn scim_routes() -> Vec<Route> {
    use Who::Provisioners;
    const USERS: &str = "/scim/v2/Users";
    const USER: &str = "/scim/v2/Users/{id}";
    const GROUPS: &str = "/scim/v2/Groups";
    const GROUP: &str = "/scim/v2/Groups/{id}";
    let scim = |method, path, handler| Route {
        max_body: SCIM_BODY,
        ..route(method, path, Provisioners, handler)
    };
    vec![
        scim(GET, "/scim/v2/ServiceProviderConfig", |m| {
            on(m, scim::configuration)
        }),
        scim(GET, "/scim/v2/ResourceTypes", |m| on(m, scim::kinds)),
        scim(GET, "/scim/v2/ResourceTypes/{id}", |m| on(m, scim::kind)),
        scim(GET, "/scim/v2/Schemas", |m| on(m, scim::schemas)),
        scim(GET, "/scim/v2/Schemas/{id}", |m| on(m, scim::schema)),
        scim(GET, USERS, |m| on(m, scim::list_users)),
        scim(POST, USERS, |m| on(m, scim::create_user)),
        scim(POST, "/scim/v2/Users/.search", |m| {
            on(m, scim::search_users)
        }),
        scim(POST, "/scim/v2/Groups/.search", |m| {
            on(m, scim::search_groups)
        }),
        scim(GET, USER, |m| on(m, scim::one_user)),
        scim(PUT, USER, |m| on(m, scim::change_user)),
        scim(PATCH, USER, |m| on(m, scim::change_user)),
        scim(DELETE, USER, |m| on(m, scim::delete_user)),
        scim(GET, GROUPS, |m| on(m, scim::list_groups)),
        scim(POST, GROUPS, |m| on(m, scim::create_group)),
        scim(GET, GROUP, |m| on(m, scim::one_group)),
        scim(PUT, GROUP, |m| on(m, scim::change_group)),
        scim(PATCH, GROUP, |m| on(m, scim::change_group)),
        scim(DELETE, GROUP, |m| on(m, scim::delete_group)),
    ]
}

/// The routes with their gates.
pub(super) fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let gated = Gate {
            app: app.clone(),
            who: route.who,
            patience: route.patience,
        };
        let handler = (route.handler)(route.method)
            .layer(DefaultBodyLimit::max(route.max_body))
            .layer(from_fn_with_state(gated, gate));
        let handler = match route.who {
            Who::Provisioners => handler.layer(map_response(scim::in_its_words)),
            _ => handler,
        };
        router = router.route(route.path, handler);
    }
    router
        .fallback(nothing_there)
        .method_not_allowed_fallback(nothing_there)
        .layer(map_response(finish))
        .with_state(app)
}

async fn nothing_there(uri: Uri) -> Response {
    if uri.path().starts_with("/scim/") {
        return scim::nothing_there(uri).await;
    }
    let hint = "/openapi.json lists what there is";
    super::answer::Refusal::new(StatusCode::NOT_FOUND, "there is nothing here", Some(hint))
        .into_response()
}

/// Nothing of the API is kept by anybody on the way, nor taken for anything but what it says it is. Files of the console
/// that never change are.
async fn finish(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    // Not `no-referrer`: browsers would then hide the origin of our own forms as well.
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(
            "default-src 'none'; frame-ancestors 'none'",
        ));
    response
}
