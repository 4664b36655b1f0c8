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
                let error = format!("the body does not fit: {}", cause.unwrap_or_default());
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

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T>
where
    T::Err: std::fmt::Display,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let not_found = |e: String| Refusal::new(StatusCode::NOT_FOUND, e, None);
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|e| not_found(e.body_text().to_lowercase()))?;
        text.parse()
            .map(Self)
            .map_err(|e: T::Err| not_found(e.to_string()))
    }
}
