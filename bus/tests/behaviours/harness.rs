//! A broker in a thread of its own, so that tests may block: [`Bus`].

use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bus::listen::ListenError;
use bus::{Broker, BrokerHandle, BrokerOptions, Client, Incoming};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// How long anything may take before a test fails; never how long a test waits for nothing to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running broker.
pub(crate) struct Bus {
    /// Its socket file.
    pub(crate) path: PathBuf,
    /// Its process's own view.
    pub(crate) handle: BrokerHandle,
    /// What it logged.
    log: Log,
    /// Ends it.
    stop: Option<oneshot::Sender<()>>,
    /// Where it runs.
    thread: Option<thread::JoinHandle<()>>,
    /// Where its socket is.
    _directory: Option<TempDir>,
}

impl Bus {
    /// A broker with the usual options.
    pub(crate) fn start() -> Self {
        Self::start_with(BrokerOptions::default())
    }

    /// A broker with these options.
    pub(crate) fn start_with(options: BrokerOptions) -> Self {
        let directory = TempDir::new().unwrap();
        let mut bus = Self::start_at(&directory.path().join("bus.sock"), options);
        bus._directory = Some(directory);
        bus
    }

    /// A broker with its socket at `path`.
    pub(crate) fn start_at(path: &Path, options: BrokerOptions) -> Self {
        let socket = listen_once_free(path);
        let (broker, handle) = Broker::new(socket, options);
        let (stop, stopped) = oneshot::channel();
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer({
            let log = log.clone();
            move || log.clone()
        });
        let subscriber = subscriber.finish();
        let thread = thread::spawn(move || {
            let _logging = tracing::subscriber::set_default(subscriber);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    error = broker.run() => panic!("the broker ended: {error}"),
                    _ = stopped => {}
                }
            });
        });
        Self { path: path.to_owned(), handle, log, stop: Some(stop), thread: Some(thread), _directory: None }
    }

    /// A connected client.
    pub(crate) async fn client(&self, name: &str) -> (Client, Incoming) {
        soon(Client::connect(&self.path, name)).await.unwrap()
    }

    /// Waits until the log has a line with all of `parts`.
    pub(crate) async fn logged(&self, parts: &[&str]) {
        until(|| {
            let log = String::from_utf8_lossy(&self.log.0.lock().unwrap()).into_owned();
            log.lines().any(|line| parts.iter().all(|part| line.contains(part)))
        })
        .await;
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !thread::panicking()
        {
            panic!("the broker's thread panicked");
        }
    }
}

/// Listens at `path`. A process that another test starts holds this one's descriptors from its fork to its exec, the
/// listening socket of a broker that has ended among them, so a path that was in use may be so for a moment longer.
fn listen_once_free(path: &Path) -> OwnedFd {
    let started = Instant::now();
    loop {
        match bus::listen::listen(path, 0o666) {
            Err(ListenError::InUse { .. }) if started.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(2)),
            socket => return socket.unwrap(),
        }
    }
}

/// What a broker logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Waits for something that has to happen.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it did not happen")
}

/// Waits until `condition` holds.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    soon(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// Says that a test cannot run here: loudly, and on the list that `.ci/run` prints.
pub(crate) fn skip(test: &str, reason: &str) {
    eprintln!("SKIPPED {test}: {reason}");
    // The executable is TARGET/debug/deps/NAME.
    let executable = std::env::current_exe().unwrap();
    let target = executable.ancestors().nth(3).unwrap();
    let list = std::fs::OpenOptions::new().create(true).append(true).open(target.join("skipped.txt"));
    writeln!(list.unwrap(), "{test}: {reason}").unwrap();
}

/// How many descriptors this process has open.
pub(crate) fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
