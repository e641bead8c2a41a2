//! What a file says, by key: [`Values`] of the file itself and of each table that stands more than once.

use std::collections::{BTreeMap, BTreeSet};

use super::Place;
use crate::declaration::{Key, Opt};

/// What is said of options.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    /// Each option that is there.
    pub(super) given: BTreeMap<Key, Given>,
    /// Options of which something was there and refused.
    pub(super) refused: BTreeSet<Key>,
    /// Tables that may stand more than once, by name; one that is written as an empty array is there, without elements.
    pub(super) lists: BTreeMap<&'static str, Vec<Element>>,
}

/// What a file says of one option.
#[derive(Clone, Debug)]
pub(super) struct Given {
    /// Where its key stands.
    pub(super) place: Place,
    /// Its values, as they would be written on the command line, and where each stands.
    pub(super) values: Vec<(String, Place)>,
}

/// One of the tables of a name that may stand more than once.
#[derive(Clone, Debug)]
pub(super) struct Element {
    /// Where it begins.
    pub(super) place: Place,
    /// What it says.
    pub(super) values: Values,
}

impl Values {
    /// What is said of an option.
    pub(super) fn given<T>(&self, option: &Opt<T>) -> Option<&Given> {
        self.given.get(&option.declaration.key?)
    }

    /// Every value of an option, and where each stands; `None` when the option is not there.
    pub(super) fn placed<T>(&self, option: &Opt<T>) -> Option<Vec<(T, Place)>> {
        // What does not parse was refused when the file was read.
        let parse = |(text, place): &(String, Place)| (option.parse)(text).ok().map(|value| (value, *place));
        Some(self.given(option)?.values.iter().filter_map(parse).collect())
    }

    /// The first value of an option and where its key stands.
    pub(super) fn first<T>(&self, option: &Opt<T>) -> Option<(T, Place)> {
        let place = self.given(option)?.place;
        self.placed(option)?.into_iter().next().map(|(value, _)| (value, place))
    }

    /// Whether something was said of an option that was refused.
    pub(super) fn is_refused<T>(&self, option: &Opt<T>) -> bool {
        option.declaration.key.is_some_and(|key| self.refused.contains(&key))
    }

    /// The tables of a name that may stand more than once.
    pub(super) fn list(&self, name: &str) -> &[Element] {
        self.lists.get(name).map_or(&[], Vec::as_slice)
    }
}
