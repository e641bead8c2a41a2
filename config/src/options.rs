//! The declarations: an option's name, type, default, range and help stand here and nowhere else.
//!
//! Each is a constant [`Opt`]; the command line, its help and the checks are made from it. [`Serve`] is what all of
//! them together say to `trine serve`.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::{duration, listen};

/// One option: everything there is to know of it.
#[derive(Clone, Copy, Debug)]
pub struct Opt<T> {
    /// Its long name, without the dashes.
    pub name: &'static str,
    /// What its value is called in the help.
    pub value: &'static str,
    /// The text that stands when nothing is given; `None` where there is no such text.
    pub default: Option<&'static str>,
    /// The values allowed, in words; checked by `parse`.
    pub range: &'static str,
    /// Whether it may be given more than once.
    pub many: bool,
    /// One sentence for the help.
    pub help: &'static str,
    /// Reads and checks a value.
    pub parse: fn(&str) -> Result<T, String>,
}

/// An option without a value: everything there is to know of it. It is off unless it is given.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Its long name, without the dashes.
    pub name: &'static str,
    /// One sentence for the help.
    pub help: &'static str,
}

impl Flag {
    /// The command-line argument.
    pub fn argument(&self) -> Arg {
        Arg::new(self.name).long(self.name).help(self.help).action(ArgAction::SetTrue)
    }

    /// Whether it was given.
    pub fn is_given(&self, matches: &ArgMatches) -> bool {
        matches.try_get_one::<bool>(self.name).ok().flatten().copied().unwrap_or_default()
    }
}

/// Where the zone files are.
pub const ZONES: Opt<PathBuf> = Opt {
    name: "zones",
    value: "DIR",
    default: None,
    range: "a directory",
    many: false,
    help: "Serve every *.zone file of this directory, each as the zone of its name",
    parse: parse_path,
};

/// Whether zones have to have a digest.
pub const ZONEMD: Flag = Flag {
    name: "zonemd",
    help: "Take a zone only with a ZONEMD record that agrees with it (RFC 8976), whenever it is read",
};

/// Whether the zone files are watched.
pub const WATCH: Flag =
    Flag { name: "watch", help: "Watch the directory of zone files and take what changes in it, without a reload" };

/// Where to answer.
pub const LISTEN: Opt<SocketAddr> = Opt {
    name: "listen",
    value: "ADDRESS:PORT",
    default: None,
    range: "an IP address and a port; port 0 takes a free one",
    many: true,
    help: "Answer at this address, over UDP and TCP; may be given more than once [default: 127.0.0.1:5300 and [::1]:5300]",
    parse: |text| listen::parse(text).map_err(|error| error.to_string()),
};

/// Where the state is kept.
pub const STATE: Opt<PathBuf> = Opt {
    name: "state",
    value: "DIR",
    default: None,
    range: "a directory on a local file system",
    many: false,
    help: "Keep segments, manifest and the bus's socket here [default: $XDG_STATE_HOME/trine or ~/.local/state/trine]",
    parse: parse_path,
};

/// How many auth processes.
pub const AUTH: Opt<u32> = Opt {
    name: "auth",
    value: "N",
    default: None,
    range: "1 to 64",
    many: false,
    help: "Processes that answer queries, 1 to 64 [default: one a processor, at most 4]",
    parse: |text| number_within(text, 1, AUTH_MAX),
};

/// The most auth processes: each inherits every sibling's sockets, and drained slots are one bit each in 64.
pub const AUTH_MAX: u32 = 64;

/// How long a switch may take.
pub const SWITCH_TIMEOUT: Opt<Duration> = Opt {
    name: "switch-timeout",
    value: "TIME",
    default: Some("5s"),
    range: "100ms to 1h",
    many: false,
    help: "Kill a reader that has not acknowledged a new generation within this time, 100ms to 1h",
    parse: parse_timeout,
};

