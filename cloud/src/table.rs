//! Tables of resources that are seen a little late and forgotten a little late.
//!
//! Uniqueness and changes look at what is really there; reads look at what can be seen. The gap
//! between the two is what eventual consistency feels like from outside.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Keeps resources of one kind by their id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Table<T> {
    kept: BTreeMap<String, Kept<T>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept<T> {
    value: T,
    /// From when on reads find it.
    visible_ms: i64,
    /// After its deletion: until when reads still find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forgotten_ms: Option<i64>,
}

impl<T> Kept<T> {
    fn lives(&self) -> bool {
        self.forgotten_ms.is_none()
    }

    fn seen(&self, now_ms: i64) -> bool {
        self.visible_ms <= now_ms && self.forgotten_ms.is_none_or(|forgotten| now_ms < forgotten)
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { kept: BTreeMap::new() }
    }
}

impl<T> Table<T> {
    /// Adds a resource that reads find from `visible_ms` on.
    pub(crate) fn insert(&mut self, id: impl Into<String>, value: T, visible_ms: i64) {
        self.kept.insert(id.into(), Kept { value, visible_ms, forgotten_ms: None });
    }

    /// Deletes a resource; reads find it until `forgotten_ms`. Tells whether it was there.
    pub(crate) fn remove(&mut self, id: &str, forgotten_ms: i64) -> bool {
        match self.kept.get_mut(id).filter(|kept| kept.lives()) {
            Some(kept) => {
                kept.forgotten_ms = Some(forgotten_ms);
                true
            }
            None => false,
        }
    }

    /// Gives all that is really there, in the order of ids.
    pub(crate) fn live(&self) -> impl Iterator<Item = &T> {
        self.kept.values().filter(|kept| kept.lives()).map(|kept| &kept.value)
    }

    /// Gives all that is really there, to be changed.
    pub(crate) fn live_all_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.kept.values_mut().filter(|kept| kept.lives()).map(|kept| &mut kept.value)
    }

    /// Finds what is really there.
    pub(crate) fn live_get(&self, id: &str) -> Option<&T> {
        self.kept.get(id).filter(|kept| kept.lives()).map(|kept| &kept.value)
    }

    /// Finds what is really there, to be changed.
    pub(crate) fn live_mut(&mut self, id: &str) -> Option<&mut T> {
        self.kept.get_mut(id).filter(|kept| kept.lives()).map(|kept| &mut kept.value)
    }

    /// Gives all that a read finds, in the order of ids.
    pub(crate) fn seen(&self, now_ms: i64) -> impl Iterator<Item = &T> {
        self.kept.values().filter(move |kept| kept.seen(now_ms)).map(|kept| &kept.value)
    }

    /// Finds what a read finds.
    pub(crate) fn seen_get(&self, id: &str, now_ms: i64) -> Option<&T> {
        self.kept.get(id).filter(|kept| kept.seen(now_ms)).map(|kept| &kept.value)
    }

    /// Finds what can be referred to: it is there, and it can be seen.
    pub(crate) fn usable(&self, id: &str, now_ms: i64) -> Option<&T> {
        self.kept.get(id).filter(|kept| kept.lives() && kept.seen(now_ms)).map(|kept| &kept.value)
    }

    /// Finds what can be referred to, to be changed.
    pub(crate) fn usable_mut(&mut self, id: &str, now_ms: i64) -> Option<&mut T> {
        self.kept
            .get_mut(id)
            .filter(|kept| kept.lives() && kept.seen(now_ms))
            .map(|kept| &mut kept.value)
    }

    /// Drops deleted resources that reads no longer find.
    pub(crate) fn forget(&mut self, now_ms: i64) {
        self.kept.retain(|_, kept| kept.forgotten_ms.is_none_or(|forgotten| now_ms < forgotten));
    }

    /// Drops deleted resources at once, since something new has taken their name.
    pub(crate) fn forget_ghosts(&mut self, same_name: impl Fn(&T) -> bool) {
        self.kept.retain(|_, kept| kept.lives() || !same_name(&kept.value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_seen_late_and_forgotten_late_but_is_there_in_between() {
        let mut table = Table::default();
        table.insert("a", 1, 100);
        assert_eq!(table.live_get("a"), Some(&1));
        assert_eq!((table.seen_get("a", 99), table.usable("a", 99)), (None, None));
        assert_eq!((table.seen_get("a", 100), table.usable("a", 100)), (Some(&1), Some(&1)));

        assert!(table.remove("a", 300));
        assert!(!table.remove("a", 400), "what is deleted cannot be deleted again");
        assert_eq!((table.live_get("a"), table.usable("a", 250)), (None, None));
        assert_eq!((table.seen_get("a", 299), table.seen_get("a", 300)), (Some(&1), None));
        table.forget(300);
        assert_eq!(table.kept.len(), 0);
    }
}
