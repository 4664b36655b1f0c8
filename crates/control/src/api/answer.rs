//! Answers that are no success, and requests that are no JSON: always the same body.

use super::types::ErrorBody;
use crate::error::ControlError;
use crate::port_types::LoginError;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use sluice_model::{ApprovalId, PrincipalId, SessionId, SignInId, TokenId};
use std::str::FromStr;

/// An answer that is no success.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    body: ErrorBody,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: impl Into<String>, hint: Option<&str>) -> Self {
        let body = ErrorBody {
            error: error.into(),
            hint: hint.map(str::to_owned),
            problems: Vec::new(),
        };
        Self { status, body }
    }

    /// The caller has not said who they are.
    pub(super) fn who_are_you() -> Self {
        let hint = "send a token as `Authorization: Bearer sluice_...`";
        Self::new(StatusCode::UNAUTHORIZED, "a token is needed", Some(hint))
    }
}

/// What a refusal says, for those who are told in another form.
#[derive(Debug, Clone)]
pub(super) struct Said(pub(super) String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let said = Said(self.body.error.clone());
        let mut response = (self.status, Json(self.body)).into_response();
        response.extensions_mut().insert(said);
        if self.status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

impl From<LoginError> for Refusal {
    fn from(e: LoginError) -> Self {
        let status = match e {
            LoginError::Refused => StatusCode::UNAUTHORIZED,
            LoginError::LockedOut => StatusCode::TOO_MANY_REQUESTS,
            LoginError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, e.to_string(), None)
    }
}

impl From<ControlError> for Refusal {
    fn from(e: ControlError) -> Self {
        match e {
            ControlError::Invalid(error, hint) => {
                Self::new(StatusCode::BAD_REQUEST, error, Some(hint))
            }
            ControlError::NotFound(error) => Self::new(StatusCode::NOT_FOUND, error, None),
            ControlError::Forbidden(error, hint) => {
                Self::new(StatusCode::FORBIDDEN, error, hint.as_deref())
            }
            ControlError::Conflict(error) => Self::new(StatusCode::CONFLICT, error, None),
            ControlError::TooMany(error) => Self::new(StatusCode::TOO_MANY_REQUESTS, error, None),
            ControlError::Unavailable => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "this could not be recorded or stored, so it was not done",
                Some("try again shortly; /readyz says what fails"),
            ),
            ControlError::Problems(problems) => {
                let hint = "nothing was changed; `sluice check` finds the same without a server";
                let error = "the resources cannot be used";
                let mut refusal = Self::new(StatusCode::UNPROCESSABLE_ENTITY, error, Some(hint));
                refusal.body.problems = problems;
                refusal
            }
        }
    }
}

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(value)) => Ok(Self(value)),
            Err(JsonRejection::JsonDataError(e)) => {
                // The cause names the field and never repeats a whole value.
                let cause = std::error::Error::source(&e).map(ToString::to_string);
                let cause = cause.unwrap_or_default();
                let error = format!("the body does not fit: {}", without_place(&cause));
                let hint = "/openapi.json describes every request";
                Err(Refusal::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    error,
                    Some(hint),
                ))
            }
            Err(e) => Err(Refusal::new(e.status(), e.body_text().to_lowercase(), None)),
        }
    }
}

/// A cause without where it stands in the text: bodies are made by programs, and nobody sees their lines.
fn without_place(cause: &str) -> &str {
    let Some((what, place)) = cause.rsplit_once(" at line ") else {
        return cause;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match place.split_once(" column ") {
        Some((line, column)) if digits(line) && digits(column) => what,
        _ => cause,
    }
}

/// A query string.
pub(super) struct Ask<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Ask<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Query(value) = Query::<T>::from_request_parts(parts, state)
            .await
            .map_err(|e| {
                Refusal::new(StatusCode::BAD_REQUEST, e.body_text().to_lowercase(), None)
            })?;
        Ok(Self(value))
    }
}

/// The `{id}` of a path. What is no id names nothing.
pub(super) struct Id<T>(pub(super) T);

/// What an id in a path is of, in words.
pub(super) trait Identifies: FromStr {
    /// Such as `session`.
    const WHAT: &'static str;
}

impl Identifies for SessionId {
    const WHAT: &'static str = "session";
}

impl Identifies for ApprovalId {
    const WHAT: &'static str = "request";
}

impl Identifies for TokenId {
    const WHAT: &'static str = "token";
}

impl Identifies for SignInId {
    const WHAT: &'static str = "sign-in";
}

impl Identifies for PrincipalId {
    const WHAT: &'static str = "principal";
}

impl Identifies for String {
    const WHAT: &'static str = "notifier";
}

/// So much is said again of what is no id.
const MAX_SAID: usize = 40;

impl<T: Identifies, S: Send + Sync> FromRequestParts<S> for Id<T>
where
    T::Err: std::fmt::Display,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let not_found = |e: String| Refusal::new(StatusCode::NOT_FOUND, e, None);
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|e| not_found(e.body_text().to_lowercase()))?;
        // What cannot be an id is the id of nothing.
        let none = |e: T::Err| {
            let said: String = text.chars().take(MAX_SAID).collect();
            let error = format!("there is no {} {said:?}", T::WHAT);
            Refusal::new(StatusCode::NOT_FOUND, error, Some(&e.to_string()))
        };
        text.parse().map(Self).map_err(none)
    }
}

#[cfg(test)]
mod tests {
    use super::without_place;

    #[test]
    fn a_cause_is_told_without_its_place() {
        for (cause, expected) in [
            (
                "as: expected user:NAME at line 1 column 11",
                "as: expected user:NAME",
            ),
            ("missing field `as`", "missing field `as`"),
            ("a file ends at line 3", "a file ends at line 3"),
            ("x at line one column two", "x at line one column two"),
        ] {
            assert_eq!(without_place(cause), expected);
        }
    }
}