/// How long a release may take.
pub const RELEASE_TIMEOUT: Opt<Duration> = Opt {
    name: "release-timeout",
    value: "TIME",
    default: Some("60s"),
    range: "100ms to 1h",
    many: false,
    help: "Kill a reader that still holds a followed generation after this time, 100ms to 1h",
    parse: parse_timeout,
};

/// How long a thread may stand still.
pub const STALL_TIMEOUT: Opt<Duration> = Opt {
    name: "stall-timeout",
    value: "TIME",
    default: Some("10s"),
    range: "100ms to 1h",
    many: false,
    help: "Kill a reader of which a query thread stands still with work waiting for this time, 100ms to 1h",
    parse: parse_timeout,
};

/// Who else may connect to the bus.
pub const BUS_ALLOW: Opt<String> = Opt {
    name: "bus-allow",
    value: "USER",
    default: None,
    range: "a user's name or number",
    many: true,
    help: "Let this user's processes connect to the bus, besides root's and the server's own; may be given more than once",
    parse: |text| Ok(text.to_owned()),
};

/// What `trine serve` was told.
#[derive(Clone, Debug)]
pub struct Serve {
    /// [`ZONES`].
    pub zones: PathBuf,
    /// [`WATCH`].
    pub watch: bool,
    /// [`ZONEMD`].
    pub zonemd: bool,
    /// [`LISTEN`]; empty when not given.
    pub listen: Vec<SocketAddr>,
    /// [`STATE`].
    pub state: PathBuf,
    /// [`AUTH`].
    pub auth: u32,
    /// [`SWITCH_TIMEOUT`].
    pub switch_timeout: Duration,
    /// [`RELEASE_TIMEOUT`].
    pub release_timeout: Duration,
    /// [`STALL_TIMEOUT`].
    pub stall_timeout: Duration,
    /// [`BUS_ALLOW`], as given.
    pub bus_allow: Vec<String>,
}

impl Serve {
    /// Adds the options to a command.
    pub fn declare(command: Command) -> Command {
        command
            .arg(ZONES.argument().required(true))
            .arg(WATCH.argument())
            .arg(ZONEMD.argument())
            .arg(LISTEN.argument())
            .arg(STATE.argument())
            .arg(AUTH.argument())
            .arg(SWITCH_TIMEOUT.argument())
            .arg(RELEASE_TIMEOUT.argument())
            .arg(STALL_TIMEOUT.argument())
            .arg(BUS_ALLOW.argument())
    }

    /// Takes the values from a command declared by [`declare`](Self::declare).
    ///
    /// # Errors
    ///
    /// [`MissingOption`] when an option has neither a value nor a default.
    pub fn from_matches(matches: &ArgMatches) -> Result<Self, MissingOption> {
        Ok(Serve {
            zones: ZONES.value(matches)?,
            watch: WATCH.is_given(matches),
            zonemd: ZONEMD.is_given(matches),
            listen: LISTEN.values(matches),
            state: state_directory(matches)?,
            auth: AUTH.value(matches).unwrap_or_else(|_| default_auth()),
            switch_timeout: SWITCH_TIMEOUT.value(matches)?,
            release_timeout: RELEASE_TIMEOUT.value(matches)?,
            stall_timeout: STALL_TIMEOUT.value(matches)?,
            bus_allow: BUS_ALLOW.values(matches),
        })
    }
}

/// The state directory given, or the user's own.
///
/// # Errors
///
/// [`MissingOption`] when none is given and neither `XDG_STATE_HOME` nor `HOME` is set.
pub fn state_directory(matches: &ArgMatches) -> Result<PathBuf, MissingOption> {
    if let Ok(given) = STATE.value(matches) {
        return Ok(given);
    }
    let absolute = |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|base| base.join("trine"))
        .ok_or(MissingOption { name: STATE.name })
}

/// One auth process a processor, at most four: more only take turns on what one core's kernel path leaves.
fn default_auth() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get());
    u32::try_from(processors.min(4)).unwrap_or(1)
}

