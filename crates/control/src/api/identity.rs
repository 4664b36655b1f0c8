//! Who one is, tokens, and switching principals off.

use super::App;
use super::answer::{Body, Id, Refusal};
use super::types::{
    AgentList, CreateToken, CreatedToken, ErrorBody, GroupList, Leftovers, OffboardRequest,
    PrincipalInfo, PrincipalList, Reason, RotateToken, SignInList, TokenInfo, TokenList, WhoAmI,
};
use crate::control::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use sluice_model::{PrincipalId, SignInId, TokenId};

type Answer<T> = Result<Json<T>, Refusal>;

/// Who the token stands for.
#[utoipa::path(get, path = "/v1/whoami", responses((status = 200, body = WhoAmI), (status = 401, body = ErrorBody)))]
pub(super) async fn whoami(Extension(caller): Extension<Caller>) -> Json<WhoAmI> {
    let admin = caller.is_admin();
    Json(WhoAmI {
        principal: caller.principal.id,
        groups: caller.principal.groups,
        admin,
        owner: caller.principal.owner.map(|owner| owner.id),
        way: caller.way.to_string(),
        token: caller.credential.token().cloned(),
        expires: caller.expires,
    })
}

/// Makes a token: for anybody as an administrator, for oneself and one's agents otherwise.
#[utoipa::path(
    post, path = "/v1/tokens", request_body = CreateToken,
    responses((status = 201, body = CreatedToken), (status = 403, body = ErrorBody))
)]
pub(super) async fn create_token(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Body(wanted): Body<CreateToken>,
) -> Result<(StatusCode, Json<CreatedToken>), Refusal> {
    let created = app.control.create_token(&caller, wanted).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// Lists tokens: everybody's for administrators, one's own otherwise.
#[utoipa::path(get, path = "/v1/tokens", responses((status = 200, body = TokenList)))]
pub(super) async fn list_tokens(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Json<TokenList> {
    Json(TokenList {
        tokens: app.control.list_tokens(&caller).await,
    })
}

/// Revokes a token; sessions that stand on it end.
#[utoipa::path(
    post, path = "/v1/tokens/{id}/revoke", params(("id" = String, Path)),
    responses((status = 200, body = TokenInfo), (status = 404, body = ErrorBody))
)]
pub(super) async fn revoke_token(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<TokenId>,
) -> Answer<TokenInfo> {
    Ok(Json(app.control.revoke_token(&caller, &id).await?))
}

/// Lists principals.
#[utoipa::path(get, path = "/v1/principals", responses((status = 200, body = PrincipalList)))]
pub(super) async fn list_principals(State(app): State<App>) -> Json<PrincipalList> {
    Json(PrincipalList {
        principals: app.control.list_principals().await,
    })
}

/// Lists the groups that somebody is in, with who that is.
#[utoipa::path(get, path = "/v1/groups", responses((status = 200, body = GroupList)))]
pub(super) async fn groups(State(app): State<App>) -> Json<GroupList> {
    Json(GroupList {
        groups: app.control.list_groups().await,
    })
}

/// Switches a principal off: its sessions end, its requests and grants are withdrawn.
#[utoipa::path(
    post, path = "/v1/principals/{id}/disable", params(("id" = String, Path)), request_body = Reason,
    responses((status = 200, body = PrincipalInfo), (status = 404, body = ErrorBody))
)]
pub(super) async fn disable(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<PrincipalId>,
    Body(reason): Body<Reason>,
) -> Answer<PrincipalInfo> {
    Ok(Json(
        app.control
            .set_disabled(&caller, &id, true, reason.reason)
            .await?,
    ))
}

/// Switches a principal on again.
#[utoipa::path(
    post, path = "/v1/principals/{id}/enable", params(("id" = String, Path)), request_body = Reason,
    responses((status = 200, body = PrincipalInfo), (status = 404, body = ErrorBody))
)]
pub(super) async fn enable(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<PrincipalId>,
    Body(reason): Body<Reason>,
) -> Answer<PrincipalInfo> {
    Ok(Json(
        app.control
            .set_disabled(&caller, &id, false, reason.reason)
            .await?,
    ))
}

/// Replaces a token: a new secret for the same, while the old one goes on for a while.
#[utoipa::path(
    post, path = "/v1/tokens/{id}/rotate", params(("id" = String, Path)), request_body = RotateToken,
    responses((status = 201, body = CreatedToken), (status = 404, body = ErrorBody))
)]
pub(super) async fn rotate_token(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<TokenId>,
    Body(wanted): Body<RotateToken>,
) -> Result<(StatusCode, Json<CreatedToken>), Refusal> {
    let created = app.control.rotate_token(&caller, &id, wanted).await?;
    Ok((StatusCode::CREATED, Json(created)))
}

/// Lists agents: everybody's for administrators, one's own otherwise.
#[utoipa::path(get, path = "/v1/agents", responses((status = 200, body = AgentList)))]
pub(super) async fn list_agents(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Json<AgentList> {
    Json(AgentList {
        agents: app.control.list_agents(&caller).await,
    })
}

/// Ends an agent for good, with its tokens and sessions; one that a file declares is switched off.
#[utoipa::path(
    post, path = "/v1/agents/{id}/end", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody))
)]
pub(super) async fn end_agent(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<PrincipalId>,
) -> Result<StatusCode, Refusal> {
    app.control.end_agent(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists sign-ins: everybody's for administrators, one's own otherwise.
#[utoipa::path(get, path = "/v1/sign-ins", responses((status = 200, body = SignInList)))]
pub(super) async fn list_sign_ins(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Json<SignInList> {
    Json(SignInList {
        sign_ins: app.control.list_sign_ins(&caller).await,
    })
}

/// Ends a sign-in with everything that hangs from it.
#[utoipa::path(
    post, path = "/v1/sign-ins/{id}/end", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody))
)]
pub(super) async fn end_sign_in(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<SignInId>,
) -> Result<StatusCode, Refusal> {
    app.control.sign_out(&caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows everything that hangs from a person, and ends it unless that is a dry run.
#[utoipa::path(
    post, path = "/v1/principals/{id}/offboard", params(("id" = String, Path)), request_body = OffboardRequest,
    responses((status = 200, body = Leftovers), (status = 404, body = ErrorBody))
)]
pub(super) async fn offboard(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Id(id): Id<PrincipalId>,
    Body(request): Body<OffboardRequest>,
) -> Answer<Leftovers> {
    let sessions = app.sessions.as_ref();
    let left = app
        .control
        .offboard(&caller, &id, request, sessions)
        .await?;
    Ok(Json(left))
}
