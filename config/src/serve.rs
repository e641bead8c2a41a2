//! What `trine serve` is told, by its command line, its configuration file and the defaults, in this order.
//!
//! Read [`Serve`] first.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgMatches, Command};

use crate::declaration::{MissingOption, Opt};
use crate::file::File;
use crate::listen::{Overlap, overlap};
use crate::options::{self, RATE_LIMIT_TABLE};
use crate::peers::{Key, Remote, TransferOptions};
use crate::policy::Zones;
use crate::process::{AnswerOptions, RateLimitOptions, TcpOptions, TlsOptions};

/// What `trine serve` was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serve {
    /// [`options::ZONES`].
    pub zones: PathBuf,
    /// [`options::WATCH`].
    pub watch: bool,
    /// [`options::ZONEMD`].
    pub zonemd: bool,
    /// [`options::LISTEN`]; empty when not given.
    pub listen: Vec<SocketAddr>,
    /// [`options::STATE`].
    pub state: PathBuf,
    /// [`options::AUTH`].
    pub auth: u32,
    /// [`options::STEER_BY_CPU`].
    pub steer_by_cpu: bool,
    /// [`options::SWITCH_TIMEOUT`].
    pub switch_timeout: Duration,
    /// [`options::RELEASE_TIMEOUT`].
    pub release_timeout: Duration,
    /// [`options::LEASE_TIMEOUT`].
    pub lease_timeout: Duration,
    /// [`options::STALL_TIMEOUT`].
    pub stall_timeout: Duration,
    /// [`options::JOURNAL_SIZE`].
    pub journal_size: u64,
    /// [`options::KEEP_GENERATIONS`].
    pub keep_generations: u32,
    /// [`options::BUS_ALLOW`].
    pub bus_allow: Vec<u32>,
    /// What answers are like. Its cookie secrets are those of the file alone.
    pub answers: AnswerOptions,
    /// [`options::COOKIES`]; without secrets in `answers`, one has to be made.
    pub cookies: bool,
    /// Queries over TCP.
    pub tcp: TcpOptions,
    /// [`options::TLS_LISTEN`].
    pub tls_listen: Vec<SocketAddr>,
    /// What is shown there; `None` without such an address.
    pub tls: Option<TlsOptions>,
    /// Response rate limiting, of all auth processes together.
    pub rate_limit: Option<RateLimitOptions>,
    /// Keys shared with other servers.
    pub keys: Vec<Key>,
    /// Other servers.
    pub remotes: Vec<Remote>,
    /// Zones given away.
    pub transfers: TransferOptions,
    /// Who may have, change and announce which zone, and where it comes from.
    pub policies: Zones,
}

impl Serve {
    /// Adds the options to a command.
    pub fn declare(command: Command) -> Command {
        command
            .arg(options::CONFIG.argument())
            .arg(options::ZONES.argument())
            .arg(options::WATCH.argument())
            .arg(options::ZONEMD.argument())
            .arg(options::LISTEN.argument())
            .arg(options::STATE.argument())
            .arg(options::AUTH.argument())
            .arg(options::SWITCH_TIMEOUT.argument())
            .arg(options::RELEASE_TIMEOUT.argument())
            .arg(options::LEASE_TIMEOUT.argument())
            .arg(options::STALL_TIMEOUT.argument())
            .arg(options::JOURNAL_SIZE.argument())
            .arg(options::KEEP_GENERATIONS.argument())
            .arg(options::BUS_ALLOW.argument())
    }

    /// Takes the values from a command declared by [`declare`](Self::declare), and from a file for what the command leaves out.
    ///
    /// # Errors
    ///
    /// [`ServeOptionsError`] when an option has neither a value nor a default, or addresses to listen at exclude each other.
    pub fn gather(matches: &ArgMatches, file: Option<&File>) -> Result<Self, ServeOptionsError> {
        let from = Sources { matches, file };
        let listen = from.all(&options::LISTEN);
        overlap(&listen).map_or(Ok(()), Err)?;
        Ok(Serve {
            zones: from.one(&options::ZONES)?,
            watch: from.one(&options::WATCH)?,
            zonemd: from.one(&options::ZONEMD)?,
            listen,
            state: match from.any(&options::STATE) {
                Some(given) => given,
                None => default_state()?,
            },
            auth: from.any(&options::AUTH).unwrap_or_else(default_auth),
            steer_by_cpu: from.one(&options::STEER_BY_CPU)?,
            switch_timeout: from.one(&options::SWITCH_TIMEOUT)?,
            release_timeout: from.one(&options::RELEASE_TIMEOUT)?,
            lease_timeout: from.one(&options::LEASE_TIMEOUT)?,
            stall_timeout: from.one(&options::STALL_TIMEOUT)?,
            journal_size: from.one(&options::JOURNAL_SIZE)?,
            keep_generations: from.one(&options::KEEP_GENERATIONS)?,
            bus_allow: from.all(&options::BUS_ALLOW),
            answers: from.answers()?,
            cookies: from.one(&options::COOKIES)?,
            tcp: from.tcp()?,
            tls_listen: from.all(&options::TLS_LISTEN),
            tls: from.tls()?,
            rate_limit: from.rate_limit()?,
            keys: file.map_or_else(Vec::new, |file| file.keys().to_vec()),
            remotes: file.map_or_else(Vec::new, |file| file.remotes().to_vec()),
            transfers: from.transfers()?,
            policies: file.map_or_else(Zones::without_file, |file| file.policies().clone()),
        })
    }
}

