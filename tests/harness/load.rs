//! A steady stream of queries over UDP from many source ports, each answer compared octet by octet with the ones that would be right.
//!
//! [`Reference`] holds the questions and, for each version of the zones, the answer a server at rest gives. [`Stream`] asks them at a
//! given pace from one thread and gives a [`Log`] with one line a query. Since the log says which versions an answer agrees with, an
//! answer that mixes two of them agrees with none, and one that is out of date agrees with the wrong one.

use std::collections::BTreeSet;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;
use hickory_proto::serialize::binary::BinEncodable;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::processes::network_sockets;
use super::wire;

/// Source ports of a stream.
pub(crate) const SOURCES: usize = 64;

/// Answers still on their way when the last query has gone get this long.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// Queries sent before answers are looked at again, when the thread was kept from running and has to catch up.
const CATCH_UP: u64 = 64;

/// Wrong answers kept to be shown; all are counted.
const WRONG_SHOWN: usize = 5;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// The name asked.
    pub(crate) name: String,
    /// The type asked.
    pub(crate) rtype: RecordType,
    /// Whether DO is set.
    pub(crate) dnssec: bool,
}

impl Question {
    /// A question, DO or not.
    pub(crate) fn new(name: impl Into<String>, rtype: RecordType, dnssec: bool) -> Self {
        Question { name: name.into(), rtype, dnssec }
    }

    /// Its message with the id 0.
    fn octets(&self) -> Vec<u8> {
        let mut message = wire::query(&self.name, self.rtype, self.dnssec);
        message.metadata.id = 0;
        message.to_bytes().unwrap()
    }
}

/// Questions, and what is right for each version of the zones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reference {
    /// The questions.
    pub(crate) questions: Vec<Question>,
    /// For each version, the answer to each question without its id.
    pub(crate) answers: Vec<Vec<Vec<u8>>>,
}

impl Reference {
    /// Questions without answers yet.
    pub(crate) fn new(questions: Vec<Question>) -> Self {
        Reference { questions, answers: Vec::new() }
    }

    /// Asks a server at rest everything, and takes what it says as right for one more version.
    pub(crate) fn learn(&mut self, server: SocketAddr) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket.connect(server).unwrap();
        let mut buffer = [0; 65535];
        let ask = |question: &Question| {
            socket.send(&question.octets()).unwrap();
            let length = socket.recv(&mut buffer).unwrap();
            buffer[2..length].to_vec()
        };
        self.answers.push(self.questions.iter().map(ask).collect());
    }

    /// The versions an answer agrees with, one bit each.
    fn versions(&self, question: usize, answer: &[u8]) -> u64 {
        let agrees = |answers: &Vec<Vec<u8>>| u64::from(answers[question] == answer[2..]);
        self.answers.iter().enumerate().fold(0, |mask, (version, answers)| mask | agrees(answers) << version)
    }
}

/// One query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// Which question.
    pub(crate) question: u32,
    /// When, since the stream began.
    pub(crate) at: Duration,
    /// When it was answered.
    pub(crate) answered: Option<Duration>,
    /// The versions the answer agrees with, one bit each.
    pub(crate) versions: u64,
}

/// What a stream has seen.
#[derive(Debug)]
pub(crate) struct Log {
    /// When it began.
    pub(crate) began: Instant,
    /// Every query, in the order sent.
    pub(crate) asked: Vec<Asked>,
    /// Answers that agree with no version, counted.
    pub(crate) wrong: u64,
    /// The first of them.
    pub(crate) wrong_shown: Vec<String>,
    /// Answers to nothing that was asked, or second ones.
    pub(crate) strange: u64,
    /// Datagrams the server's sockets dropped meanwhile.
    pub(crate) server_drops: u64,
    /// Datagrams the stream's own sockets dropped.
    pub(crate) own_drops: u64,
}

impl Log {
    /// Queries without an answer.
    pub(crate) fn unanswered(&self) -> u64 {
        self.asked.iter().filter(|asked| asked.answered.is_none()).count() as u64
    }

    /// Queries that were answered later than this after they were sent, or never.
    pub(crate) fn slower_than(&self, bound: Duration) -> u64 {
        let is_slow = |asked: &&Asked| asked.answered.is_none_or(|answered| answered - asked.at > bound);
        self.asked.iter().filter(is_slow).count() as u64
    }

    /// The longest wait among those answered within `bound`.
    pub(crate) fn slowest_within(&self, bound: Duration) -> Duration {
        let waits = self.asked.iter().filter_map(|asked| Some(asked.answered? - asked.at));
        waits.filter(|wait| *wait <= bound).max().unwrap_or_default()
    }

    /// Asserts that every answer was a right one.
    pub(crate) fn assert_right(&self) {
        assert_eq!((self.wrong, self.strange), (0, 0), "wrong answers:\n{}", self.wrong_shown.join("\n"));
    }
}

/// A stream that runs.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Tells the thread to end.
    stop: Arc<AtomicBool>,
    /// The thread.
    thread: JoinHandle<Log>,
    /// When it began.
    pub(crate) began: Instant,
}

impl Stream {
    /// Asks the questions in turn, `rate` a second.
    pub(crate) fn start(server: SocketAddr, reference: &Arc<Reference>, rate: u64) -> Stream {
        let (stop, began) = (Arc::new(AtomicBool::new(false)), Instant::now());
        let (stopped, reference) = (Arc::clone(&stop), Arc::clone(reference));
        let thread = std::thread::spawn(move || Asker::new(server, &reference, began).run(rate, &stopped));
        Stream { stop, thread, began }
    }

