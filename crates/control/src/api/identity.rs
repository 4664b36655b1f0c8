//! Who one is, tokens, and switching principals off.

use super::App;
use super::answer::{Body, Id, Refusal};
use super::types::{
    CreateToken, CreatedToken, ErrorBody, PrincipalInfo, PrincipalList, Reason, TokenInfo,
    TokenList, WhoAmI,
};
use crate::control::Caller;
use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use sluice_model::{PrincipalId, TokenId};

type Answer<T> = Result<Json<T>, Refusal>;

/// Who the token stands for.
#[utoipa::path(get, path = "/v1/whoami", responses((status = 200, body = WhoAmI), (status = 401, body = ErrorBody)))]
pub(super) async fn whoami(Extension(caller): Extension<Caller>) -> Json<WhoAmI> {
    let admin = caller.is_admin();
    let (token, expires) = caller.token.unzip();
    Json(WhoAmI {
        principal: caller.principal.id,
        groups: caller.principal.groups,
        admin,
        token,
        expires,
    })
}

/// Makes a token: for anybody as an administrator, for oneself otherwise.
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
