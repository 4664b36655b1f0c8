//! SCIM 2.0 (RFC 7644): what identity providers provision people and groups with. Which provider it is follows from who
//! asks, so that nobody reaches another's.

use super::answer::Said;
use super::{App, scim_described as described};
use crate::control::{Caller, Edit, Listed, ProvisionError, Wanted};
use crate::identity::provider::Provider;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sluice_identity::scim::{self, Change, Filter, ScimError};
use std::sync::Arc;

const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const CONFIGURATION: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
/// Resources in one answer, where the provider does not say how many, and at most.
const USUAL_COUNT: usize = 100;
const MAX_COUNT: usize = 1_000;

type Object = Map<String, Value>;

/// The provider that asks.
pub(super) struct Asking(Arc<Provider>);

impl FromRequestParts<App> for Asking {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let caller = parts.extensions.get::<Caller>();
        let found = caller.and_then(|caller| app.control.provisions_for(caller));
        let what = "this is for the service that an identity provider provisions with";
        found
            .map(Self)
            .ok_or_else(|| refused(StatusCode::FORBIDDEN, None, what))
    }
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let kind = HeaderValue::from_static("application/scim+json");
    let body = body.to_string();
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

/// RFC 7644, section 3.12.
fn refused(status: StatusCode, kind: Option<&str>, detail: &str) -> Response {
    let mut body = json!({"schemas": [ERROR], "status": status.as_str(), "detail": detail});
    if let (Some(kind), Some(object)) = (kind, body.as_object_mut()) {
        object.insert("scimType".to_owned(), kind.into());
    }
    answer(status, &body)
}

/// What the gate refuses, in the words of this protocol.
pub(super) async fn in_its_words(response: Response) -> Response {
    let Some(Said(said)) = response.extensions().get::<Said>().cloned() else {
        return response;
    };
    let mut told = refused(response.status(), None, &said);
    if let Some(how) = response.headers().get(header::WWW_AUTHENTICATE) {
        told.headers_mut()
            .insert(header::WWW_AUTHENTICATE, how.clone());
    }
    told
}

impl IntoResponse for ProvisionError {
    fn into_response(self) -> Response {
        match self {
            Self::Scim(error) => refused(
                StatusCode::BAD_REQUEST,
                Some(error.kind()),
                &error.to_string(),
            ),
            Self::NotFound => refused(StatusCode::NOT_FOUND, None, "there is nothing with this id"),
            Self::Taken(what) => refused(StatusCode::CONFLICT, Some("uniqueness"), &what),
            Self::TooMany(what) => {
                let what = format!("too many {what}");
                refused(StatusCode::BAD_REQUEST, Some("tooMany"), &what)
            }
            Self::NotNow => {
                let what = "this service does not provision for an identity provider any more";
                refused(StatusCode::FORBIDDEN, None, what)
            }
            Self::Unavailable => {
                let what = "this could not be recorded or stored, so it was not done";
                refused(StatusCode::SERVICE_UNAVAILABLE, None, what)
            }
        }
    }
}

type Answer = Result<Response, ProvisionError>;

/// Which resources are wanted, and what of them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Asked {
    filter: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
    attributes: Option<String>,
    excluded_attributes: Option<String>,
}

impl Asked {
    /// What stands in a body, where names are lists.
    fn read(body: Body) -> Result<Self, ScimError> {
        let object = object(body)?;
        let names = |name: &str| {
            let list = scim::get(&object, name)?.as_array()?.iter();
            Some(list.filter_map(Value::as_str).collect::<Vec<_>>().join(","))
        };
        let number = |name: &str| scim::get(&object, name).and_then(Value::as_i64);
        let filter = scim::get(&object, "filter").and_then(Value::as_str);
        Ok(Self {
            filter: filter.map(str::to_owned),
            start_index: number("startIndex"),
            count: number("count"),
            attributes: names("attributes"),
            excluded_attributes: names("excludedAttributes"),
        })
    }

    fn wanted(&self) -> Result<Wanted, ScimError> {
        let filter = self.filter.as_deref().map(Filter::read).transpose()?;
        let count = self.count.map(|count| usize::try_from(count).unwrap_or(0));
        let start = self.start_index.unwrap_or(1).max(1);
        Ok(Wanted {
            filter,
            skip: usize::try_from(start - 1).unwrap_or(usize::MAX),
            count: count.unwrap_or(USUAL_COUNT).min(MAX_COUNT),
        })
    }