impl<T: Clone + Send + Sync + 'static> Opt<T> {
    /// The command-line argument.
    pub fn argument(&self) -> Arg {
        let argument = Arg::new(self.name)
            .long(self.name)
            .value_name(self.value)
            .help(self.help)
            .value_parser(self.parse)
            .action(if self.many { ArgAction::Append } else { ArgAction::Set });
        match self.default {
            Some(default) => argument.default_value(default),
            None => argument,
        }
    }

    /// The value given, or the default.
    ///
    /// # Errors
    ///
    /// [`MissingOption`] when there is neither.
    pub fn value(&self, matches: &ArgMatches) -> Result<T, MissingOption> {
        matches.try_get_one::<T>(self.name).ok().flatten().cloned().ok_or(MissingOption { name: self.name })
    }

    /// Every value given, in order.
    pub fn values(&self, matches: &ArgMatches) -> Vec<T> {
        matches.try_get_many::<T>(self.name).ok().flatten().into_iter().flatten().cloned().collect()
    }
}

/// An option that is needed and has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingOption {
    /// Its name.
    pub name: &'static str,
}

impl fmt::Display for MissingOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--{} is needed and was not given", self.name)
    }
}

impl std::error::Error for MissingOption {}

/// Takes any path but the empty one.
fn parse_path(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        return Err("expected a path, found nothing".to_owned());
    }
    Ok(PathBuf::from(text))
}

/// A duration within the range of every deadline.
fn parse_timeout(text: &str) -> Result<Duration, String> {
    let value = duration::parse(text).map_err(|error| error.to_string())?;
    if value < TIMEOUT_MIN || value > TIMEOUT_MAX {
        return Err(format!("expected 100ms to 1h, found {text}"));
    }
    Ok(value)
}

/// Shorter deadlines would kill readers for the scheduler's sake.
pub const TIMEOUT_MIN: Duration = Duration::from_millis(100);

/// Longer deadlines are no deadlines.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(3600);

/// A whole number within bounds.
fn number_within(text: &str, min: u32, max: u32) -> Result<u32, String> {
    match text.parse() {
        Ok(value) if (min..=max).contains(&value) => Ok(value),
        _ => Err(format!("expected a whole number from {min} to {max}, found {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses a command line of `serve`.
    fn serve(arguments: &[&str]) -> Result<Serve, String> {
        let command = Serve::declare(Command::new("serve"));
        let matches = command.try_get_matches_from([&["serve"], arguments].concat()).map_err(|e| e.to_string())?;
        Serve::from_matches(&matches).map_err(|e| e.to_string())
    }

    #[test]
    fn defaults_stand_where_nothing_is_given() {
        let serve = serve(&["--zones", "z", "--state", "s"]).unwrap();
        assert_eq!(serve.switch_timeout, Duration::from_secs(5));
        assert_eq!(serve.release_timeout, Duration::from_secs(60));
        assert_eq!(serve.stall_timeout, Duration::from_secs(10));
        assert!((1..=4).contains(&serve.auth));
        assert!(serve.listen.is_empty());
        assert!(!serve.watch);
    }

    #[test]
    fn values_out_of_range_are_refused_with_the_range() {
        for (flag, value, says) in [
            ("--auth", "0", "from 1 to 64"),
            ("--auth", "65", "from 1 to 64"),
            ("--switch-timeout", "1ms", "100ms to 1h"),
            ("--stall-timeout", "2h", "100ms to 1h"),
            ("--listen", "localhost", "ADDRESS:PORT"),
        ] {
            let error = serve(&["--zones", "z", flag, value]).unwrap_err();
            assert!(error.contains(says), "{flag} {value}: {error}");
        }
    }

    #[test]
    fn every_default_is_in_its_own_range() {
        for option in [SWITCH_TIMEOUT, RELEASE_TIMEOUT, STALL_TIMEOUT] {
            assert!((option.parse)(option.default.unwrap()).is_ok());
        }
    }
}
