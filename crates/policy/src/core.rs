//! What a snapshot shares with its successors while only principals, tokens and grants change.

use crate::claims::{IssuerRules, TrustedIssuer};
use crate::columns::ColumnClasses;
use crate::context;
use crate::entity::{EntityError, Types};
use crate::fields::FieldClasses;
use crate::mask::DetectorSet;
use crate::policies::{self, PolicyInfo};
use crate::schema;
use crate::slice::Slice;
use crate::snapshot::SnapshotInput;
use crate::source::Problem;
use cedar_policy::{Authorizer, PolicyId, Schema};
use jiff::tz::TimeZone;
use parking_lot::Mutex;
use sluice_model::{Connection, DataClass, Principal, PrincipalId, ProtocolSpec};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

/// Slices kept: one per principal and connection in use, of some kilobytes each. More only cost their making again.
const MAX_SLICES: usize = 4_096;

/// Everything that a slice depends on besides the policies: a principal with its groups, its owner with theirs, and
/// the connection's name.
type SliceKey = (
    PrincipalId,
    BTreeSet<String>,
    Option<(PrincipalId, BTreeSet<String>)>,
    String,
);

/// Policies and configuration, parsed and compiled.
pub(crate) struct Core {
    pub(crate) types: Types,
    pub(crate) schema: Schema,
    pub(crate) schema_text: String,
    pub(crate) authorizer: Authorizer,
    pub(crate) policies: Vec<PolicyInfo>,
    positions: HashMap<String, usize>,
    /// Every action with all that it stands in, itself first.
    pub(crate) actions: BTreeMap<String, Vec<String>>,
    pub(crate) connections: BTreeMap<String, Arc<Connection>>,
    zones: HashMap<String, TimeZone>,
    pub(crate) issuers: HashMap<String, IssuerRules>,
    pub(crate) data_classes: Vec<DataClass>,
    pub(crate) columns: ColumnClasses,
    pub(crate) fields: FieldClasses,
    pub(crate) detectors: DetectorSet,
    slices: Mutex<HashMap<SliceKey, Arc<Slice>>>,
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("policies", &self.policies.len())
            .field("connections", &self.connections.len())
            .finish_non_exhaustive()
    }
}

impl Core {
    pub(crate) fn build(input: SnapshotInput) -> Result<Self, Vec<Problem>> {
        let one = |message: String| vec![Problem::elsewhere(message)];
        let types = Types::new().map_err(|e| one(e.to_string()))?;
        let schema_text = schema::text(input.protocols);
        let (schema, _) = Schema::from_cedarschema_str(&schema_text)
            .map_err(|e| one(format!("the protocol table makes no schema: {e}")))?;
        let mut problems = Vec::new();
        let zones = connection_problems(&input.connections, input.protocols, &mut problems);
        class_problems(&input.data_classes, &mut problems);
        let issuers = issuers(&input.trusted_issuers, &mut problems);
        let policies = collect(policies::load(&input.policies, &schema), &mut problems);
        let columns = collect(ColumnClasses::compile(&input.data_classes), &mut problems);
        let fields = collect(FieldClasses::compile(&input.data_classes), &mut problems);
        let indexed: Vec<(usize, &DataClass)> = input.data_classes.iter().enumerate().collect();
        let detectors = collect(
            DetectorSet::compile(&indexed, &input.hash_key).map_err(|e| one(e.to_string())),
            &mut problems,
        );
        let (Some(policies), Some(columns), Some(fields), Some(detectors), true) =
            (policies, columns, fields, detectors, problems.is_empty())
        else {
            return Err(problems);
        };
        let positions = policies
            .iter()
            .enumerate()
            .map(|(at, p)| (p.id.clone(), at))
            .collect();
        Ok(Self {
            types,
            schema,
            schema_text,
            authorizer: Authorizer::new(),
            policies,
            positions,
            actions: schema::closure(input.protocols),
            connections: input
                .connections
                .into_iter()
                .map(|c| (c.name.clone(), Arc::new(c)))
                .collect(),
            zones,
            issuers,
            data_classes: input.data_classes,
            columns,
            fields,
            detectors,
            slices: Mutex::default(),
        })
    }

