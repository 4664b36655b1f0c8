//! Services that people reach with browsers: letting a browser in to one connection, and telling targets and callers who
//! and what there is.

use super::issue::Wanted;
use super::{Caller, Control};
use crate::error::ControlError;
use crate::identity::assertion::Claims;
use crate::identity::flows::CodeGrant;
use crate::keys::KeyError;
use crate::port_types::{ApprovalLook, SiteToken};
use crate::store::Changes;
use crate::tokens::Purpose;
use serde_json::Value;
use sluice_model::{ApprovalId, ApprovalState, PrincipalId, SessionContext};
use std::path::Path;

/// How long what a target is told of a caller holds, in seconds.
const ASSERTION_SECONDS: i64 = 120;
/// The largest description of a service.
const MAX_DESCRIPTION: u64 = 16 << 20;
/// What stands before the name of a connection in a path.
const PREFIX: &str = "/c/";

/// The client that a code for a connection's pages is for. No program can have such a name.
fn site(connection: &str) -> String {
    format!("site:{connection}")
}

impl Control {
    /// Where a browser that is to be let in to a connection goes on to with a code; `None` for a place that is not the
    /// connection's own.
    pub(crate) async fn let_in(
        &self,
        caller: &Caller,
        connection: &str,
        to: &str,
        challenge: &str,
    ) -> Result<Option<String>, ControlError> {
        let known = self.snapshot().connection(connection).cloned();
        let Some(known) = known else {
            return Ok(None);
        };
        // By path, pages of other connections could send a browser here.
        if to.contains(PREFIX) && !known.settings.shared_origin {
            return Ok(None);
        }
        if challenge.len() != 43 || !self.is_place_of(connection, to) {
            return Ok(None);
        }
        let sign_in = self.sign_in_of(caller).await.ok_or_else(|| {
            ControlError::Forbidden("only people who signed in are let in".into(), None)
        })?;
        let grant = CodeGrant {
            client: site(connection),
            redirect_uri: to.to_owned(),
            challenge: challenge.to_owned(),
            sign_in,
            principal: caller.id().clone(),
        };
        let given = self.0.flows.lock().give_code(grant, self.now());
        let code = given.ok().flatten().ok_or(ControlError::Unavailable)?;
        Ok(Some(format!("{to}/.sluice/enter?code={code}")))
    }