/// The state directory given on the command line or, else, in its `--config` file or, else, the user's own.
///
/// # Errors
///
/// [`MissingOption`] when none is given and neither `XDG_STATE_HOME` nor `HOME` is set.
pub fn state_directory(matches: &ArgMatches, file: Option<&File>) -> Result<PathBuf, MissingOption> {
    let given = Sources { matches, file }.any(&options::STATE);
    given.map_or_else(default_state, Ok)
}

/// Where values come from.
#[derive(Clone, Copy)]
struct Sources<'a> {
    /// The command line.
    matches: &'a ArgMatches,
    /// The configuration file.
    file: Option<&'a File>,
}

impl Sources<'_> {
    /// Every value of an option: those of the command line; else those of the file; else the default.
    fn all<T: Clone + Send + Sync + 'static>(&self, option: &Opt<T>) -> Vec<T> {
        let given = option.on_line(self.matches).or_else(|| self.file?.values(option));
        given.unwrap_or_else(|| option.preset_value().into_iter().collect())
    }

    /// The value of an option that may have none.
    fn any<T: Clone + Send + Sync + 'static>(&self, option: &Opt<T>) -> Option<T> {
        self.all(option).pop()
    }

    /// The value of an option that has to have one.
    fn one<T: Clone + Send + Sync + 'static>(&self, option: &Opt<T>) -> Result<T, MissingOption> {
        self.any(option).ok_or_else(|| option.missing())
    }

    /// What answers are like.
    fn answers(&self) -> Result<AnswerOptions, MissingOption> {
        Ok(AnswerOptions {
            udp_size_max: self.one(&options::UDP_SIZE_MAX)?,
            minimal_responses: self.one(&options::MINIMAL_RESPONSES)?,
            rotate_rrsets: self.one(&options::ROTATE_RRSETS)?,
            version: self.any(&options::VERSION),
            identity: self.any(&options::IDENTITY),
            cookie_secrets: self.file.map_or_else(Vec::new, |file| file.cookie_secrets().to_vec()),
        })
    }

    /// Queries over TCP.
    fn tcp(&self) -> Result<TcpOptions, MissingOption> {
        Ok(TcpOptions {
            connections_max: self.one(&options::CONNECTIONS_MAX)?,
            connections_per_client_max: self.one(&options::CONNECTIONS_PER_CLIENT_MAX)?,
            idle_timeout_ms: milliseconds(self.one(&options::IDLE_TIMEOUT)?),
            write_timeout_ms: milliseconds(self.one(&options::WRITE_TIMEOUT)?),
            fast_open: self.one(&options::FAST_OPEN)?,
            pipelined_max: self.one(&options::PIPELINED_MAX)?,
        })
    }

    /// What is shown over TLS, if that is spoken.
    fn tls(&self) -> Result<Option<TlsOptions>, MissingOption> {
        if self.all(&options::TLS_LISTEN).is_empty() {
            return Ok(None);
        }
        let (certificate, key) = (self.one(&options::TLS_CERTIFICATE)?, self.one(&options::TLS_KEY)?);
        Ok(Some(TlsOptions { certificate, key }))
    }

    /// Zones given away.
    fn transfers(&self) -> Result<TransferOptions, MissingOption> {
        Ok(TransferOptions {
            connections_max: self.one(&options::TRANSFERS_MAX)?,
            connections_per_client_max: self.one(&options::TRANSFERS_PER_CLIENT_MAX)?,
            send_timeout_ms: milliseconds(self.one(&options::SEND_TIMEOUT)?),
        })
    }

    /// Response rate limiting, if the file has its table.
    fn rate_limit(&self) -> Result<Option<RateLimitOptions>, MissingOption> {
        if !self.file.is_some_and(|file| file.has_table(RATE_LIMIT_TABLE)) {
            return Ok(None);
        }
        Ok(Some(RateLimitOptions {
            responses_per_second: self.one(&options::RESPONSES_PER_SECOND)?,
            errors_per_second: self.one(&options::ERRORS_PER_SECOND)?,
            nxdomains_per_second: self.one(&options::NXDOMAINS_PER_SECOND)?,
            slip: self.one(&options::SLIP)?,
            ipv4_prefix: self.one(&options::IPV4_PREFIX)?,
            ipv6_prefix: self.one(&options::IPV6_PREFIX)?,
            table_octets: self.one(&options::TABLE_SIZE)?,
            exempt: self.all(&options::EXEMPT),
            processes: 1,
        }))
    }
}

