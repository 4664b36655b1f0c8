//! Taking resources over: sent by an administrator, or read from the resources directory.

use super::provision::remapped;
use super::{Caller, Control, Topic, Working, local_admin};
use crate::api::types::{
    ApplyRequest, ApplyResponse, ChangeKind, ProblemInfo, ResourceChange, ResourceInfo,
    ResourceRef, SourceFile,
};
use crate::error::ControlError;
use crate::identity::provider::DeclaredProvider;
use crate::resources::{
    Kind, ResourceSet, build, changes, merged_with_directory, name_problems, parse,
};
use crate::store::{Changes, NewChange};
use sluice_model::PrincipalId;
use sluice_policy::{Snapshot, Standing};

impl Control {
    /// Takes over what was sent, or says what that would change.
    pub(crate) async fn apply(
        &self,
        caller: &Caller,
        request: ApplyRequest,
    ) -> Result<ApplyResponse, ControlError> {
        let sent = self.parsed(&request.files)?;
        let (mut working, caller) = self.admins_turn(caller).await?;
        let base = match request.prune {
            true => ResourceSet::default(),
            false => working.resources.clone(),
        };
        let next = changed(&working, base, sent, &request.delete)?;
        let snapshot = self.built(&next).await?;
        let (changes, unchanged) = changes(&working.resources, &next);
        if request.dry_run {
            let version = working.version;
            return Ok(ApplyResponse {
                changes,
                unchanged,
                applied: false,
                version,
            });
        }
        let version = match changes.is_empty() {
            true => working.version,
            false => {
                self.take_over(&mut working, caller.id(), next, None, snapshot, &changes)
                    .await?
            }
        };
        Ok(ApplyResponse {
            changes,
            unchanged,
            applied: true,
            version,
        })
    }

    /// What files hold.
    pub(super) fn parsed(&self, files: &[SourceFile]) -> Result<ResourceSet, ControlError> {
        let parsed = parse(files, self.0.protocols);
        match parsed.problems.is_empty() {
            true => Ok(parsed.set),
            false => Err(ControlError::Problems(parsed.problems)),
        }
    }

    /// Takes over what changed in the resources directory since it was last looked at. A set that does not load
    /// leaves everything as it is, and health says why.
    pub(crate) async fn reload_directory(&self) {
        let outcome = self.try_reload_directory().await;
        let failing = match outcome {
            Ok(()) => None,
            Err(ControlError::Problems(problems)) => {
                for problem in &problems {
                    tracing::error!(%problem, "the resources directory does not load; the last good resources stay");
                }
                Some(
                    problems
                        .iter()
                        .map(ToString::to_string)
                        .collect::<Vec<_>>()
                        .join("\n"),
                )
            }
            Err(_) => Some("the resources could not be recorded or stored".to_owned()),
        };
        self.0.health.send_if_modified(|h| {
            let changed = h.resources_failing != failing;
            h.resources_failing = failing;
            changed
        });
    }

    async fn try_reload_directory(&self) -> Result<(), ControlError> {
        let Some(dir) = self.0.config.resources.clone() else {
            return Ok(());
        };
        let mut working = self.0.working.lock().await;
        let merged = merged_with_directory(
            &dir,
            self.0.protocols,
            &working.resources,
            &working.directory,
        )
        .map_err(ControlError::Problems)?;
        let (changes, _) = changes(&working.resources, &merged.resources);
        let same_directory = merged.directory == working.directory;
        if changes.is_empty() && same_directory && working.version > 1 {
            return Ok(());
        }
        check_groups(&working, &merged.resources)?;
        let snapshot = self.built(&merged.resources).await?;
        let actor = local_admin().id;
        let directory = Some(merged.directory);
        self.take_over(
            &mut working,
            &actor,
            merged.resources,
            directory,
            snapshot,
            &changes,
        )
        .await?;
        Ok(())
    }

    /// Checks a whole set and builds its snapshot, off the threads that serve.
    pub(super) async fn built(&self, set: &ResourceSet) -> Result<Snapshot, ControlError> {
        let problems = name_problems(set);
        if !problems.is_empty() {
            return Err(ControlError::Problems(problems));
        }
        let (set, protocols, key) = (set.clone(), self.0.protocols, self.0.hash_key.clone());
        let task = move || build(0, &set, protocols, key, Standing::default());
        let built = tokio::task::spawn_blocking(task).await.map_err(|_| {
            ControlError::Problems(vec![ProblemInfo::of_file(
                "resources",
                "they could not be checked",
            )])
        })?;
        built.map_err(ControlError::Problems)
    }

    async fn take_over(
        &self,
        working: &mut Working,
        actor: &PrincipalId,
        next: ResourceSet,
        directory: Option<ResourceSet>,
        snapshot: Snapshot,
        changes: &[ResourceChange],
    ) -> Result<u64, ControlError> {
        for change in changes {
            let act = match change.change {
                ChangeKind::Created => "resource.create",
                ChangeKind::Updated => "resource.update",
                ChangeKind::Deleted => "resource.delete",
            };
            self.record(
                actor,
                act,
                format!("{} {}", change.kind, change.name),
                shortened(&change.diff),
            )?;
        }
        self.end_deleted(working, actor, changes, &next).await?;
        let now = self.now();
        let change = (!changes.is_empty()).then_some(NewChange {
            actor,
            before: &working.resources,
            touched: changes,
        });
        self.stored(
            self.0
                .store
                .write_resources(&next, directory.as_ref(), change.as_ref(), now)
                .await,
        )?;
        // Those that a gateway begins with are nobody's news.
        if !working.resources.0.is_empty() {
            self.tell_of_connections(actor, changes);
        }
        working.roster.declared = next.principals();
        working.roster.provisioning = next.provisioning();
        self.0.issuers.replace(next.declared_issuers());
        self.replace_providers(next.identity_providers());
        self.0.desk.replace(next.notifiers());
        working.resources = next;
        if let Some(directory) = directory {
            working.directory = directory;
        }
        working.base = snapshot.into();
        self.0.following.news.tell(Topic::Resources);
        let mut changes = Changes::default();
        for provider in working.resources.identity_providers() {
            changes
                .people
                .extend(remapped(working, &provider).unwrap_or_default());
        }
        // Those who lost a group by it have their requests withdrawn, and everybody is told.
        self.take(working, changes).await?;
        Ok(working.version)
    }

