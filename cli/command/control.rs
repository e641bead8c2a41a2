//! Asking a running server: over its bus, as any program can.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bus::protocol::MEMMGR_GROUP;
use bus::protocol::control::{Command as Ask, CommandError, Reached};
use bus::{Client, Recipient, RequestError};
use clap::{Arg, ArgMatches, Command};
use config::declaration::{Declaration, Kind, Opt, Preset};
use config::options::{CONFIG, STATE};
use config::serve::state_directory;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::exit::Exit;
use crate::supervisor::{Chain, lock};

/// What a command calls itself on the bus.
const BUS_NAME: &str = "trine";

/// How long an answer is waited for, unless another time is given.
const TIMEOUT: Opt<Duration> = Opt {
    declaration: Declaration {
        name: Some("timeout"),
        key: None,
        kind: Kind::Text,
        value: "TIME",
        preset: Preset::Value("60s"),
        range: "1ms to 24h",
        many: false,
        help: "Wait at most this long for the answer",
    },
    parse: |text| match config::duration::parse(text) {
        Ok(time) if (Duration::from_millis(1)..=Duration::from_secs(86_400)).contains(&time) => Ok(time),
        Ok(_) => Err(format!("expected 1ms to 24h, found {text}")),
        Err(error) => Err(error.to_string()),
    },
};

/// Adds what every command to a running server takes.
pub(super) fn declare(command: Command) -> Command {
    command
        .arg(CONFIG.argument().help("The server's configuration file, for its state directory"))
        .arg(STATE.argument().help("The server's state directory [default: as for `trine serve`]"))
        .arg(TIMEOUT.argument())
}

/// An argument that names a zone.
pub(super) fn zone_argument() -> Arg {
    Arg::new("zone").value_name("ZONE").help("The zone's name")
}

/// How far a generation has to come before a command ends; the name of the argument for it.
pub(super) fn wait_argument(name: &'static str) -> Arg {
    Arg::new(REACHED)
        .long(name)
        .value_name("STATE")
        .value_parser(["built", "visible", "durable"])
        .default_value("visible")
        .help("Wait until it is built, visible in every process, or besides durable: a power cut does not take it back")
}

/// What [`wait_argument`] is found by.
const REACHED: &str = "reached";

/// What was asked for by it.
pub(super) fn wait(matches: &ArgMatches) -> Reached {
    match matches.get_one::<String>(REACHED).map(String::as_str) {
        Some("built") => Reached::Built,
        Some("durable") => Reached::Durable,
        _ => Reached::Visible,
    }
}

/// A connection to a running server.
pub(super) struct Server {
    /// Its state directory.
    state: PathBuf,
    /// Runs the connection.
    runtime: Runtime,
    /// The connection.
    pub(super) client: Client,
    /// How long an answer is waited for.
    timeout: Duration,
}

impl Server {
    /// Connects.
    ///
    /// # Errors
    ///
    /// [`ServerError`], which has its exit code.
    pub(super) fn connect(matches: &ArgMatches) -> Result<Self, ServerError> {
        let file = super::config::read_given(matches).map_err(|text| ServerError::Usage { text })?;
        let state = state_directory(matches, file.as_ref());
        let state = state.map_err(|error| ServerError::Usage { text: error.to_string() })?;
        let timeout = TIMEOUT.value(matches).map_err(|error| ServerError::Usage { text: error.to_string() })?;
        if !lock::is_held(&state) {
            return Err(ServerError::NotRunning { state });
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| ServerError::Usage { text: error.to_string() })?;
        let path = state.join(crate::supervisor::BUS_SOCKET);
        let connected = runtime.block_on(Client::connect_within(&path, BUS_NAME, timeout));
        // Nothing is expected that was not asked for.
        let (client, _) = connected.map_err(|error| ServerError::Connect { path, text: Chain(&error).to_string() })?;
        Ok(Server { state, runtime, client, timeout })
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    ///
    /// [`ServerError`]: no answer, or a refusal.
    pub(super) fn ask<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, ServerError> {
        let to = Recipient::Group(MEMMGR_GROUP);
        let request = self.client.request(&to, ask, &[], self.timeout);
        let reply = self.runtime.block_on(request).map_err(|error| {
            let has_had_it = matches!(error, RequestError::DeadlinePassed { .. } | RequestError::CalleeGone { .. });
            ServerError::Request { error, may_be_done: has_had_it && changes_zones(ask) }
        })?;
        if let Ok(refused) = reply.parse::<CommandError>() {
            return Err(ServerError::Refused { text: refused.error });
        }
        reply.parse().map_err(|error| ServerError::Answer { error })
    }

    /// Runs something on the connection.
    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// The server's state directory.
    pub(super) fn state(&self) -> &std::path::Path {
        &self.state
    }
}

/// Whether a command changes what is served.
fn changes_zones(ask: &Ask) -> bool {
    matches!(
        ask,
        Ask::UpdateZone { .. }
            | Ask::Rollback { .. }
            | Ask::Reload { .. }
            | Ask::ExpireZone { .. }
            | Ask::RefreshZone { .. }
    )
}

/// Connects, asks, and hands the answer on.
pub(super) fn ask_and<T: DeserializeOwned>(matches: &ArgMatches, ask: &Ask, then: impl FnOnce(T) -> Exit) -> Exit {
    match Server::connect(matches).and_then(|server| server.ask(ask)) {
        Ok(answer) => then(answer),
        Err(error) => error.report(),
    }
}

/// A server that does not answer as asked.
#[derive(Debug)]
pub(super) enum ServerError {
    /// The command line, or this machine, does not allow to ask.
    Usage {
        /// Why.
        text: String,
    },
    /// No server runs.
    NotRunning {
        /// On this state directory.
        state: PathBuf,
    },
    /// A server runs and can't be connected to.
    Connect {
        /// At this socket.
        path: PathBuf,
        /// Why.
        text: String,
    },
    /// The request had no reply.
    Request {
        /// Why.
        error: RequestError,
        /// Whether what was asked for may be done all the same.
        may_be_done: bool,
    },
    /// The reply was a refusal.
    Refused {
        /// Why.
        text: String,
    },
    /// The reply is not what it should be.
    Answer {
        /// Where it departs.
        error: serde_json::Error,
    },
}

impl ServerError {
    /// Says it on standard error; the exit code that goes with it.
    pub(super) fn report(&self) -> Exit {
        eprintln!("trine: {self}");
        match self {
            Self::Usage { .. } => Exit::Usage,
            Self::NotRunning { .. } => Exit::NoServer,
            Self::Connect { .. } | Self::Request { .. } | Self::Refused { .. } | Self::Answer { .. } => Exit::Failed,
        }
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage { text } | Self::Refused { text } => f.write_str(text),
            Self::NotRunning { state } => {
                write!(f, "no server runs on the state directory {}; start one with `trine serve`", state.display())
            }
            Self::Connect { path, text } => write!(f, "connecting to {}: {text}", path.display()),
            Self::Request { error, may_be_done: false } => write!(f, "asking the server: {}", Chain(error)),
            Self::Request { error, may_be_done: true } => {
                let remedy = "`trine zone list` shows the serial; look before you ask again";
                write!(
                    f,
                    "asking the server: {}; what was asked for may be done all the same, now or later: {remedy}",
                    Chain(error)
                )
            }
            Self::Answer { error } => write!(f, "reading the server's answer: {error}"),
        }
    }
}
