//! An OpenID provider FOR DEVELOPMENT ALONE: whoever reaches it signs in as whom they like. It listens on loopback
//! addresses and nowhere else, is never started by the gateway itself, and says on every page what it is.

use super::flows::secret;
use super::oidc::challenge;
use crate::api::pages;
use crate::clock::Clock;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::extract::{Form, Query, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use maud::html;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as object};
use sluice_identity::form::encoded;
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// Codes and refresh tokens that are kept at a time; a provider for development forgets everything beyond.
const MAX_GRANTS: usize = 1_000;
/// How long an ID token lives, in seconds.
const TOKEN_LIFE: i64 = 300;

/// How to run it.
#[derive(Debug, Clone)]
pub struct DevelopmentProvider {
    /// A loopback address.
    pub listen: SocketAddr,
    /// A YAML list of people: `- {name: kim, email: kim@example.com, groups: [engineering]}`; read again whenever
    /// somebody is asked about.
    pub users: PathBuf,
    /// What the gateway is called here.
    pub client_id: String,
    /// Where people are sent back to.
    pub redirect_uris: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    name: String,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    groups: BTreeSet<String>,
}

#[derive(Clone)]
struct Grant {
    user: String,
    nonce: Option<String>,
    challenge: String,
    redirect_uri: String,
}

struct Inner {
    settings: DevelopmentProvider,
    issuer: String,
    key: EncodingKey,
    public: Value,
    codes: Mutex<HashMap<String, Grant>>,
    refresh_tokens: Mutex<HashMap<String, String>>,
}

type Shared = Arc<Inner>;

impl DevelopmentProvider {
    /// Serves until the process ends.
    ///
    /// # Errors
    /// The address is not of this very host or is taken, or there are no people.
    pub async fn serve(self) -> Result<(), String> {
        if !self.listen.ip().is_loopback() {
            return Err(format!(
                "the development identity provider lets anybody in, so it listens on loopback addresses only; expected \
                 127.0.0.1:PORT, got {}",
                self.listen
            ));
        }
        let listen = self.listen;
        let shared = Arc::new(Inner::new(self)?);
        shared.people()?;
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(keys))
            .route("/authorize", get(ask).post(decide))
            .route("/token", post(token))
            .route("/end_session", get(end_session))
            .with_state(shared);
        let listener = tokio::net::TcpListener::bind(listen)
            .await
            .map_err(|error| format!("cannot listen on {listen}: {error}"))?;
        tracing::warn!(%listen, "IDENTITY PROVIDER FOR DEVELOPMENT: whoever reaches it signs in as whom they like");
        axum::serve(listener, router)
            .await
            .map_err(|error| error.to_string())
    }
}

impl Inner {
    fn new(settings: DevelopmentProvider) -> Result<Self, String> {
        let failed = |_| "no key could be made".to_owned();
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
        let der = pair.to_pkcs8v1().map_err(failed)?;
        let point = pair.public_key().as_ref();
        let coordinates = point.split_first().map(|(_, rest)| rest.split_at(32));
        let (x, y) = coordinates.ok_or("no key could be made")?;
        let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Ok(Self {
            issuer: format!("http://{}", settings.listen),
            key: EncodingKey::from_ec_der(der.as_ref()),
            public: object!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "development",
                             "x": base64(x), "y": base64(y)}),
            settings,
            codes: Mutex::default(),
            refresh_tokens: Mutex::default(),
        })
    }

    fn people(&self) -> Result<Vec<User>, String> {
        let path = &self.settings.users;
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        serde_saphyr::from_str(&text).map_err(|_| {
            format!(
                "{} is not a list such as `- {{name: kim, groups: [engineering]}}`",
                path.display()
            )
        })
    }

    fn id_token(&self, name: &str, nonce: Option<&str>) -> Option<String> {
        let people = self.people().ok()?;
        let user = people.into_iter().find(|user| user.name == name)?;
        let now = Clock::System.now().millis() / 1_000;
        let mut claims = object!({
            "iss": self.issuer, "aud": self.settings.client_id, "sub": format!("development:{name}"),
            "iat": now, "exp": now + TOKEN_LIFE, "preferred_username": user.name, "groups": user.groups,
        });
        let claims_map = claims.as_object_mut()?;
        if let Some(email) = user.email {
            claims_map.insert("email".to_owned(), email.into());
            claims_map.insert("email_verified".to_owned(), true.into());
        }
        claims_map.extend(nonce.map(|nonce| ("nonce".to_owned(), nonce.into())));
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("development".to_owned());
        jsonwebtoken::encode(&header, &claims, &self.key).ok()
    }
}