    /// A principal that is deleted takes its tokens, agents, sign-ins and requests along: another one of the same name
    /// later is not the same.
    async fn end_deleted(
        &self,
        working: &mut Working,
        actor: &PrincipalId,
        changes: &[ResourceChange],
        next: &ResourceSet,
    ) -> Result<(), ControlError> {
        let deleted = changes
            .iter()
            .filter(|c| c.change == ChangeKind::Deleted)
            .filter_map(|c| {
                let kind = c.kind.parse::<Kind>().ok()?.principal()?;
                Some(PrincipalId {
                    kind,
                    name: c.name.clone(),
                })
            });
        let mut known = working.roster.known(self.now());
        let declared = next.principals();
        // An agent that gets another owner by the same change goes on.
        known.retain(|id, was| declared.get(id).is_none_or(|is| is.owner == was.owner));
        let next = next.identity_providers();
        let before = working.resources.identity_providers();
        // One that leads elsewhere now is another one.
        let stays = |was: &DeclaredProvider| {
            let mut same = next.iter().filter(|is| is.name == was.name);
            same.any(|is| is.is_same_party(was))
        };
        let gone: Vec<_> = before.iter().filter(|was| !stays(was)).collect();
        for provider in gone {
            self.end_provider(working, actor, &provider.name).await?;
        }
        let provisions = |is: &DeclaredProvider, was: &DeclaredProvider| {
            is.name == was.name && is.scim.is_some()
        };
        let lost = before.iter().filter(|was| was.scim.is_some());
        for provider in lost.filter(|was| !next.iter().any(|is| provisions(is, was))) {
            self.end_provisioning(working, actor, provider).await?;
        }
        let means_another = |was: &&DeclaredProvider| {
            let mut same = next.iter().filter(|is| is.name == was.name);
            was.scim.is_none()
                && same.any(|is| (&is.users, &is.groups) != (&was.users, &was.groups))
        };
        for provider in before.iter().filter(|was| stays(was)).filter(means_another) {
            self.ask_again(working, actor, &provider.name).await?;
        }
        for principal in deleted {
            let mut changes = Changes::default();
            let why = "it is declared no more";
            self.withdraw(working, actor, &principal, why, &mut changes)?;
            self.end_estate(working, actor, (&principal, &known), &mut changes)?;
            self.take(working, changes).await?;
        }
        Ok(())
    }

    /// All resources.
    pub(crate) async fn list_resources(&self) -> Vec<ResourceInfo> {
        let working = self.0.working.lock().await;
        let info =
            |((kind, name), r): (&(Kind, String), &crate::resources::Resource)| ResourceInfo {
                kind: kind.to_string(),
                name: name.clone(),
                body: r.body.clone(),
                source: r.source.clone(),
            };
        working.resources.0.iter().map(info).collect()
    }
}

/// The resources with what was sent, and without what goes.
pub(super) fn changed(
    working: &Working,
    mut next: ResourceSet,
    sent: ResourceSet,
    delete: &[ResourceRef],
) -> Result<ResourceSet, ControlError> {
    let mut problems = Vec::new();
    for gone in delete {
        let what = format!("{} {:?}", gone.kind, gone.name);
        let key = gone
            .kind
            .parse()
            .ok()
            .map(|kind: Kind| (kind, gone.name.clone()));
        let known = key.filter(|key| working.resources.0.contains_key(key));
        let problem = match known {
            None => format!("{what} cannot be deleted: there is none"),
            Some(key) if sent.0.contains_key(&key) => {
                format!("{what} is sent and deleted at once; expected one of the two")
            }
            Some(key) => {
                next.0.remove(&key);
                continue;
            }
        };
        problems.push(ProblemInfo::of_file("delete", problem));
    }
    if !problems.is_empty() {
        return Err(ControlError::Problems(problems));
    }
    next.0.extend(sent.0);
    check_groups(working, &next)?;
    Ok(next)
}

/// Whether each provisioned group can still be one, by what it is called now.
fn check_groups(working: &Working, next: &ResourceSet) -> Result<(), ControlError> {
    let mut problems = Vec::new();
    for provider in next.identity_providers() {
        if let Err(problem) = remapped(working, &provider) {
            let what = format!(
                "identity provider {:?}: a group that it provisioned cannot be used: {problem}",
                provider.name
            );
            problems.push(ProblemInfo::of_file("resources", what));
        }
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(ControlError::Problems(problems)),
    }
}

/// The longest difference that is recorded; the log has a limit of its own for one entry.
const MAX_RECORDED_DIFF: usize = 256 << 10;

fn shortened(diff: &[String]) -> String {
    let mut text = diff.join("\n");
    if text.len() > MAX_RECORDED_DIFF {
        text.truncate(text.floor_char_boundary(MAX_RECORDED_DIFF));
        text.push_str("\n(the rest is not kept)");
    }
    text
}
