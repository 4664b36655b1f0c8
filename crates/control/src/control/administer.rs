//! Tokens and principals: making, listing, revoking, switching off and on.

use super::{ADMINS, Control, Working, hold, local_admin};
use crate::api::types::{CreateToken, CreatedToken, PrincipalInfo, TokenInfo};
use crate::error::ControlError;
use crate::tokens::{self, MAX_TTL_SECONDS, TokenRow};
use sluice_model::{Principal, PrincipalId, Timestamp, TokenId};

/// The longest description of a token.
const MAX_TOKEN_NAME: usize = 200;
/// Valid tokens that one principal can have at a time: enough for every job of a service, few enough to review.
const MAX_TOKENS_EACH: usize = 100;

/// Who asks for something, and until when they may.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    /// Absent for the local administrator's credential.
    pub(crate) token: Option<(TokenId, Timestamp)>,
}

impl Caller {
    /// Whether they administer the gateway. An agent acts only within its owner's rights, so never for itself.
    pub(crate) fn is_admin(&self) -> bool {
        let in_group = |p: &Principal| p.groups.contains(ADMINS);
        in_group(&self.principal) && self.principal.owner.as_deref().is_none_or(in_group)
    }

    pub(crate) fn id(&self) -> &PrincipalId {
        &self.principal.id
    }
}

impl Control {
    /// Makes a token.
    pub(crate) async fn create_token(
        &self,
        caller: &Caller,
        wanted: CreateToken,
    ) -> Result<CreatedToken, ControlError> {
        let own = wanted.principal == *caller.id();
        if !own && !caller.is_admin() {
            let why = "only administrators create tokens for others".to_owned();
            return Err(ControlError::Forbidden(
                why,
                Some(format!("the group is {ADMINS:?}")),
            ));
        }
        let name = check_name(wanted.name)?;
        if !(1..=MAX_TTL_SECONDS).contains(&wanted.ttl_seconds) {
            let what = format!(
                "expected a life of 1 to {MAX_TTL_SECONDS} seconds, got {}",
                wanted.ttl_seconds
            );
            return Err(ControlError::Invalid(what, "90 days are the longest"));
        }
        let mut working = self.0.working.lock().await;
        let now = self.now();
        if self.snapshot().principal(&wanted.principal).is_none() {
            let what = format!(
                "there is no principal {} that is switched on",
                wanted.principal
            );
            return Err(ControlError::NotFound(what));
        }
        let of_it = working
            .tokens
            .values()
            .filter(|t| t.principal == wanted.principal && t.is_valid(now));
        if of_it.count() >= MAX_TOKENS_EACH {
            let what = format!(
                "{} has {MAX_TOKENS_EACH} valid tokens; revoke some first",
                wanted.principal
            );
            return Err(ControlError::TooMany(what));
        }
        let mut expires = now.plus_seconds(i64::from(wanted.ttl_seconds));
        if !caller.is_admin() {
            // Nobody prolongs their own access.
            expires = caller
                .token
                .as_ref()
                .map_or(now, |(_, end)| expires.min(*end));
        }
        let (row, secret) = new_token(wanted.principal, name, now, expires)?;
        let detail = format!("for {} until {}", row.principal, row.expires.0);
        self.record(caller.id(), "token.create", &row.id, detail)?;
        self.stored(self.0.store.add_token(&row).await)?;
        let created = CreatedToken {
            id: row.id.clone(),
            secret,
            principal: row.principal.clone(),
            expires,
        };
        working.tokens.insert(row.id.clone(), row);
        self.publish(&mut working);
        Ok(created)
    }

    /// Everybody's tokens for administrators, one's own for others; newest first.
    pub(crate) async fn list_tokens(&self, caller: &Caller) -> Vec<TokenInfo> {
        let working = self.0.working.lock().await;
        let (now, used) = (self.now(), self.0.used.lock().clone());
        let all = caller.is_admin();
        let seen = working
            .tokens
            .values()
            .filter(|t| all || t.principal == *caller.id());
        let mut list: Vec<TokenInfo> = seen
            .map(|t| TokenInfo {
                valid: t.is_valid(now),
                last_used: used.get(&t.id).copied().or(t.last_used),
                ..token_info(t)
            })
            .collect();
        list.sort_by(|a, b| (b.created, &b.id).cmp(&(a.created, &a.id)));
        list
    }

    /// Revokes a token: one's own, or anybody's for administrators.
    pub(crate) async fn revoke_token(
        &self,
        caller: &Caller,
        id: &TokenId,
    ) -> Result<TokenInfo, ControlError> {
        let mut working = self.0.working.lock().await;
        let row = working
            .tokens
            .get(id)
            .filter(|t| caller.is_admin() || t.principal == *caller.id());
        let revoked = row
            .ok_or_else(|| ControlError::NotFound(format!("there is no token {id}")))?
            .revoked;
        if revoked.is_none() {
            self.revoke_in(&mut working, caller.id(), id).await?;
            self.publish(&mut working);
        }
        let row = working.tokens.get(id).map(token_info);
        row.ok_or_else(|| ControlError::NotFound(format!("there is no token {id}")))
    }