/// The user's own state directory.
fn default_state() -> Result<PathBuf, MissingOption> {
    let absolute = |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|base| base.join("trine"))
        .ok_or_else(|| options::STATE.missing())
}

/// One auth process a processor, at most four: more only take turns on what one core's kernel path leaves.
fn default_auth() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get());
    u32::try_from(processors.min(4)).unwrap_or(1)
}

/// A duration as processes are told it.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What was told does not make a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ServeOptionsError {
    /// An option that is needed has no value.
    Missing(MissingOption),
    /// Two addresses exclude each other.
    Listen(Overlap),
}

impl From<MissingOption> for ServeOptionsError {
    fn from(error: MissingOption) -> Self {
        Self::Missing(error)
    }
}

impl From<Overlap> for ServeOptionsError {
    fn from(error: Overlap) -> Self {
        Self::Listen(error)
    }
}

impl fmt::Display for ServeOptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(error) => error.fmt(f),
            Self::Listen(error) => write!(f, "--listen: {error}"),
        }
    }
}

impl std::error::Error for ServeOptionsError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses a command line of `serve`, with a file.
    fn serve(arguments: &[&str], file: Option<&File>) -> Result<Serve, String> {
        let command = Serve::declare(Command::new("serve"));
        let matches = command.try_get_matches_from([&["serve"], arguments].concat()).map_err(|e| e.to_string())?;
        Serve::gather(&matches, file).map_err(|e| e.to_string())
    }

    #[test]
    fn defaults_stand_where_nothing_is_given() {
        let serve = serve(&["--zones", "z", "--state", "s"], None).unwrap();
        assert_eq!(serve.switch_timeout, Duration::from_secs(5));
        assert_eq!(serve.release_timeout, Duration::from_secs(60));
        assert_eq!(serve.lease_timeout, Duration::from_secs(60));
        assert_eq!(serve.stall_timeout, Duration::from_secs(10));
        assert_eq!((serve.journal_size, serve.keep_generations), (64 << 20, 0));
        assert!((1..=4).contains(&serve.auth));
        assert!(serve.listen.is_empty() && !serve.watch && !serve.steer_by_cpu && serve.cookies);
        // The declarations' texts and the values by name.
        assert_eq!(serve.answers, AnswerOptions::default());
        assert_eq!(serve.tcp, TcpOptions::default());
        assert_eq!((serve.rate_limit, serve.transfers), (None, TransferOptions::default()));
        assert_eq!((serve.tls_listen.len(), serve.tls), (0, None));
        assert_eq!((serve.policies, serve.keys.len(), serve.remotes.len()), (Zones::without_file(), 0, 0));
    }

    #[test]
    fn values_out_of_range_are_refused_with_the_range() {
        for (flag, value, says) in [
            ("--auth", "0", "from 1 to 64"),
            ("--switch-timeout", "1ms", "100ms to 1h"),
            ("--listen", "localhost", "ADDRESS:PORT"),
        ] {
            let error = serve(&["--zones", "z", flag, value], None).unwrap_err();
            assert!(error.contains(says), "{flag} {value}: {error}");
        }
    }

    #[test]
    fn zones_are_needed_and_addresses_may_not_exclude_each_other() {
        let error = serve(&["--state", "s"], None).unwrap_err();
        assert!(error.contains("--zones DIR") && error.contains("directory in [zones]"), "{error}");
        let error = serve(&["--zones", "z", "--listen", "192.0.2.1:53", "--listen", "0.0.0.0:53"], None).unwrap_err();
        assert!(error.contains("192.0.2.1:53") && error.contains("0.0.0.0:53"), "{error}");
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let text = "version = 1\n[server]\nlisten = '127.0.0.1:1'\nauth = 3\n[zones]\ndirectory = 'of-file'\nwatch = true\n\
                    [memmgr]\nstall-timeout = '7s'\nswitch-timeout = '8s'\n[auth]\nversion = false\nidentity = 'here'\n[auth.rate-limit]\n";
        let file = File::parse("/etc/trine.toml".as_ref(), text).unwrap();
        let both = serve(&["--auth", "2", "--listen", "127.0.0.1:2", "--stall-timeout", "10s"], Some(&file)).unwrap();
        assert_eq!((both.auth, both.listen[0].port()), (2, 2));
        // A default that is given is given.
        assert_eq!((both.stall_timeout, both.switch_timeout), (Duration::from_secs(10), Duration::from_secs(8)));
        assert_eq!(both.zones, PathBuf::from("/etc/of-file"));
        assert!(both.watch);
        assert_eq!((both.answers.version, both.answers.identity.as_deref()), (None, Some("here")));
        assert_eq!(both.rate_limit, Some(RateLimitOptions::default()));
        // Nobody may have a zone of whom the file says nothing.
        assert_eq!(both.policies, Zones::default());
    }
}
