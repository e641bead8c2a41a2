//! Updates of zones that come from another server go on to it (RFC 2136, section 6): [`forward`].

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use dns::message::{forwarded, is_answer_to};
use dns::tsig::{self, Key, Verifier, sign_request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::warn;

use super::answer::Verdict;

/// A server that a zone comes from.
#[derive(Clone, Debug)]
pub(crate) struct Primary {
    /// What the configuration calls it.
    pub(crate) name: String,
    /// Where it is, in the order in which addresses are tried.
    pub(crate) addresses: Vec<SocketAddr>,
    /// The key that what goes to it is signed with.
    pub(crate) key: Option<Arc<Key>>,
}

/// What became of a message that was to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Forwarded {
    /// It was answered so; the answer's signature was checked.
    Answered(Verdict),
    /// Nobody took it.
    Untaken,
    /// It was sent, and what became of it is not known.
    Unknown,
}

/// Sends an update on to the first of a zone's primaries that takes a connection, signed with its key and not with that of who sent it here.
pub(crate) async fn forward(message: &[u8], id: u16, primaries: &[Primary]) -> Forwarded {
    let Ok(update) = forwarded(message, id) else { return Forwarded::Untaken };
    let last = Instant::now() + CONNECT_ALL_MAX;
    for Primary { name, addresses, key } in primaries {
        for address in addresses {
            let until = last.min(Instant::now() + CONNECT_MAX);
            let mut stream = match timeout_at(until, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => stream,
                failed => {
                    let error =
                        failed.map_or_else(|elapsed| elapsed.to_string(), |failed| format!("{:?}", failed.err()));
                    warn!(primary = name, %address, error, "update-not-forwarded");
                    continue;
                }
            };
            let mut request = update.clone();
            let verifier = key.as_ref().map(|key| sign_request(key, &mut request, now()));
            let answer = timeout(ANSWER_MAX, exchange(&mut stream, &request)).await;
            let answer = answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            return match answer.and_then(|answer| checked(&request, &answer, verifier)) {
                Ok(verdict) => Forwarded::Answered(verdict),
                Err(error) => {
                    warn!(primary = name, %address, %error, "forwarded-update-unanswered");
                    Forwarded::Unknown
                }
            };
        }
    }
    Forwarded::Untaken
}

/// Sends a message and reads the answer.
async fn exchange(stream: &mut TcpStream, request: &[u8]) -> io::Result<Vec<u8>> {
    let length = u16::try_from(request.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&[&length.to_be_bytes()[..], request].concat()).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

/// What an answer says, if it is one to the request and its signature is good.
fn checked(request: &[u8], answer: &[u8], verifier: Option<Verifier>) -> io::Result<Verdict> {
    if !is_answer_to(request, answer) {
        return Err(io::Error::other("it is no answer to what was asked"));
    }
    if let Some(mut verifier) = verifier {
        verifier.verify(answer, now()).map_err(io::Error::other)?;
        if !verifier.is_settled() {
            return Err(io::Error::other("it is not signed"));
        }
    }
    Verdict::of_answer(answer).ok_or_else(|| io::Error::other("it is malformed"))
}

/// The time, as signatures have it.
fn now() -> u64 {
    tsig::seconds(std::time::SystemTime::now())
}

/// How long a primary may take to take a connection; then the next address is tried.
const CONNECT_MAX: Duration = Duration::from_secs(3);

/// How long all of them together may take: then nobody has taken it, and whoever asked here is told in time.
const CONNECT_ALL_MAX: Duration = Duration::from_secs(8);

/// How long one may take to answer: with the time before shorter than who asked here waits.
const ANSWER_MAX: Duration = Duration::from_secs(20);
