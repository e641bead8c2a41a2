//! What a misspelt key was meant to be.

use crate::declaration::Key;
use crate::options::{ALL, TABLES, heading};

/// What to do about a key that a table does not have: the key that is nearest to it, or the table that has it, or the keys there are.
pub(super) fn remedy(table: &str, found: &str) -> String {
    let known = names(table);
    let stands_once = |key: &Key| TABLES.iter().any(|table| table.name == key.table && !table.many);
    let elsewhere = ALL.iter().filter_map(|option| option.declaration().key).filter(stands_once);
    if let Some(key) = elsewhere.into_iter().find(|key| key.key == found) {
        return format!("it belongs into {}", heading(key.table));
    }
    among(&known, found)
}

/// The nearest of some names, or all of them.
pub(super) fn among(known: &[&str], found: &str) -> String {
    let distances = known.iter().map(|name| (strsim::damerau_levenshtein(name, found), *name));
    let nearest = distances.min().filter(|(distance, name)| *distance <= 1 + name.len() / DISTANCE_PART);
    match nearest {
        Some((_, name)) => format!("the nearest is {name:?}"),
        None => format!("there are {}", known.join(", ")),
    }
}

/// The keys of a table, and the last parts of the names of tables within it.
fn names(table: &str) -> Vec<&'static str> {
    let keys = ALL.iter().filter_map(|option| option.declaration().key).filter(|key| key.table == table);
    let mut names: Vec<&str> = keys.map(|key| key.key).collect();
    if table.is_empty() {
        names.push("version");
    }
    names.extend(TABLES.iter().filter_map(|known| match known.name.rsplit_once('.') {
        Some((outer, inner)) => (outer == table).then_some(inner),
        None => table.is_empty().then_some(known.name),
    }));
    names
}

/// A name may be off by one character, and one more for each so many that it has.
const DISTANCE_PART: usize = 3;
