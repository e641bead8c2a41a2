//! Taking a file apart: every key has to be declared, every value to be what its declaration says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::error::{FileError, FileErrorKind, Place};
use super::nearest;
use super::values::{Element, Given, Values};
use crate::declaration::{Declared, Kind};
use crate::options::{ALL, TABLES, Table};

/// What was found on the way.
pub(super) struct Walk<'a> {
    /// The file.
    path: &'a Path,
    /// Its text.
    text: &'a str,
    /// What it says; while one of several tables of a name is gone over, what that says.
    pub(super) values: Values,
    /// The tables it has.
    pub(super) tables: BTreeSet<&'static str>,
    /// What is wrong.
    pub(super) errors: Vec<FileError>,
}

impl<'a> Walk<'a> {
    /// Goes over a file.
    pub(super) fn over(path: &'a Path, text: &'a str) -> Self {
        let mut walk = Walk { path, text, values: Values::default(), tables: BTreeSet::new(), errors: Vec::new() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let at = error.span().map_or(text.len(), |span| span.start);
            walk.refuse(at, FileErrorKind::Syntax { message: error.message().replace('\n', ", ") });
        }
        // Of a line only the first slip of the pen: it makes the others.
        walk.errors.dedup_by_key(|error| error.place.map(|place| place.line));
        let lines: BTreeSet<_> = walk.errors.iter().filter_map(|error| error.place).map(|place| place.line).collect();
        walk.table(table.get_ref(), "");
        if lines.is_empty() {
            walk.version(table.get_ref());
        } else {
            // Elsewhere keys are what they seem; values may be the parser's guess.
            walk.values = Values::default();
            walk.errors.retain(|error| match error.kind {
                FileErrorKind::Syntax { .. } => true,
                FileErrorKind::Unknown { .. } => error.place.is_none_or(|place| !lines.contains(&place.line)),
                _ => false,
            });
        }
        walk
    }

