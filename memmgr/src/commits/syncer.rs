//! Waiting for the disk beside the service: [`Syncer`].
//!
//! One thread syncs for whoever waits. While it does, requests gather; the next sync is for all of them together. So how many generations a
//! second become durable does not depend on how long a sync takes, and nothing of it is in anybody's loop.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

use tokio::sync::watch;

use super::error::LogError;
use super::sync::LogSync;

/// How far the disk is.
#[derive(Clone, Debug, Default)]
pub struct Durable {
    /// The highest generation that a power cut does not take back, with all before it.
    pub generation: u64,
    /// Why later ones are not, and can't be by the log that they are in: the next manifest will bring them.
    pub failed: Option<Arc<LogError>>,
}

/// The thread that syncs.
#[derive(Debug)]
pub struct Syncer {
    /// What it is asked; it ends when this is dropped.
    requests: Option<Sender<Request>>,
    /// What it says.
    durable: watch::Receiver<Durable>,
    /// The thread.
    thread: Option<JoinHandle<()>>,
}

/// What the thread is asked.
#[derive(Debug)]
enum Request {
    /// To sync a log in which this generation stands.
    Sync(LogSync, u64),
    /// To note that a manifest has this generation, and it is on the disk.
    Saved(u64),
}

impl Syncer {
    /// Starts the thread. The generation is one that is durable.
    ///
    /// # Errors
    ///
    /// The system refused a thread.
    pub fn start(generation: u64) -> io::Result<Syncer> {
        let (requests, asked) = channel();
        let (said, durable) = watch::channel(Durable { generation, failed: None });
        let thread = Builder::new().name("commit-sync".into()).spawn(move || run(&asked, &said))?;
        Ok(Syncer { requests: Some(requests), durable, thread: Some(thread) })
    }

    /// Asks that a generation become durable that was appended to this log. Generations are asked for in their order, and where they stand
    /// in several logs, all are.
    pub fn sync(&self, log: LogSync, generation: u64) {
        self.ask(Request::Sync(log, generation));
    }

    /// Tells that a manifest of this generation is on the disk: it is durable whatever became of its log.
    pub fn saved(&self, generation: u64) {
        self.ask(Request::Saved(generation));
    }

    /// How far the disk is, from now on.
    pub fn durable(&self) -> watch::Receiver<Durable> {
        self.durable.clone()
    }

    /// Sends a request. The thread lives as long as this does, so that it is heard.
    fn ask(&self, request: Request) {
        if let Some(requests) = &self.requests {
            let _ = requests.send(request);
        }
    }
}

impl Drop for Syncer {
    /// Waits until everything that was asked for is done.
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A panic of it was printed; here it changes nothing.
            let _ = thread.join();
        }
    }
}

impl Durable {
    /// Whether a generation is durable; an error when it can't be by its log.
    ///
    /// # Errors
    ///
    /// What the disk said.
    pub fn has(&self, generation: u64) -> Result<bool, Arc<LogError>> {
        match &self.failed {
            _ if self.generation >= generation => Ok(true),
            None => Ok(false),
            Some(error) => Err(Arc::clone(error)),
        }
    }
}

/// What the thread does.
fn run(asked: &Receiver<Request>, said: &watch::Sender<Durable>) {
    let mut work = Work { durable: said.borrow().clone(), waiting: Vec::new() };
    while let Ok(first) = asked.recv() {
        std::iter::once(first).chain(asked.try_iter()).for_each(|request| work.take(request));
        work.settle();
        said.send_replace(work.durable.clone());
    }
}

/// What the thread has before it.
#[derive(Debug)]
struct Work {
    /// How far the disk is.
    durable: Durable,
    /// Logs to be synced, in their order, each with the highest generation that was asked for.
    waiting: Vec<(LogSync, u64)>,
}

impl Work {
    /// Takes a request.
    fn take(&mut self, request: Request) {
        match request {
            // One sync of a log is enough: it was appended to before all of these were asked.
            Request::Sync(log, generation) => match self.waiting.last_mut() {
                Some((last, newest)) if last.is_same(&log) => *newest = generation.max(*newest),
                _ => self.waiting.push((log, generation)),
            },
            Request::Saved(generation) => {
                self.durable = Durable { generation: generation.max(self.durable.generation), failed: None };
            }
        }
    }

    /// Syncs each log that is waited for, but what a manifest has needs none. One that fails, and what follows it, waits for a manifest.
    fn settle(&mut self) {
        let durable = self.durable.generation;
        self.waiting.retain(|(_, generation)| *generation > durable);
        if self.durable.failed.is_some() {
            return;
        }
        let mut done = 0;
        for (log, generation) in &self.waiting {
            if let Err(error) = log.sync() {
                self.durable.failed = Some(Arc::new(error));
                break;
            }
            self.durable.generation = self.durable.generation.max(*generation);
            done += 1;
        }
        self.waiting.drain(..done);
    }
}
