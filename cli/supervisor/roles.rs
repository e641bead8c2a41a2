//! The table of roles: what each process is given when it starts.

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use bus::listen::ListenError;
use config::process::{
    AnswerOptions, AuthDescriptors, AuthOptions, MemmgrDescriptors, MemmgrOptions, Start, TlsOptions,
    XfroutDescriptors, XfroutOptions,
};
use config::secret::{COOKIE_SECRET_OCTETS, CookieSecret};
use config::serve::{Serve, milliseconds};
use consumers::progress::{ProgressTable, ProgressView};
use rustix::rand::{GetRandomFlags, getrandom};

use super::child::{self, SpawnError, Started};
use super::lock::StateLock;
use super::sockets::{SocketOptions, Sockets};
use super::{ServeError, narrow};

/// The bus's socket in the state directory.
pub(crate) const BUS_SOCKET: &str = "bus.sock";

/// The socket's mode: anybody may knock; the broker asks the kernel who it is before it reads a message.
const BUS_MODE: u32 = 0o666;

/// The socket in the state directory at which auth processes hand connections to xfrout.
const XFROUT_SOCKET: &str = "xfrout.sock";

/// The mode of that socket: the server's own processes, which are of one user.
const XFROUT_MODE: u32 = 0o600;

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
    /// The listening socket at which connections are handed to xfrout.
    xfrout_link: OwnedFd,
    /// memmgr's part.
    memmgr: MemmgrOptions,
    /// An auth process's part, but for its slot.
    auth: AuthOptions,
    /// Xfrout's part.
    xfrout: XfroutOptions,
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
        let answers = answers_of(options)?;
        let opening = SocketOptions {
            slots: options.auth as usize,
            steer_by_cpu: options.steer_by_cpu,
            fast_open: options.tcp.fast_open,
        };
        let tls = tls_of(options)?;
        let mut sockets = Sockets::open(&options.listen, opening).map_err(ServeError::Listen)?;
        sockets.open_tls(&options.tls_listen).map_err(ServeError::Listen)?;
        let (progress_fd, progress) = ProgressTable::create(options.auth as usize).map_err(ServeError::Progress)?;
        let bus_path = state.join(BUS_SOCKET);
        let bus = listen_after(&bus_path, BUS_MODE).map_err(ServeError::Bus)?;
        let xfrout_path = state.join(XFROUT_SOCKET);
        let xfrout_link = listen_after(&xfrout_path, XFROUT_MODE).map_err(ServeError::Bus)?;
        tracing::info!(addresses = ?sockets.addresses, tls = ?sockets.tls_addresses, receive_buffer = sockets.receive_buffer, "listening");
        let memmgr = MemmgrOptions {
            zones,
            watch: options.watch,
            zonemd: options.zonemd,
            state,
            auth: options.auth,
            switch_timeout_ms: milliseconds(options.switch_timeout),
            release_timeout_ms: milliseconds(options.release_timeout),
            lease_timeout_ms: milliseconds(options.lease_timeout),
            stall_timeout_ms: milliseconds(options.stall_timeout),
            journal_octets: options.journal_size,
            keep_generations: options.keep_generations,
            bus_allow: options.bus_allow.clone(),
            listen: sockets.addresses.clone(),
            supervisor_pid: std::process::id().cast_signed(),
            keys: options.keys.clone(),
            remotes: options.remotes.clone(),
            policies: options.policies.clone(),
        };
        let auth = AuthOptions {
            bus: bus_path.clone(),
            xfrout: xfrout_path,
            slot: 0,
            listen: sockets.addresses.clone(),
            answers,
            keys: options.keys.clone(),
            tcp: options.tcp,
            tls,
            rate_limit: options.rate_limit.as_ref().map(|all| all.share(options.auth)),
            steer_by_cpu: options.steer_by_cpu,
        };
        let xfrout = XfroutOptions {
            bus: bus_path,
            keys: options.keys.clone(),
            remotes: options.remotes.clone(),
            transfers: options.transfers,
            policies: options.policies.clone(),
        };
        let stall_timeout = options.stall_timeout;
        let lock = ManuallyDrop::new(lock);
        Ok(Setup { _lock: lock, sockets, progress, progress_fd, bus, xfrout_link, memmgr, auth, xfrout, stall_timeout })
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
            let tls = descriptors.add_all(&self.sockets.tls)?;
            let options = AuthOptions { slot: narrow(slot), ..self.auth.clone() };
            Ok(Start::Auth { options, descriptors: AuthDescriptors { supervisor, progress, udp, tcp, tls } })
        })
    }

    /// Starts xfrout.
    ///
    /// # Errors
    ///
    /// [`SpawnError`] with the step.
    pub(crate) fn start_xfrout(&self) -> Result<Started, SpawnError> {
        child::spawn("xfrout", |descriptors, supervisor| {
            let link = descriptors.add(self.xfrout_link.as_fd())?;
            Ok(Start::Xfrout { options: self.xfrout.clone(), descriptors: XfroutDescriptors { supervisor, link } })
        })
    }
}

/// What answers are like, with a secret for cookies of this start's own where none is given: a process that is replaced takes the cookies
/// of the one before it.
fn answers_of(options: &Serve) -> Result<AnswerOptions, ServeError> {
    let mut answers = options.answers.clone();
    if options.cookies && answers.cookie_secrets.is_empty() {
        answers.cookie_secrets.push(random_secret().map_err(io_error("making a secret for cookies"))?);
    }
    Ok(answers)
}

/// What is shown over TLS, if that is spoken: with files that the processes find too, and that are sound, which otherwise each of them would
/// say once more whenever it starts.
fn tls_of(options: &Serve) -> Result<Option<TlsOptions>, ServeError> {
    let Some(TlsOptions { certificate, key }) = &options.tls else { return Ok(None) };
    let absolute = |path| std::path::absolute(path).map_err(io_error("resolving the files of the certificate"));
    let found = TlsOptions { certificate: absolute(certificate)?, key: absolute(key)? };
    consumers::auth::tls::check(&found).map_err(ServeError::Certificate)?;
    Ok(Some(found))
}

/// A secret nobody knows.
fn random_secret() -> io::Result<CookieSecret> {
    let mut octets = [0; COOKIE_SECRET_OCTETS];
    let mut filled = 0;
    while filled < octets.len() {
        // So few octets come at once, or not at all.
        filled += getrandom(octets.get_mut(filled..).unwrap_or_default(), GetRandomFlags::empty())?;
    }
    Ok(CookieSecret(octets))
}

/// Names what was being done.
fn io_error(doing: &'static str) -> impl Fn(io::Error) -> ServeError {
    move |error| ServeError::Io { doing, error }
}

/// Listens at a socket file. The state directory is ours by now, so whoever still listens there is a server that is just ending: the
/// system lets go of what a killed process held one after the other.
fn listen_after(path: &Path, mode: u32) -> Result<OwnedFd, ListenError> {
    let began = Instant::now();
    loop {
        match bus::listen::listen(path, mode) {
            Err(ListenError::InUse { .. }) if began.elapsed() < ENDING_MAX => std::thread::sleep(ENDING_CHECK),
            listening => return listening,
        }
    }
}

/// How long a process that was killed may take to let go of what it held.
const ENDING_MAX: Duration = Duration::from_secs(5);

/// How often that is looked at.
const ENDING_CHECK: Duration = Duration::from_millis(5);
