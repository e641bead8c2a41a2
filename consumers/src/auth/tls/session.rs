//! One connection over TLS: its handshake, then octets both ways between its client and the pair's end that is ours.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::PoisonError;
use std::task::ready;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::{Desk, HANDSHAKE_MAX, add};

/// Serves a connection until either end is closed. How it ends is its client's affair.
pub(super) async fn serve(desk: &Desk, stream: TcpStream, pair: UnixStream) {
    let shaken = tokio::select! {
        shaken = timeout(HANDSHAKE_MAX, desk.acceptor.accept(stream)) => shaken,
        // Nothing is written before there was a query: the other end was closed, to make room or since the client is too slow.
        _ = pair.readable() => return add(&desk.counters.failed),
    };
    let Ok(Ok(client)) = shaken else { return add(&desk.counters.failed) };
    let write_timeout = desk.server.limits().write_timeout;
    let (mut from_client, to_client) = tokio::io::split(client);
    let (mut from_server, to_server) = pair.into_split();
    tokio::select! {
        // All that the server had to say was said.
        _ = carry(desk, &mut from_server, to_client, Some(write_timeout)) => {}
        // The client asks no more, but still listens; or it is gone.
        Err(_) = carry(desk, &mut from_client, to_server, None) => {}
    }
}

/// Carries octets one way, until its source ends, which ends its target too. A target that does not take what was read at once within a time
/// ends it; without a time it is waited for.
async fn carry(
    desk: &Desk,
    from: &mut (impl AsyncRead + Unpin),
    mut to: impl AsyncWrite + Unpin,
    limit: Option<Duration>,
) -> io::Result<()> {
    loop {
        let octets = read(desk, from).await?;
        let writing = async {
            if octets.is_empty() {
                return to.shutdown().await;
            }
            to.write_all(&octets).await?;
            to.flush().await
        };
        match limit {
            Some(limit) => timeout(limit, writing).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??,
            None => writing.await?,
        }
        if octets.is_empty() {
            return Ok(());
        }
    }
}

/// Waits for octets; none at the end. They are read to room that all connections share.
async fn read(desk: &Desk, from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    poll_fn(|context| {
        let mut scratch = desk.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        let mut room = ReadBuf::new(&mut scratch);
        ready!(Pin::new(&mut *from).poll_read(context, &mut room))?;
        Ok(room.filled().to_vec()).into()
    })
    .await
}