    /// Leaves what was asked for.
    fn projected(&self, mut object: Object) -> Object {
        let names = |list: &Option<String>| -> Vec<String> {
            let list = list.as_deref().unwrap_or_default().split(',');
            let first = |name: &str| {
                let name = name.trim();
                name.split('.').next().unwrap_or(name).to_ascii_lowercase()
            };
            list.map(first).filter(|name| !name.is_empty()).collect()
        };
        let (only, without) = (names(&self.attributes), names(&self.excluded_attributes));
        object.retain(|name, _| {
            let name = name.to_ascii_lowercase();
            let always = matches!(name.as_str(), "id" | "schemas" | "meta");
            always || (only.is_empty() || only.contains(&name)) && !without.contains(&name)
        });
        object
    }

    fn list(&self, listed: Listed) -> Response {
        let items = listed.items.into_iter();
        let items: Vec<Object> = items.map(|object| self.projected(object)).collect();
        answer(
            StatusCode::OK,
            &json!({
                "schemas": [LIST],
                "totalResults": listed.total,
                "startIndex": self.start_index.unwrap_or(1).max(1),
                "itemsPerPage": items.len(),
                "Resources": items,
            }),
        )
    }

    fn one(&self, object: Object) -> Response {
        answer(StatusCode::OK, &self.projected(object).into())
    }
}

fn created(object: Object) -> Response {
    let place = object.get("meta").and_then(|meta| meta.get("location"));
    let place = place.and_then(Value::as_str).map(HeaderValue::from_str);
    let mut response = answer(StatusCode::CREATED, &object.into());
    if let Some(Ok(place)) = place {
        response.headers_mut().insert(header::LOCATION, place);
    }
    response
}

type Body = Result<Bytes, BytesRejection>;

fn object(body: Body) -> Result<Object, ScimError> {
    let too_large = |_| ScimError::InvalidSyntax("the body is too large".to_owned());
    scim::object(&body.map_err(too_large)?)
}

fn edit(method: &Method, body: Body) -> Result<Edit, ScimError> {
    let object = object(body)?;
    match *method == Method::PATCH {
        true => Change::read_all(&object).map(Edit::Patch),
        false => Ok(Edit::Replace(object)),
    }
}

pub(super) async fn list_users(
    State(app): State<App>,
    Asking(provider): Asking,
    Query(asked): Query<Asked>,
) -> Answer {
    let name = &provider.declared.name;
    let listed = app.control.provisioned_people(name, &asked.wanted()?).await;
    Ok(asked.list(listed))
}

/// The same, asked for with a body (RFC 7644, section 3.4.3).
pub(super) async fn search_users(
    State(app): State<App>,
    Asking(provider): Asking,
    body: Body,
) -> Answer {
    let asked = Asked::read(body)?;
    let name = &provider.declared.name;
    let listed = app.control.provisioned_people(name, &asked.wanted()?).await;
    Ok(asked.list(listed))
}

