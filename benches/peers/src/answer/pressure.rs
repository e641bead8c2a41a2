//! As many queries as a server answers: so many are under way at any time, and each answer lets another query go.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use super::datagrams::{BATCH, Datagrams, Sender};
use super::queries::Queries;
use crate::Outcome;
use crate::processes::Spent;

/// What a server did under pressure.
#[derive(Clone, Copy, Debug)]
pub struct Pressure {
    /// Answers.
    pub answers: u64,
    /// Those that were not what the zone says.
    pub wrong: u64,
    /// Queries without an answer.
    pub lost: u64,
    /// By the clock.
    pub wall: Duration,
    /// The server's processor time.
    pub spent: Spent,
}

impl Pressure {
    /// Processor time an answer, in nanoseconds.
    pub fn time(&self) -> f64 {
        self.spent.all.as_nanos() as f64 / self.answers.max(1) as f64
    }

    /// The part of it outside of the kernel.
    pub fn user(&self) -> f64 {
        self.spent.user.as_nanos() as f64 / self.answers.max(1) as f64
    }

    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.answers as f64 / self.wall.as_secs_f64()
    }
}

/// Whom to ask, how long, and whether it has to answer or to echo.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The server's port.
    pub port: u16,
    /// Its first process.
    pub process: u32,
    /// Whether answers are compared with what the zone says: not those of an echo.
    pub is_checked: bool,
}

/// Asks over UDP for so long, after a while that does not count.
pub fn of_datagrams(target: &Target, queries: &Queries, first: usize, time: Duration) -> Outcome<Pressure> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect((Ipv4Addr::LOCALHOST, target.port))?;
    let mut asker = Asker { socket, target, queries, sent: first, outstanding: 0, counts: Counts::default() };
    asker.run(time.min(WARM_UP))?;
    let before = (Spent::of(target.process), asker.counts);
    let begin = Instant::now();
    asker.run(time)?;
    let wall = begin.elapsed();
    let spent = Spent::of(target.process).since(before.0);
    let counts = asker.counts;
    Ok(Pressure {
        answers: counts.answers - before.1.answers,
        wrong: counts.wrong - before.1.wrong,
        lost: counts.lost - before.1.lost,
        wall,
        spent,
    })
}

/// Asks over UDP for so long, and gives the number of answers.
pub fn answers_in(target: &Target, queries: &Queries, time: Duration) -> Outcome<u64> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect((Ipv4Addr::LOCALHOST, target.port))?;
    let mut asker = Asker { socket, target, queries, sent: 0, outstanding: 0, counts: Counts::default() };
    asker.run(time)?;
    Ok(asker.counts.answers)
}

/// What came back so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Answers.
    pub answers: u64,
    /// Those that were not what the zone says.
    pub wrong: u64,
    /// Queries without an answer.
    pub lost: u64,
}

/// Who asks.
struct Asker<'a> {
    /// Its socket.
    socket: UdpSocket,
    /// Whom it asks.
    target: &'a Target,
    /// What it asks.
    queries: &'a Queries,
    /// The number of the next query.
    sent: usize,
    /// Queries that wait for an answer.
    outstanding: usize,
    /// What came back.
    counts: Counts,
}

impl Asker<'_> {
    /// Asks for so long.
    fn run(&mut self, time: Duration) -> Outcome<()> {
        let (mut sender, mut answers) = (Sender::new(), Datagrams::new());
        let end = Instant::now() + time;
        let mut heard = Instant::now();
        loop {
            let now = Instant::now();
            if now >= end {
                return Ok(());
            }
            if now - heard > PATIENCE {
                self.counts.lost += self.outstanding as u64;
                (self.outstanding, heard) = (0, now);
            }
            if WINDOW - self.outstanding >= BATCH {
                let (queries, first) = (self.queries, self.sent);
                let sent = sender.send(&self.socket, BATCH, |index| queries.query(first + index))?;
                self.sent += sent;
                self.outstanding += sent;
            }
            // Never asleep: whoever has to be woken costs the server time that is not its own. But not always at the socket either: the server
            // needs its lock to answer.
            let count = answers.receive(&self.socket, false)?;
            if count > 0 {
                heard = now;
            }
            if count < BATCH / 2 {
                let pause = Instant::now() + PAUSE;
                while Instant::now() < pause {
                    std::hint::spin_loop();
                }
            }
            for answer in answers.iter(count) {
                let Some(number) = Queries::answered(answer, self.sent, IDENTIFIERS) else { continue };
                self.counts.answers += 1;
                let is_right = !self.target.is_checked || self.queries.is_right(number, answer);
                self.counts.wrong += u64::from(!is_right);
                self.outstanding = self.outstanding.saturating_sub(1);
            }
        }
    }
}

/// Queries under way at any time: below what the smallest socket buffer of any server holds.
const WINDOW: usize = 128;

/// As many queries back an answer is looked for.
const IDENTIFIERS: usize = 1 << 15;

/// How long the socket is left alone where few answers were there: a server gives some ten of them meanwhile.
const PAUSE: Duration = Duration::from_micros(20);

/// How long before figures are taken.
const WARM_UP: Duration = Duration::from_millis(300);

/// After this time without any answer, those under way are lost.
const PATIENCE: Duration = Duration::from_millis(100);
