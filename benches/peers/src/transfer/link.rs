//! Sockets handed over: the packets that auth and xfrout exchange, as these exchange them, over a pair of sockets between two threads. The kernel's part
//! is the largest: it counts, passes and closes descriptors.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use consumers::handover::{Arrived, FRAME_OCTETS_MAX, Handed, Link, SendError};
use dns::message::{Asked, question};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use zone_segment::NameRef;

use crate::Outcome;
use crate::lookup::say;
use crate::update::sample::Sample;

/// What was found.
#[derive(Debug)]
pub struct HandedOver {
    /// Sockets a second, second by second.
    pub a_second: Sample,
    /// Sockets in all.
    pub count: u64,
}

/// Hands a connection over again and again for so long, each time with a request.
pub fn measure(time: Duration) -> Outcome<HandedOver> {
    say("handing sockets over");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let connection = TcpStream::connect(listener.local_addr()?)?;
    let pair = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)?;
    let (from, to) = pair;
    let end = Instant::now() + time;
    let sending = std::thread::spawn(move || send(from, &connection, end).map_err(|error| error.to_string()));
    let taken = receive(to)?;
    sending.join().map_err(|_| "the thread that hands over ended")??;
    let handed = HandedOver { count: taken.iter().map(|slice| slice.0).sum(), a_second: rates(&taken) };
    println!(
        "{} sockets handed over, {:.0} a second, spread {:.0} %",
        handed.count,
        handed.a_second.median(),
        handed.a_second.spread() * 100.0
    );
    Ok(handed)
}

/// The rates of slices, the last of which was cut short.
fn rates(taken: &[(u64, Duration)]) -> Sample {
    let whole = if taken.len() > 1 { &taken[..taken.len() - 1] } else { taken };
    Sample(whole.iter().map(|(count, time)| *count as f64 / time.as_secs_f64()).collect())
}

/// Hands the connection over until it is time.
fn send(socket: OwnedFd, connection: &TcpStream, end: Instant) -> Outcome<()> {
    let (client, server) = (connection.local_addr()?, connection.peer_addr()?);
    let request = question(7, NameRef::ROOT, Asked::Axfr);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let link = Link::new(socket)?;
        while Instant::now() < end {
            match link.hand_over(Handed { client, server, request: &request, rest: &[] }, connection.as_fd()) {
                Ok(()) => {}
                // The other end has to catch up.
                Err(SendError::Full) => std::thread::yield_now(),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    })
}

/// Takes what comes, and closes it; how much, slice by slice.
fn receive(socket: OwnedFd) -> Outcome<Vec<(u64, Duration)>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let link = Link::new(socket)?;
        let mut room = vec![0; FRAME_OCTETS_MAX];
        let (mut slices, mut count, mut began) = (Vec::new(), 0, Instant::now());
        while let Some(arrived) = link.receive(&mut room).await? {
            count += u64::from(matches!(arrived, Arrived::HandedOver(..)));
            if began.elapsed() > SLICE {
                slices.push((count, began.elapsed()));
                (count, began) = (0, Instant::now());
            }
        }
        slices.push((count, began.elapsed()));
        Ok(slices)
    })
}

/// What a rate is taken over.
const SLICE: Duration = Duration::from_millis(250);
