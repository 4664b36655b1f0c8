//! Places for what takes long: few enough altogether, and few enough for each, that nobody takes them from the others.

use crate::error::ControlError;
use parking_lot::Mutex;
use sluice_model::PrincipalId;
use std::collections::HashMap;
use std::sync::Arc;

/// Places of one kind.
#[derive(Debug)]
pub(super) struct Places {
    all: usize,
    each: usize,
    what: &'static str,
    taken: Mutex<HashMap<PrincipalId, usize>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    by: PrincipalId,
}

impl Places {
    /// So many altogether, and so many for each principal.
    pub(super) fn new(all: usize, each: usize, what: &'static str) -> Arc<Self> {
        Arc::new(Self {
            all,
            each,
            what,
            taken: Mutex::default(),
        })
    }

    /// Takes one.
    pub(super) fn take(self: &Arc<Self>, by: &PrincipalId) -> Result<Place, ControlError> {
        let mut taken = self.taken.lock();
        let everybody: usize = taken.values().sum();
        let theirs = taken.get(by).copied().unwrap_or_default();
        if everybody >= self.all || theirs >= self.each {
            let what = format!(
                "too many {} at a time ({} for each, {} altogether); close some, or try again shortly",
                self.what, self.each, self.all
            );
            return Err(ControlError::TooMany(what));
        }
        taken.insert(by.clone(), theirs + 1);
        drop(taken);
        Ok(Place {
            places: Arc::clone(self),
            by: by.clone(),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        match taken.get_mut(&self.by) {
            Some(theirs) if *theirs > 1 => *theirs -= 1,
            _ => {
                taken.remove(&self.by);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_all_places_and_they_come_back() {
        let places = Places::new(3, 2, "searches");
        let [ada, bob, eve] = ["ada", "bob", "eve"].map(PrincipalId::user);
        let first = places.take(&ada).unwrap();
        let _second = places.take(&ada).unwrap();
        assert!(places.take(&ada).is_err());
        let _third = places.take(&bob).unwrap();
        assert!(places.take(&eve).is_err());
        drop(first);
        assert!(places.take(&eve).is_ok());
        assert!(places.take(&ada).is_ok());
    }
}