    /// Goes over a table.
    fn table(&mut self, table: &DeTable<'_>, path: &str) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let at = key.span().start;
            if path.is_empty() && name == "version" {
                continue;
            }
            let declared = |option: &&&dyn Declared| {
                option.declaration().key.is_some_and(|key| key.table == path && key.key == name)
            };
            if let Some(option) = ALL.iter().find(declared) {
                self.option(*option, at, value);
            } else if let Some(inner) = find_table(path, name) {
                self.inner(inner, at, value);
            } else {
                let remedy = nearest::remedy(path, name);
                let kind = FileErrorKind::Unknown { found: name.to_owned(), table: path.to_owned(), remedy };
                self.refuse(at, kind);
            }
        }
    }

    /// Goes into a table that is known.
    fn inner(&mut self, inner: &'static Table, at: usize, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) if !inner.many => {
                self.tables.insert(inner.name);
                self.table(table, inner.name);
            }
            DeValue::Array(elements) if inner.many => {
                self.tables.insert(inner.name);
                let elements = elements.iter().filter_map(|element| self.element(inner, element)).collect();
                self.values.lists.insert(inner.name, elements);
            }
            other => {
                let remedy = match (inner.many, other) {
                    (true, DeValue::Table(_)) => "put two brackets around its name",
                    _ => "",
                };
                let expected = format!("the table {}", inner.heading());
                self.refuse(at, FileErrorKind::Type { expected, found: describe(other), remedy });
            }
        }
    }

    /// Goes over one of the tables of a name.
    fn element(&mut self, list: &'static Table, value: &Spanned<DeValue<'_>>) -> Option<Element> {
        let at = value.span().start;
        let DeValue::Table(table) = value.get_ref() else {
            let expected = format!("the table {}", list.heading());
            let kind = FileErrorKind::Type { expected, found: describe(value.get_ref()), remedy: "" };
            self.refuse(at, kind);
            return None;
        };
        let outer = std::mem::take(&mut self.values);
        self.table(table, list.name);
        let values = std::mem::replace(&mut self.values, outer);
        Some(Element { place: Place::of(self.text, at), values })
    }

    /// Takes the value of an option, or each of its values.
    fn option(&mut self, option: &dyn Declared, at: usize, value: &Spanned<DeValue<'_>>) {
        let declaration = option.declaration();
        let Some(key) = declaration.key else { return };
        let mut given = Given { place: Place::of(self.text, at), values: Vec::new() };
        match value.get_ref() {
            DeValue::Array(values) if declaration.many => {
                for value in values.iter() {
                    match self.value(option, value) {
                        Some(value) => given.values.push(value),
                        None => drop(self.values.refused.insert(key)),
                    }
                }
            }
            DeValue::Boolean(false) if declaration.kind == Kind::TextOrFalse => {}
            _ => match self.value(option, value) {
                Some(value) => given.values.push(value),
                // What was refused is not there, and is compared with nothing.
                None => {
                    self.values.refused.insert(key);
                    return;
                }
            },
        }
        self.values.given.insert(key, given);
    }

    /// Takes one value.
    fn value(&mut self, option: &dyn Declared, value: &Spanned<DeValue<'_>>) -> Option<(String, Place)> {
        let declaration = option.declaration();
        let at = value.span().start;
        let text = match (declaration.kind, value.get_ref()) {
            (Kind::Text | Kind::TextOrFalse, DeValue::String(text)) => text.to_string(),
            (Kind::Path, DeValue::String(text)) => self.resolve(text),
            (Kind::Number, DeValue::Integer(number)) => decimal(number),
            (Kind::Switch, DeValue::Boolean(value)) => value.to_string(),
            (kind, found) => {
                let array = if declaration.many { ", or an array of these" } else { "" };
                let expected = match kind {
                    Kind::Switch => kind.words().to_owned(),
                    _ => format!("{} ({}){array}", kind.words(), declaration.range),
                };
                let remedy = match (kind, found) {
                    (Kind::Number | Kind::Switch, DeValue::String(_)) => "write it without quotes",
                    (Kind::Text | Kind::TextOrFalse | Kind::Path, DeValue::Integer(_) | DeValue::Float(_)) => {
                        "write it in quotes"
                    }
                    _ => "",
                };
                self.refuse(at, FileErrorKind::Type { expected, found: describe(found), remedy });
                return None;
            }
        };
        match option.check(&text) {
            Ok(()) => Some((text, Place::of(self.text, at))),
            Err(text) => {
                self.refuse(at, FileErrorKind::Value { text });
                None
            }
        }
    }

    /// A path as it is from here: one that is relative begins at the file's folder.
    fn resolve(&self, text: &str) -> String {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        if text.is_empty() {
            return String::new();
        }
        let path: PathBuf = folder.join(text);
        path.to_string_lossy().into_owned()
    }

    /// Checks which version of the format the file is written for.
    fn version(&mut self, table: &DeTable<'_>) {
        let found = table.get("version").map(|value| (value.span().start, value.get_ref()));
        match found {
            Some((_, DeValue::Integer(number))) if number.to_string() == VERSION => {}
            Some((at, other)) => self.refuse(at, FileErrorKind::Version { found: describe(other) }),
            None => self.refuse(0, FileErrorKind::Version { found: "no version".to_owned() }),
        }
    }

    /// Notes what is wrong at an octet.
    fn refuse(&mut self, at: usize, kind: FileErrorKind) {
        let place = Some(Place::of(self.text, at));
        self.errors.push(FileError { path: self.path.to_owned(), place, kind });
    }
}

/// The table of a name within another.
fn find_table(path: &str, name: &str) -> Option<&'static Table> {
    let whole = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    TABLES.iter().find(|table| table.name == whole)
}

/// A number in decimal digits, whichever it was written in.
fn decimal(number: &DeInteger<'_>) -> String {
    i128::from_str_radix(number.as_str(), number.radix())
        .map_or_else(|_| number.to_string(), |number| number.to_string())
}

/// A value, for people.
fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text {text:?}"),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(time) => format!("the time {time}"),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// The version of the file's format.
const VERSION: &str = "1";