    /// Revokes without publishing.
    pub(super) async fn revoke_in(
        &self,
        working: &mut Working,
        actor: &PrincipalId,
        id: &TokenId,
    ) -> Result<(), ControlError> {
        let now = self.now();
        self.record(actor, "token.revoke", id, "")?;
        self.stored(self.0.store.revoke_token(id, now).await)?;
        if let Some(row) = working.tokens.get_mut(id) {
            row.revoked = Some(now);
        }
        Ok(())
    }

    /// Switches a principal off or on. Off also withdraws its requests and ends what it was granted.
    pub(crate) async fn set_disabled(
        &self,
        caller: &Caller,
        principal: &PrincipalId,
        off: bool,
        reason: Option<String>,
    ) -> Result<PrincipalInfo, ControlError> {
        if *principal == local_admin().id {
            let what = "the local administrator cannot be switched off".to_owned();
            return Err(ControlError::Conflict(what));
        }
        let mut working = self.0.working.lock().await;
        if !working.declared.contains_key(principal) {
            return Err(ControlError::NotFound(format!(
                "there is no principal {principal}"
            )));
        }
        if working.disabled.contains(principal) != off {
            let act = if off {
                "principal.disable"
            } else {
                "principal.enable"
            };
            self.record(caller.id(), act, principal, reason.unwrap_or_default())?;
            let cancelled = match off {
                true => hold::requests_of(&working, principal),
                false => Vec::new(),
            };
            let mark = off.then_some((self.now(), caller.id()));
            self.stored(
                self.0
                    .store
                    .write_disabled(principal, mark, &cancelled)
                    .await,
            )?;
            match off {
                true => working.disabled.insert(principal.clone()),
                false => working.disabled.remove(principal),
            };
            hold::keep(&mut working, cancelled);
            self.publish(&mut working);
        }
        let found = principals(&working)
            .into_iter()
            .find(|p| p.principal == *principal);
        found.ok_or_else(|| ControlError::NotFound(format!("there is no principal {principal}")))
    }

    /// All principals that are declared, and the local administrator.
    pub(crate) async fn list_principals(&self) -> Vec<PrincipalInfo> {
        principals(&*self.0.working.lock().await)
    }
}

fn check_name(name: Option<String>) -> Result<Option<String>, ControlError> {
    match &name {
        Some(n) if n.len() > MAX_TOKEN_NAME || n.chars().any(char::is_control) => {
            let what = format!(
                "expected a name of at most {MAX_TOKEN_NAME} bytes without control characters"
            );
            Err(ControlError::Invalid(
                what,
                "the name says what the token is for",
            ))
        }
        _ => Ok(name),
    }
}

fn new_token(
    principal: PrincipalId,
    name: Option<String>,
    created: Timestamp,
    expires: Timestamp,
) -> Result<(TokenRow, String), ControlError> {
    let secret = tokens::mint().map_err(|_| ControlError::Unavailable)?;
    let hash = tokens::hash(secret.expose()).ok_or(ControlError::Unavailable)?;
    let bits = crate::keys::random::<16>().map_err(|_| ControlError::Unavailable)?;
    let id = TokenId::from_bits(u128::from_be_bytes(*bits) & ((1 << 60) - 1));
    let row = TokenRow {
        id,
        name,
        principal,
        hash,
        created,
        expires,
        last_used: None,
        revoked: None,
    };
    Ok((row, secret.expose().to_owned()))
}

fn token_info(t: &TokenRow) -> TokenInfo {
    TokenInfo {
        id: t.id.clone(),
        name: t.name.clone(),
        principal: t.principal.clone(),
        created: t.created,
        expires: t.expires,
        last_used: t.last_used,
        revoked: t.revoked,
        valid: false,
    }
}

fn principals(working: &Working) -> Vec<PrincipalInfo> {
    let declared = working.declared.clone();
    let mut list: Vec<PrincipalInfo> = declared
        .into_iter()
        .map(|(id, p)| PrincipalInfo {
            disabled: p.disabled || working.disabled.contains(&id),
            principal: id,
            groups: p.groups,
            owner: p.owner,
        })
        .collect();
    let admin = local_admin();
    list.push(PrincipalInfo {
        principal: admin.id,
        groups: admin.groups,
        owner: None,
        disabled: false,
    });
    list.sort_by(|a, b| a.principal.cmp(&b.principal));
    list
}
