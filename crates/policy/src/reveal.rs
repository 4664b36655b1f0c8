//! What a session may see in clear.

use crate::cache::ColumnKey;
use crate::judge::REVEAL;
use crate::session::{Lasting, SessionView};
use cedar_policy::ResourceConstraint;
use sluice_model::{Access, Action, Resource, TextMask, Timestamp};
use std::sync::Arc;

impl SessionView {
    /// What [`Self::has_classes`] answers.
    pub(crate) fn may_hide_classes(&self) -> bool {
        let classes = &self.core().data_classes;
        !classes.iter().all(|class| {
            self.slices.iter().all(|slice| {
                let Ok(action) = slice.action(self.core(), REVEAL) else {
                    return false;
                };
                let infos = || {
                    action
                        .members
                        .iter()
                        .filter_map(|at| self.core().policies.get(*at))
                };
                infos().all(|info| !info.forbids)
                    && infos()
                        .any(|info| !info.conditional && covers_class(&info.resource, &class.name))
            })
        })
    }

    /// The data classes that a column is in.
    #[must_use]
    pub fn classes_of(&self, schema: &str, table: &str, column: &str) -> Vec<String> {
        self.class_names(
            self.core()
                .columns
                .of(schema, table, column)
                .iter()
                .copied(),
        )
    }

    /// The data classes of a column that this session may not see in clear. A part that is `None` is not known and
    /// stands for any, as the column `*` stands for any column of its table; then only a class that is surely
    /// revealed everywhere is left out.
    #[must_use]
    pub fn unrevealed(
        &self,
        schema: Option<&str>,
        table: Option<&str>,
        column: &str,
        now: Timestamp,
    ) -> Vec<String> {
        self.class_names(self.unrevealed_classes(schema, table, column, now))
    }

    pub(crate) fn unrevealed_classes(
        &self,
        schema: Option<&str>,
        table: Option<&str>,
        column: &str,
        now: Timestamp,
    ) -> Vec<usize> {
        match (schema, table) {
            (Some(schema), Some(table)) if column != "*" => {
                let classes = self.core().columns.of(schema, table, column);
                let hidden =
                    |class: &usize| !self.column_revealed(*class, schema, table, column, now);
                classes.iter().copied().filter(hidden).collect()
            }
            _ => {
                let mut classes = self.core().columns.any(schema, table, column);
                classes.retain(|class| !self.surely_revealed(*class, now));
                classes
            }
        }
    }

    /// The detectors of every class that this session may not see, for errors, notices and recorded parameters.
    #[must_use]
    pub fn scrubber(&self, now: Timestamp) -> Arc<dyn TextMask> {
        self.scanner(now).0
    }

    /// The scanner of what this session may not see, and whether it looks for anything.
    pub(crate) fn scanner(&self, now: Timestamp) -> (Arc<dyn TextMask>, bool) {
        if self.is_constant_until(now)
            && let Some((_, scanner, active)) = &self.cache.lock().scanner
        {
            return (Arc::clone(scanner), *active);
        }
        let hidden: Vec<usize> = (0..self.core().data_classes.len())
            .filter(|class| !self.class_revealed(*class, now))
            .collect();
        if let Some((known, scanner, active)) = &self.cache.lock().scanner
            && *known == hidden
        {
            return (Arc::clone(scanner), *active);
        }
        let made = self
            .core()
            .detectors
            .scanner(&|class| !hidden.contains(&class));
        let active = !made.is_empty();
        let scanner: Arc<dyn TextMask> = made;
        self.cache.lock().scanner = Some((hidden, Arc::clone(&scanner), active));
        (scanner, active)
    }

    /// Whether values of a class that are found outside of known columns are shown.
    pub(crate) fn class_revealed(&self, class: usize, now: Timestamp) -> bool {
        self.revealed(class, None, now)
    }

    fn column_revealed(
        &self,
        class: usize,
        schema: &str,
        table: &str,
        column: &str,
        now: Timestamp,
    ) -> bool {
        self.revealed(
            class,
            Some((schema.into(), table.into(), column.into())),
            now,
        )
    }

    /// Decides `reveal` for one class, on one column or on the class itself. Any error keeps it hidden.
    fn revealed(&self, class: usize, column: ColumnKey, now: Timestamp) -> bool {
        let key = (class, self.grants_holding(now), column);
        if let Some(known) = self.cache.lock().revealed(&key, now) {
            return known;
        }
        let Some(name) = self.core().data_classes.get(class).map(|c| c.name.as_str()) else {
            return false;
        };
        let (resource, class) = match key.2.clone() {
            Some((schema, table, column)) => {
                let database = self.session.database.clone();
                (
                    Resource::Column {
                        database,
                        schema,
                        table,
                        column,
                    },
                    Some(name),
                )
            }
            None => (Resource::DataClass { name: name.into() }, None),
        };
        let access = Access {
            action: Action::new(REVEAL),
            resource,
        };
        let (revealed, lasting) = self
            .allowed(&access, class, now)
            .unwrap_or((false, Lasting::No));
        self.cache.lock().put_revealed(key, revealed, lasting, now);
        revealed
    }

    /// Whether a class is revealed in every column that there may be: it is for the class itself, by a policy that
    /// says so whatever the column, and no policy takes anything back.
    pub(crate) fn surely_revealed(&self, class: usize, now: Timestamp) -> bool {
        let Some(name) = self.core().data_classes.get(class).map(|c| c.name.as_str()) else {
            return false;
        };
        let uniform = self.slices.iter().all(|slice| {
            slice.action(self.core(), REVEAL).is_ok_and(|action| {
                let mut infos = action
                    .members
                    .iter()
                    .filter_map(|at| self.core().policies.get(*at));
                infos.all(|info| {
                    !info.forbids && !info.reads.resource && covers_or_misses(&info.resource, name)
                })
            })
        });
        uniform && self.class_revealed(class, now)
    }

    fn class_names(&self, classes: impl IntoIterator<Item = usize>) -> Vec<String> {
        classes
            .into_iter()
            .filter_map(|class| self.core().data_classes.get(class))
            .map(|class| class.name.clone())
            .collect()
    }
}

/// Whether a scope that is known to reach the session's connection holds for all columns of a class alike.
fn covers_class(scope: &ResourceConstraint, class: &str) -> bool {
    match scope {
        ResourceConstraint::Any => true,
        ResourceConstraint::In(uid) => match uid.type_name().basename() {
            "DataClass" => uid.id().unescaped() == class,
            kind => matches!(kind, "Connection" | "Environment" | "Label"),
        },
        _ => false,
    }
}

/// Whether a scope treats a class and all its columns alike: it holds for all of them, or for the class itself not.
fn covers_or_misses(scope: &ResourceConstraint, class: &str) -> bool {
    match scope {
        ResourceConstraint::Eq(uid) | ResourceConstraint::IsIn(_, uid) => {
            uid.type_name().basename() != "DataClass" || uid.id().unescaped() != class
        }
        ResourceConstraint::Is(kind) => kind.basename() != "DataClass",
        ResourceConstraint::Any | ResourceConstraint::In(_) => true,
    }
}