pub(super) async fn one_user(
    State(app): State<App>,
    Asking(provider): Asking,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer {
    let name = &provider.declared.name;
    let found = app.control.provisioned_person(name, &id).await?;
    Ok(asked.one(found))
}

pub(super) async fn create_user(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Asking(provider): Asking,
    body: Body,
) -> Answer {
    let declared = &provider.declared;
    let object = object(body)?;
    let made = app.control.provision_person(&caller, declared, object);
    Ok(created(made.await?))
}

pub(super) async fn change_user(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Asking(provider): Asking,
    Path(id): Path<String>,
    method: Method,
    body: Body,
) -> Answer {
    let declared = &provider.declared;
    // Whoever is not there is not there, whatever was sent.
    app.control.provisioned_person(&declared.name, &id).await?;
    let edit = edit(&method, body)?;
    let changed = app.control.change_person(&caller, declared, &id, edit);
    Ok(Asked::default().one(changed.await?))
}

pub(super) async fn delete_user(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Asking(provider): Asking,
    Path(id): Path<String>,
) -> Answer {
    let declared = &provider.declared;
    app.control
        .deprovision_person(&caller, declared, &id)
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn list_groups(
    State(app): State<App>,
    Asking(provider): Asking,
    Query(asked): Query<Asked>,
) -> Answer {
    let name = &provider.declared.name;
    let listed = app.control.provisioned_groups(name, &asked.wanted()?).await;
    Ok(asked.list(listed))
}

pub(super) async fn search_groups(
    State(app): State<App>,
    Asking(provider): Asking,
    body: Body,
) -> Answer {
    let asked = Asked::read(body)?;
    let name = &provider.declared.name;
    let listed = app.control.provisioned_groups(name, &asked.wanted()?).await;
    Ok(asked.list(listed))
}

pub(super) async fn one_group(
    State(app): State<App>,
    Asking(provider): Asking,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer {
    let name = &provider.declared.name;
    let found = app.control.provisioned_group(name, &id).await?;
    Ok(asked.one(found))
}

pub(super) async fn create_group(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Asking(provider): Asking,
    body: Body,
) -> Answer {
    let declared = &provider.declared;
    let object = object(body)?;
    let made = app.control.provision_group(&caller, declared, object);
    Ok(created(made.await?))
}

pub(super) async fn change_group(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Asking(provider): Asking,
    Path(id): Path<String>,
    method: Method,
    body: Body,
) -> Answer {
    let declared = &provider.declared;
    app.control.provisioned_group(&declared.name, &id).await?;
    let edit = edit(&method, body)?;
    let changed = app.control.change_group(&caller, declared, &id, edit);
    Ok(Asked::default().one(changed.await?))
}

pub(super) async fn delete_group(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Asking(provider): Asking,
    Path(id): Path<String>,
) -> Answer {
    let declared = &provider.declared;
    app.control
        .deprovision_group(&caller, declared, &id)
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What is supported (RFC 7643, section 5).
pub(super) async fn configuration() -> Response {
    let no = json!({"supported": false});
    answer(
        StatusCode::OK,
        &json!({
            "schemas": [CONFIGURATION],
            "patch": {"supported": true},
            "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": true, "maxResults": MAX_COUNT},
            "changePassword": no, "sort": no, "etag": no,
            "authenticationSchemes": [{
                "type": "oauthbearertoken", "name": "Bearer token", "primary": true,
                "description": "a token of the service that the identity provider names here",
            }],
        }),
    )
}

/// The kinds of resources (RFC 7643, section 6).
pub(super) async fn kinds() -> Response {
    all(&described::kinds())
}

pub(super) async fn kind(Path(id): Path<String>) -> Response {
    one_of(described::kinds(), &id)
}

/// Their attributes (RFC 7643, section 7). What else is sent is kept as well.
pub(super) async fn schemas() -> Response {
    all(&described::schemas())
}

pub(super) async fn schema(Path(id): Path<String>) -> Response {
    one_of(described::schemas(), &id)
}

fn one_of(items: Vec<Value>, id: &str) -> Response {
    let mut found = items.into_iter().filter(|item| item["id"] == id);
    match found.next() {
        Some(item) => answer(StatusCode::OK, &item),
        None => ProvisionError::NotFound.into_response(),
    }
}

/// There is nothing, or not in this way.
pub(super) async fn nothing_there(uri: axum::http::Uri) -> Response {
    let what = "there is nothing here; /scim/v2/ResourceTypes lists what there is";
    let routes = super::routes::scim_routes();
    let parts = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let here = parts(uri.path());
    let is_here = |path: &str| {
        let path = parts(path);
        path.len() == here.len()
            && path
                .iter()
                .zip(&here)
                .all(|(p, h)| p == h || p == "{id}" && !h.is_empty())
    };
    match routes.iter().any(|route| is_here(route.path)) {
        true => refused(
            StatusCode::METHOD_NOT_ALLOWED,
            None,
            "this cannot be done here",
        ),
        false => refused(StatusCode::NOT_FOUND, None, what),
    }
}

fn all(items: &[Value]) -> Response {
    answer(
        StatusCode::OK,
        &json!({
            "schemas": [LIST], "totalResults": items.len(), "startIndex": 1, "itemsPerPage": items.len(),
            "Resources": items,
        }),
    )
}