    /// Whether an address is one that this gateway serves the connection at: its own host under one of the names, or its
    /// path on one of them.
    fn is_place_of(&self, connection: &str, to: &str) -> bool {
        let (scheme, rest) = match to.split_once("://") {
            Some(parts) => parts,
            None => return false,
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !authority.ends_with(']') => match port.parse::<u16>() {
                Ok(port) => (host, Some(port)),
                Err(_) => return false,
            },
            _ => (authority, None),
        };
        // Without a port it is that of a balancer before the gateway.
        if port.is_some_and(|port| !self.listens_at(port)) {
            return false;
        }
        let host = host.to_ascii_lowercase();
        let loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str());
        if scheme != "https" && !(scheme == "http" && loopback) {
            return false;
        }
        let config = self.config();
        let own = |name: &String| {
            let name = name.to_ascii_lowercase();
            match name.strip_prefix("*.") {
                Some(domain) => {
                    path.is_empty()
                        && host == format!("{}.{domain}", connection.to_ascii_lowercase())
                }
                None => host == name && path == format!("{PREFIX}{connection}"),
            }
        };
        let by_path = path == format!("{PREFIX}{connection}");
        config.names.iter().any(own) || loopback && by_path
    }

    /// Whether clients of some protocol are waited for at a port.
    fn listens_at(&self, port: u16) -> bool {
        let config = self.config();
        let of_all = config.listen.protocols.values();
        let of_one = config.listeners.iter().map(|one| &one.address);
        of_all.chain(of_one).any(|address| address.port() == port)
    }

    /// The token of a browser, for its code.
    ///
    /// # Errors
    /// In words: the code is not one, was used, or is for another browser or connection.
    pub async fn enter_site(
        &self,
        code: &str,
        challenge: &str,
        connection: &str,
    ) -> Result<SiteToken, &'static str> {
        const REFUSED: &str =
            "the sign-in did not begin in this browser, took too long, or was used already";
        let now = self.now();
        let grant = self.0.flows.lock().take_code(code, now);
        let fits = |g: &CodeGrant| g.client == site(connection) && g.challenge == challenge;
        let grant = grant.filter(fits).ok_or(REFUSED)?;
        let mut working = self.0.working.lock().await;
        let live = working.sign_ins.get(&grant.sign_in);
        let expires = live.filter(|s| s.is_live(now)).ok_or(REFUSED)?.ends;
        if self.snapshot().principal(&grant.principal).is_none() {
            return Err(REFUSED);
        }
        let principal = grant.principal.clone();
        let wanted = Wanted {
            principal: grant.principal,
            purpose: Purpose::Site,
            name: Some(format!("browser, {connection}")),
            networks: Vec::new(),
            sign_in: Some(grant.sign_in),
            workload: None,
            audience: Some(connection.to_owned()),
            creator: principal.clone(),
            expires,
        };
        let mut changes = Changes::default();
        let unavailable = |_| "nobody can be let in right now; try again shortly";
        let issued = self.issue(&working, &principal, wanted, now, &mut changes);
        let created = issued.map_err(unavailable)?;
        self.take(&mut working, changes)
            .await
            .map_err(unavailable)?;
        let seconds = (expires.0 - now.0) / 1_000_000;
        Ok(SiteToken {
            token: created.secret.into(),
            seconds: u32::try_from(seconds).unwrap_or_default(),
        })
    }

    /// A signed statement of who acts in a session, for a target.
    ///
    /// # Errors
    /// The key cannot be had.
    pub fn assert_identity(
        &self,
        context: &SessionContext,
        audience: &str,
    ) -> Result<String, KeyError> {
        let principal = &context.principal;
        let now = self.now().seconds();
        self.0.identity_key.sign(&Claims {
            iss: &self.config().public_url,
            sub: principal.id.to_string(),
            aud: audience,
            iat: now,
            nbf: now,
            exp: now + ASSERTION_SECONDS,
            groups: principal.groups.iter().map(String::as_str).collect(),
            session: context.id.as_str(),
            connection: &context.connection.name,
            owner: principal.owner.as_ref().map(|owner| owner.id.to_string()),
        })
    }

    /// The keys that such statements can be checked with (RFC 7517).
    pub(crate) fn published_keys(&self) -> Result<Value, KeyError> {
        self.0.identity_key.published()
    }

    /// How a request for approval stands, for whoever made it.
    pub async fn look_at_approval(
        &self,
        id: &ApprovalId,
        principal: &PrincipalId,
    ) -> Option<ApprovalLook> {
        let working = self.0.working.lock().await;
        let approval = working.approvals.get(id)?;
        if approval.principal != *principal {
            return None;
        }
        let state = match approval.state {
            _ if approval.expires <= self.now() => "expired",
            ApprovalState::Pending => "pending",
            ApprovalState::Approved => "approved",
            ApprovalState::Denied => "denied",
            ApprovalState::Spent => "used",
            ApprovalState::Cancelled => "cancelled",
            ApprovalState::Expired => "expired",
        };
        Some(ApprovalLook {
            state: state.to_owned(),
            people_given: approval.people_given(),
            people_needed: approval.people,
            expires: approval.expires,
        })
    }

    /// A description of a service, in JSON or YAML.
    ///
    /// # Errors
    /// In words: the file cannot be read, or is neither.
    pub async fn description(&self, file: &str) -> Result<Value, String> {
        let path = Path::new(file);
        let told = |why: String| format!("the description {file} cannot be used: {why}");
        let size = tokio::fs::metadata(path)
            .await
            .map_err(|e| told(e.kind().to_string()))?
            .len();
        if size > MAX_DESCRIPTION {
            return Err(told(format!(
                "expected at most {MAX_DESCRIPTION} bytes, got {size}"
            )));
        }
        let text = tokio::fs::read_to_string(path).await;
        let text = text.map_err(|e| told(e.kind().to_string()))?;
        let read = move || match text.trim_start().starts_with('{') {
            true => serde_json::from_str(&text).map_err(|e| e.to_string()),
            false => serde_saphyr::from_str(&text).map_err(|e| e.to_string()),
        };
        let read = tokio::task::spawn_blocking(read).await;
        read.map_err(|e| told(e.to_string()))?.map_err(told)
    }
}
