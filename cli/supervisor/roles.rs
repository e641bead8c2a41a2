//! The table of roles: what each process is given when it starts.

use std::collections::BTreeSet;
use std::io;
use std::mem::ManuallyDrop;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bus::listen::ListenError;
use config::options::Serve;
use config::process::{
    AnswerOptions, AuthDescriptors, AuthOptions, MemmgrDescriptors, MemmgrOptions, Start, TcpOptions,
};
use consumers::progress::{ProgressTable, ProgressView};

use super::child::{self, SpawnError, Started};
use super::lock::StateLock;
use super::sockets::Sockets;
use super::{ServeError, narrow};

/// The bus's socket in the state directory.
pub(crate) const BUS_SOCKET: &str = "bus.sock";

/// The socket's mode: anybody may knock; the broker asks the kernel who it is before it reads a message.
const BUS_MODE: u32 = 0o666;

/// Everything that outlives the processes.
#[derive(Debug)]
pub(crate) struct Setup {
    /// Ours alone until the process ends, and not a moment less: who waits for the lock waits for that.
    _lock: ManuallyDrop<StateLock>,
    /// Where queries arrive.
    pub(crate) sockets: Sockets,
    /// One line for each query thread.
    pub(crate) progress: ProgressView,
    /// The table's descriptor.
    progress_fd: OwnedFd,
    /// The bus's listening socket.
    bus: OwnedFd,
    /// The bus's socket file.
    bus_path: PathBuf,
    /// memmgr's part.
    memmgr: MemmgrOptions,
    /// How long memmgr may be silent.
    pub(crate) stall_timeout: Duration,
}

impl Setup {
    /// Takes the state directory and opens every socket.
    ///
    /// # Errors
    ///
    /// [`ServeError`]: somebody else has one of them, or the system refuses.
    pub(crate) fn open(options: &Serve) -> Result<Self, ServeError> {
        let lock = StateLock::take(&options.state).map_err(ServeError::Lock)?;
        let state = options.state.canonicalize().map_err(io_error("resolving the state directory"))?;
        let zones = std::path::absolute(&options.zones).map_err(io_error("resolving the zone directory"))?;
        let bus_allow = options.bus_allow.iter().map(|user| user_number(user)).collect::<Result<Vec<u32>, _>>()?;
        refuse_twice(&options.listen)?;
        let sockets = Sockets::open(&options.listen, options.auth as usize).map_err(ServeError::Listen)?;
        let (progress_fd, progress) = ProgressTable::create(options.auth as usize).map_err(ServeError::Progress)?;
        let bus_path = state.join(BUS_SOCKET);
        let bus = listen_after(&bus_path).map_err(ServeError::Bus)?;
        tracing::info!(addresses = ?sockets.addresses, receive_buffer = sockets.receive_buffer, "listening");
        let milliseconds = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let memmgr = MemmgrOptions {
            zones,
            watch: options.watch,
            zonemd: options.zonemd,
            state,
            auth: options.auth,
            switch_timeout_ms: milliseconds(options.switch_timeout),
            release_timeout_ms: milliseconds(options.release_timeout),
            stall_timeout_ms: milliseconds(options.stall_timeout),
            bus_allow,
            listen: sockets.addresses.clone(),
            supervisor_pid: std::process::id().cast_signed(),
        };
        let stall_timeout = options.stall_timeout;
        let lock = ManuallyDrop::new(lock);
        Ok(Setup { _lock: lock, sockets, progress, progress_fd, bus, bus_path, memmgr, stall_timeout })
    }

    /// Starts memmgr.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] with the step.
    pub(crate) fn start_memmgr(&self) -> Result<Started, SpawnError> {
        child::spawn("memmgr", |descriptors, supervisor| {
            let bus = descriptors.add(self.bus.as_fd())?;
            Ok(Start::Memmgr { options: self.memmgr.clone(), descriptors: MemmgrDescriptors { supervisor, bus } })
        })
    }

    /// Starts the auth process of a slot.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] with the step.
    pub(crate) fn start_auth(&self, slot: usize) -> Result<Started, SpawnError> {
        child::spawn("auth", |descriptors, supervisor| {
            let progress = descriptors.add(self.progress_fd.as_fd())?;
            let udp = self.sockets.udp.iter().map(|sockets| descriptors.add_all(sockets));
            let udp = udp.collect::<io::Result<Vec<_>>>()?;
            let tcp = descriptors.add_all(&self.sockets.tcp)?;
            let options = AuthOptions {
                bus: self.bus_path.clone(),
                slot: narrow(slot),
                listen: self.sockets.addresses.clone(),
                answers: AnswerOptions::default(),
                tcp: TcpOptions::default(),
                rate_limit: None,
                steer_by_cpu: false,
            };
            Ok(Start::Auth { options, descriptors: AuthDescriptors { supervisor, progress, udp, tcp } })
        })
    }
}

/// Refuses an address given twice, which would be found in use by ourselves. Port 0 is another port each time.
fn refuse_twice(listen: &[SocketAddr]) -> Result<(), ServeError> {
    let mut seen = BTreeSet::new();
    match listen.iter().find(|address| address.port() != 0 && !seen.insert(**address)) {
        Some(twice) => Err(ServeError::Option {
            name: config::options::LISTEN.name,
            found: twice.to_string(),
            expected: "each address once",
        }),
        None => Ok(()),
    }
}

/// The number of a user given by name or number.
fn user_number(user: &str) -> Result<u32, ServeError> {
    if let Ok(number) = user.parse() {
        return Ok(number);
    }
    match nix::unistd::User::from_name(user) {
        Ok(Some(found)) => Ok(found.uid.as_raw()),
        _ => Err(ServeError::Option {
            name: config::options::BUS_ALLOW.name,
            found: user.to_owned(),
            expected: "a user this machine knows, or its number",
        }),
    }
}

/// Names what was being done.
fn io_error(doing: &'static str) -> impl Fn(io::Error) -> ServeError {
    move |error| ServeError::Io { doing, error }
}

/// Listens at the bus's address. The state directory is ours by now, so whoever still listens there is a server that is just ending: the
/// system lets go of what a killed process held one after the other.
fn listen_after(path: &Path) -> Result<OwnedFd, ListenError> {
    let began = Instant::now();
    loop {
        match bus::listen::listen(path, BUS_MODE) {
            Err(ListenError::InUse { .. }) if began.elapsed() < ENDING_MAX => std::thread::sleep(ENDING_CHECK),
            listening => return listening,
        }
    }
}

/// How long a process that was killed may take to let go of what it held.
const ENDING_MAX: Duration = Duration::from_millis(500);

/// How often that is looked at.
const ENDING_CHECK: Duration = Duration::from_millis(5);