    /// The time zone of a connection's clock.
    pub(crate) fn zone(&self, connection: &str) -> Option<TimeZone> {
        self.zones.get(connection).cloned()
    }

    /// The policies that can matter to a principal on a connection.
    pub(crate) fn slice(
        &self,
        principal: &Principal,
        connection: &Connection,
    ) -> Result<Arc<Slice>, EntityError> {
        let owner = principal
            .owner
            .as_ref()
            .map(|o| (o.id.clone(), o.groups.clone()));
        let key = (
            principal.id.clone(),
            principal.groups.clone(),
            owner,
            connection.name.clone(),
        );
        if let Some(found) = self.slices.lock().get(&key) {
            return Ok(Arc::clone(found));
        }
        let slice = Arc::new(Slice::new(self, principal, connection)?);
        let mut slices = self.slices.lock();
        if slices.len() >= MAX_SLICES {
            slices.clear();
        }
        slices.insert(key, Arc::clone(&slice));
        Ok(slice)
    }

    /// The positions of policies that Cedar names.
    pub(crate) fn positions<'a>(&self, ids: impl Iterator<Item = &'a PolicyId>) -> Vec<usize> {
        let mut found: Vec<usize> = ids
            .filter_map(|id| self.positions.get::<str>(id.as_ref()).copied())
            .collect();
        found.sort_unstable();
        found
    }
}

fn collect<T>(result: Result<T, Vec<Problem>>, problems: &mut Vec<Problem>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(found) => {
            problems.extend(found);
            None
        }
    }
}

/// The rules of every trusted issuer.
fn issuers(
    declared: &[TrustedIssuer],
    problems: &mut Vec<Problem>,
) -> HashMap<String, IssuerRules> {
    let mut found = HashMap::new();
    for issuer in declared {
        match IssuerRules::compile(issuer) {
            Ok(rules) => {
                found.insert(issuer.name.clone(), rules);
            }
            Err(wrong) => problems.extend(wrong.into_iter().map(|(at, error)| {
                let number = at + 1;
                Problem::elsewhere(format!(
                    "the condition of rule {number} of trusted issuer {:?} cannot be read: {error}",
                    issuer.name
                ))
            })),
        }
    }
    found
}

fn connection_problems(
    connections: &[Connection],
    protocols: &[ProtocolSpec],
    problems: &mut Vec<Problem>,
) -> HashMap<String, TimeZone> {
    let mut zones = HashMap::new();
    let mut names = BTreeSet::new();
    for connection in connections {
        let mut say = |why: String| {
            problems.push(Problem::elsewhere(format!(
                "connection {:?}: {why}",
                connection.name
            )));
        };
        if !names.insert(connection.name.as_str()) {
            say("there are two connections with this name".into());
        }
        if !protocols.iter().any(|p| p.name == connection.protocol) {
            let known: Vec<&str> = protocols.iter().map(|p| p.name).collect();
            say(format!(
                "there is no protocol {:?}; expected one of {}",
                connection.protocol,
                known.join(", ")
            ));
        }
        let Some(zone) = context::zone(connection.time_zone.as_deref()) else {
            say(format!(
                "there is no time zone {:?}; expected an IANA name such as Europe/Berlin",
                connection.time_zone.as_deref().unwrap_or_default()
            ));
            continue;
        };
        zones.insert(connection.name.clone(), zone);
    }
    zones
}

fn class_problems(classes: &[DataClass], problems: &mut Vec<Problem>) {
    let mut names = BTreeSet::new();
    for class in classes {
        if !names.insert(class.name.as_str()) {
            let message = format!("data class {:?}: there are two with this name", class.name);
            problems.push(Problem::elsewhere(message));
        }
    }
}
