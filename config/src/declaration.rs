//! What a declaration says of an option: everything there is to know of it, once. The command line, its help, the configuration file, the
//! pages of `docs/` and the checks are made from it.
//!
//! Read [`Declaration`] first, then [`Opt`], which has the type of its value too.

use std::fmt;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};

/// Everything there is to know of an option, but the type of its value.
#[derive(Clone, Copy, Debug)]
pub struct Declaration {
    /// Its long name on the command line, without the dashes; `None` for one of the file alone.
    pub name: Option<&'static str>,
    /// Where it stands in the file; `None` for one of the command line alone.
    pub key: Option<Key>,
    /// How its value is written in the file.
    pub kind: Kind,
    /// What its value is called in the help.
    pub value: &'static str,
    /// What stands when nothing is given.
    pub preset: Preset,
    /// The values allowed, in words; checked by [`Opt::parse`].
    pub range: &'static str,
    /// Whether it may be given more than once; in the file as an array.
    pub many: bool,
    /// One sentence for the help.
    pub help: &'static str,
}

/// An option's place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The table, such as `auth.tcp`.
    pub table: &'static str,
    /// The key in it.
    pub key: &'static str,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in [{}]", self.key, self.table)
    }
}

/// How a value is written in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text in quotes.
    Text,
    /// A path in quotes; a relative one begins at the file's folder.
    Path,
    /// A whole number.
    Number,
    /// `true` or `false`; on the command line an option without a value, which makes it true.
    Switch,
    /// Text in quotes, or `false` for none.
    TextOrFalse,
}

impl Kind {
    /// The same in words.
    pub const fn words(self) -> &'static str {
        match self {
            Kind::Text => "text in quotes",
            Kind::Path => "a path in quotes",
            Kind::Number => "a whole number",
            Kind::Switch => "true or false",
            Kind::TextOrFalse => "text in quotes or false",
        }
    }
}

/// What stands when nothing is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// A value, as it is written on the command line.
    Value(&'static str),
    /// What is found out at the start, in words.
    Words(&'static str),
    /// Nothing.
    Nothing,
    /// Nothing, and it has to be given wherever its table stands.
    Needed,
}

/// One option, with the type of its value.
#[derive(Clone, Copy, Debug)]
pub struct Opt<T> {
    /// What is said of it.
    pub declaration: Declaration,
    /// Reads and checks a value.
    pub parse: fn(&str) -> Result<T, String>,
}

impl<T: Clone + Send + Sync + 'static> Opt<T> {
    /// The command-line argument.
    pub fn argument(&self) -> Arg {
        let Declaration { kind, value, preset, many, help, .. } = self.declaration;
        let name = self.name();
        let argument = Arg::new(name).long(name);
        if kind == Kind::Switch {
            return argument.help(help).action(ArgAction::SetTrue);
        }
        let mut text = help.to_owned();
        if many {
            text.push_str("; may be given more than once");
        }
        if let Preset::Words(words) = preset {
            text.push_str(&format!(" [default: {words}]"));
        }
        let action = if many { ArgAction::Append } else { ArgAction::Set };
        let argument = argument.value_name(value).help(text).value_parser(self.parse).action(action);
        match preset {
            Preset::Value(default) => argument.default_value(default),
            Preset::Words(_) | Preset::Nothing | Preset::Needed => argument,
        }
    }

    /// The value given on the command line, or the default.
    ///
    /// # Errors
    ///
    /// [`MissingOption`] when there is neither.
    pub fn value(&self, matches: &ArgMatches) -> Result<T, MissingOption> {
        let given = self.on_line(matches).and_then(|mut values| values.pop());
        given.or_else(|| self.preset_value()).ok_or_else(|| self.missing())
    }

    /// Every value given on the command line, in order; `None` when it is not there.
    pub fn on_line(&self, matches: &ArgMatches) -> Option<Vec<T>> {
        let name = self.declaration.name?;
        let is_declared = matches.try_contains_id(name).is_ok();
        if !is_declared || matches.value_source(name) != Some(ValueSource::CommandLine) {
            return None;
        }
        if self.declaration.kind == Kind::Switch {
            return (self.parse)("true").ok().map(|value| vec![value]);
        }
        matches.try_get_many::<T>(name).ok().flatten().map(|values| values.cloned().collect())
    }

    /// The default, where it is a value.
    pub fn preset_value(&self) -> Option<T> {
        match self.declaration.preset {
            Preset::Value(text) => (self.parse)(text).ok(),
            Preset::Words(_) | Preset::Nothing | Preset::Needed => None,
        }
    }

    /// The error that it has no value.
    pub fn missing(&self) -> MissingOption {
        let Declaration { name, key, range, value, .. } = self.declaration;
        MissingOption { name, key, range, value }
    }

    /// Its name on the command line; of one of the file alone the key.
    fn name(&self) -> &'static str {
        self.declaration.name.or(self.declaration.key.map(|key| key.key)).unwrap_or_default()
    }
}

/// An option whose value's type does not matter.
pub trait Declared: Sync {
    /// What is said of it.
    fn declaration(&self) -> &Declaration;

    /// Checks a value.
    ///
    /// # Errors
    ///
    /// What was expected and what was found, as one sentence.
    fn check(&self, text: &str) -> Result<(), String>;
}

impl<T> Declared for Opt<T> {
    fn declaration(&self) -> &Declaration {
        &self.declaration
    }

    fn check(&self, text: &str) -> Result<(), String> {
        (self.parse)(text).map(|_| ())
    }
}

/// An option that is needed and has no value.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MissingOption {
    /// [`Declaration::name`].
    pub name: Option<&'static str>,
    /// [`Declaration::key`].
    pub key: Option<Key>,
    /// [`Declaration::range`].
    pub range: &'static str,
    /// [`Declaration::value`].
    pub value: &'static str,
}

impl fmt::Display for MissingOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, key, range, value } = self;
        write!(f, "expected {range}, found none; give ")?;
        match (name, key) {
            (Some(name), Some(key)) => write!(f, "--{name} {value}, or {key} of the --config file"),
            (Some(name), None) => write!(f, "--{name} {value}"),
            (None, Some(key)) => write!(f, "{key} of the --config file"),
            (None, None) => write!(f, "{value}"),
        }
    }
}

impl std::error::Error for MissingOption {}
