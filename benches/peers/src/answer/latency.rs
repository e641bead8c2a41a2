//! How long answers take at a steady rate: queries leave when they are due, whether or not others were answered.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use super::datagrams::{BATCH, Datagrams, Sender};
use super::queries::Queries;
use crate::Outcome;

/// Times of answers, in nanoseconds, sorted.
#[derive(Clone, Debug)]
pub struct Latencies(Vec<u32>);

impl Latencies {
    /// The time below which so many answers in ten thousand are.
    pub fn percentile(&self, of_ten_thousand: usize) -> f64 {
        let at = self.0.len() * of_ten_thousand / 10_000;
        self.0.get(at.min(self.0.len().saturating_sub(1))).map_or(0.0, |time| f64::from(*time))
    }

    /// Which part of the queries had no answer.
    pub fn unanswered(&self) -> f64 {
        let answered = self.0.partition_point(|time| *time < UNANSWERED);
        (self.0.len() - answered) as f64 / self.0.len().max(1) as f64
    }
}

/// Asks a server at a rate for so long.
pub fn measure(port: u16, queries: &Queries, first: usize, rate: f64, time: Duration) -> Outcome<Latencies> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect((Ipv4Addr::LOCALHOST, port))?;
    let (mut sender, mut answers) = (Sender::new(), Datagrams::new());
    let interval = 1e9 / rate;
    let mut due_at = vec![0_u64; SLOTS];
    let mut times = Vec::with_capacity((rate * time.as_secs_f64()) as usize + BATCH);
    let (mut sent, begin) = (0_usize, Instant::now());
    loop {
        let now = begin.elapsed();
        if now >= time + LAST_WORD {
            break;
        }
        let due = if now < time { (now.as_nanos() as f64 / interval) as usize } else { sent };
        if due > sent {
            let count = (due - sent).min(BATCH);
            for number in sent..sent + count {
                // The time it was due, not that it left: a load that is late is not the server's merit.
                due_at[(first + number) % SLOTS] = (number as f64 * interval) as u64;
            }
            sent += sender.send(&socket, count, |index| queries.query(first + sent + index))?;
        }
        let count = answers.receive(&socket, false)?;
        let now = begin.elapsed().as_nanos() as u64;
        for answer in answers.iter(count) {
            if let Some(number) = Queries::answered(answer, first + sent, SLOTS / 2) {
                times.push(u32::try_from(now.saturating_sub(due_at[number % SLOTS])).unwrap_or(UNANSWERED));
            }
        }
    }
    // Who was not answered took longer than any that was.
    times.resize(sent.max(times.len()), UNANSWERED);
    times.sort_unstable();
    Ok(Latencies(times))
}

/// The time of a query without an answer.
const UNANSWERED: u32 = u32::MAX;

/// Queries whose time is known.
const SLOTS: usize = 1 << 16;

/// How long the last answers may take.
const LAST_WORD: Duration = Duration::from_millis(50);