async fn discovery(State(provider): State<Shared>) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(object!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "end_session_endpoint": format!("{issuer}/end_session"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": true,
    }))
}

async fn keys(State(provider): State<Shared>) -> Json<Value> {
    Json(object!({ "keys": [provider.public] }))
}

#[derive(Deserialize)]
struct Asked {
    client_id: String,
    redirect_uri: String,
    state: String,
    code_challenge: String,
    code_challenge_method: String,
    nonce: Option<String>,
}

impl Asked {
    fn is_in_order(&self, provider: &Inner) -> bool {
        self.client_id == provider.settings.client_id
            && provider.settings.redirect_uris.contains(&self.redirect_uri)
            && self.code_challenge_method == "S256"
    }
}

fn wrong(what: &str) -> Response {
    (StatusCode::BAD_REQUEST, what.to_owned()).into_response()
}

async fn ask(
    State(provider): State<Shared>,
    RawQuery(query): RawQuery,
    Query(asked): Query<Asked>,
) -> Response {
    if !asked.is_in_order(&provider) {
        return wrong("expected the client and one of its addresses, with PKCE (S256)");
    }
    let people = match provider.people() {
        Ok(people) => people,
        Err(why) => return wrong(&why),
    };
    let content = html! {
        p role="alert" { strong { "FOR DEVELOPMENT ALONE." } " Whoever reaches this page signs in as whom they like." }
        form method="post" action=(format!("/authorize?{}", query.unwrap_or_default())) {
            @for user in &people {
                button name="user" value=(user.name) {
                    (user.name) " (" (user.groups.iter().map(String::as_str).collect::<Vec<_>>().join(", ")) ")"
                }
            }
        }
    };
    pages::page(
        StatusCode::OK,
        "Development sign-in",
        Some(&asked.redirect_uri),
        &content,
    )
}

#[derive(Deserialize)]
struct Chosen {
    user: String,
}

async fn decide(
    State(provider): State<Shared>,
    Query(asked): Query<Asked>,
    Form(chosen): Form<Chosen>,
) -> Response {
    let known = provider.people().unwrap_or_default();
    if !asked.is_in_order(&provider) || !known.iter().any(|user| user.name == chosen.user) {
        return wrong("there is nobody of that name");
    }
    let Ok(code) = secret() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let grant = Grant {
        user: chosen.user,
        nonce: asked.nonce,
        challenge: asked.code_challenge,
        redirect_uri: asked.redirect_uri.clone(),
    };
    keep(&provider.codes, code.clone(), grant);
    let answer = [
        ("code", code.as_str()),
        ("state", &asked.state),
        ("iss", &provider.issuer),
    ];
    let location = format!("{}?{}", asked.redirect_uri, encoded(&answer));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

fn keep<T>(kept: &Mutex<HashMap<String, T>>, key: String, value: T) {
    let mut kept = kept.lock();
    if kept.len() >= MAX_GRANTS {
        kept.clear();
    }
    kept.insert(key, value);
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
    code: Option<String>,
    code_verifier: Option<String>,
    redirect_uri: Option<String>,
    refresh_token: Option<String>,
}

async fn token(State(provider): State<Shared>, Form(asked): Form<TokenRequest>) -> Response {
    let who = match asked.grant_type.as_str() {
        "authorization_code" => {
            let grant = asked
                .code
                .and_then(|code| provider.codes.lock().remove(&code));
            let verified = asked.code_verifier.as_deref().map(challenge);
            grant
                .filter(|g| verified.as_ref() == Some(&g.challenge))
                .filter(|g| asked.redirect_uri.as_ref() == Some(&g.redirect_uri))
                .map(|g| (g.user, g.nonce))
        }
        "refresh_token" => {
            let token = asked.refresh_token.unwrap_or_default();
            let user = provider.refresh_tokens.lock().remove(&token);
            user.map(|user| (user, None))
        }
        _ => None,
    };
    let made = who.and_then(|(user, nonce)| {
        let id_token = provider.id_token(&user, nonce.as_deref())?;
        let (access, refresh) = (secret().ok()?, secret().ok()?);
        keep(&provider.refresh_tokens, refresh.clone(), user);
        Some(
            object!({"id_token": id_token, "access_token": access, "refresh_token": refresh,
                      "token_type": "Bearer", "expires_in": TOKEN_LIFE}),
        )
    });
    match made {
        Some(answer) => Json(answer).into_response(),
        None => (
            StatusCode::BAD_REQUEST,
            Json(object!({"error": "invalid_grant"})),
        )
            .into_response(),
    }
}

async fn end_session() -> Response {
    pages::done(
        "Signed out",
        "The development identity provider keeps no sessions.",
    )
}