    /// Ends it, once what is on its way has come.
    pub(crate) fn stop(self) -> Log {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// The thread's side.
struct Asker<'r> {
    /// Questions and answers.
    reference: &'r Reference,
    /// The questions as messages.
    messages: Vec<Vec<u8>>,
    /// The source ports.
    sources: Vec<Source>,
    /// Which of them have answers.
    readiness: Epoll,
    /// The server's port.
    server_port: u16,
    /// Queries without an answer so far.
    open: u64,
    /// What is seen.
    log: Log,
}

/// One source port.
struct Source {
    /// Its socket.
    socket: UdpSocket,
    /// The id of its next query.
    next_id: u16,
    /// The query of each id, as a place in the log.
    queries: Vec<Option<u32>>,
}

impl<'r> Asker<'r> {
    /// Opens the sockets.
    fn new(server: SocketAddr, reference: &'r Reference, began: Instant) -> Self {
        let readiness = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).unwrap();
        let open = |number: usize| {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.connect(server).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket2::SockRef::from(&socket).set_recv_buffer_size(1 << 20).unwrap();
            readiness.add(socket.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, number as u64)).unwrap();
            Source { socket, next_id: 0, queries: vec![None; 1 << 16] }
        };
        let sources = (0..SOURCES).map(open).collect();
        let messages = reference.questions.iter().map(Question::octets).collect();
        let log = Log {
            began,
            asked: Vec::new(),
            wrong: 0,
            wrong_shown: Vec::new(),
            strange: 0,
            server_drops: 0,
            own_drops: 0,
        };
        Asker { reference, messages, sources, readiness, server_port: server.port(), open: 0, log }
    }

    /// Asks until told to end.
    fn run(mut self, rate: u64, stop: &AtomicBool) -> Log {
        let own = self.sources.iter().map(|source| source.socket.local_addr().unwrap().port()).collect();
        let server = BTreeSet::from([self.server_port]);
        let before = (drops(&server), drops(&own));
        let began = Instant::now();
        let (mut sent, mut buffer) = (0, vec![0; 65535]);
        while !stop.load(Ordering::Relaxed) {
            let due = u64::try_from(began.elapsed().as_nanos() * u128::from(rate) / 1_000_000_000).unwrap();
            let goal = due.min(sent + CATCH_UP);
            while sent < goal && self.ask(sent) {
                sent += 1;
            }
            let wait = if sent < due { EpollTimeout::ZERO } else { EpollTimeout::from(1u8) };
            self.receive(wait, &mut buffer);
        }
        let deadline = Instant::now() + LAST_WAIT;
        while self.open > 0 && Instant::now() < deadline {
            self.receive(EpollTimeout::from(1u8), &mut buffer);
        }
        self.log.server_drops = drops(&server) - before.0;
        self.log.own_drops = drops(&own) - before.1;
        self.log
    }

    /// Sends the query of this number; `false` when the system has no room for it at the moment.
    fn ask(&mut self, number: u64) -> bool {
        let number = usize::try_from(number).unwrap();
        let question = number % self.messages.len();
        let source = &mut self.sources[number % SOURCES];
        let message = &mut self.messages[question];
        message[..2].copy_from_slice(&source.next_id.to_be_bytes());
        let at = self.log.began.elapsed();
        if source.socket.send(message).is_err() {
            return false;
        }
        let place = u32::try_from(self.log.asked.len()).unwrap();
        source.queries[usize::from(source.next_id)] = Some(place);
        source.next_id = source.next_id.wrapping_add(1);
        self.open += 1;
        let question = u32::try_from(question).unwrap();
        self.log.asked.push(Asked { question, at, answered: None, versions: 0 });
        true
    }

    /// Takes the answers that have come, or come within `wait`.
    fn receive(&mut self, wait: EpollTimeout, buffer: &mut [u8]) {
        let mut events = [EpollEvent::empty(); SOURCES];
        let ready = self.readiness.wait(&mut events, wait).unwrap_or(0);
        for event in &events[..ready] {
            let number = usize::try_from(event.data()).unwrap();
            while let Ok(length) = self.sources[number].socket.recv(buffer) {
                self.take(number, &buffer[..length]);
            }
        }
    }

    /// Judges an answer.
    fn take(&mut self, source: usize, answer: &[u8]) {
        let answered = self.log.began.elapsed();
        let id = answer.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
        let Some(place) = self.sources[source].queries[usize::from(id)].take() else {
            self.log.strange += 1;
            return;
        };
        self.open -= 1;
        let asked = &mut self.log.asked[usize::try_from(place).unwrap()];
        let question = usize::try_from(asked.question).unwrap();
        asked.answered = Some(answered);
        asked.versions = self.reference.versions(question, answer);
        if asked.versions == 0 {
            self.log.wrong += 1;
            if self.log.wrong_shown.len() < WRONG_SHOWN {
                let Question { name, rtype, dnssec } = &self.reference.questions[question];
                let parsed = <super::Answer as hickory_proto::serialize::binary::BinDecodable>::from_bytes(answer);
                let at = asked.at;
                self.log.wrong_shown.push(format!("{name} {rtype}, DO {dnssec}, asked at {at:?}: {parsed:?}"));
            }
        }
    }
}

/// Datagrams dropped so far by every socket bound to one of these ports.
fn drops(ports: &BTreeSet<u16>) -> u64 {
    let sockets = network_sockets("udp").into_iter().filter(|socket| ports.contains(&socket.local_port));
    sockets.map(|socket| socket.drops).sum()
}
