//! A process in its role: what the supervisor started takes its part of the configuration and its descriptors, and lives
//! and dies with the supervisor.

use std::io;

use config::process::Start;
use consumers::auth::process::AuthLinks;
use consumers::xfrout::XfroutLinks;
use memmgr::process::MemmgrLinks;
use nix::sys::signal::{SigSet, Signal};

use crate::exit::Exit;
use crate::inherit::{InheritError, Inherited};
use crate::supervisor::Chain;

/// Runs the role that the start message names.
pub(crate) fn run(role: &str) -> Exit {
    let mut inherited = Inherited::default();
    let start = match inherited.start() {
        Ok(start) => start,
        Err(error) => {
            eprintln!(
                "trine: {role} is a part of a running server and is started by `trine serve` ({})",
                Chain(&error)
            );
            return Exit::Usage;
        }
    };
    crate::logging::start();
    if let Err(error) = take_signals().and_then(|()| die_with_supervisor()) {
        tracing::error!(%error, "process-not-bound-to-supervisor");
        return Exit::Failed;
    }
    match start {
        Start::Memmgr { options, descriptors } => {
            let links = (|| {
                let supervisor = inherited.take(descriptors.supervisor)?;
                let bus = inherited.take(descriptors.bus)?;
                Ok::<_, InheritError>(MemmgrLinks { supervisor, bus, give_back: crate::heap::give_back })
            })();
            match links.map(|links| memmgr::process::run(options, links)) {
                Ok(Ok(())) => Exit::Done,
                Ok(Err(error)) => {
                    tracing::error!(error = %Chain(&error), "memmgr-failed");
                    if error.is_lasting() { Exit::Unusable } else { Exit::Failed }
                }
                Err(error) => not_started(&error),
            }
        }
        Start::Auth { options, descriptors } => {
            let links = (|| {
                let supervisor = inherited.take(descriptors.supervisor)?;
                let progress = inherited.take(descriptors.progress)?;
                let udp =
                    descriptors.udp.iter().map(|sockets| inherited.take_all(sockets)).collect::<Result<_, _>>()?;
                let tcp = inherited.take_all(&descriptors.tcp)?;
                let tls = inherited.take_all(&descriptors.tls)?;
                Ok::<_, InheritError>(AuthLinks { supervisor, progress, udp, tcp, tls })
            })();
            match links.map(|links| consumers::auth::process::run(options, links)) {
                Ok(Ok(())) => Exit::Done,
                Ok(Err(error)) => {
                    tracing::error!(error = %Chain(&error), "auth-failed");
                    Exit::Failed
                }
                Err(error) => not_started(&error),
            }
        }
        Start::Xfrout { options, descriptors } => {
            let links = (|| {
                let supervisor = inherited.take(descriptors.supervisor)?;
                let link = inherited.take(descriptors.link)?;
                Ok::<_, InheritError>(XfroutLinks { supervisor, link })
            })();
            match links.map(|links| consumers::xfrout::run(options, links)) {
                Ok(Ok(())) => Exit::Done,
                Ok(Err(error)) => {
                    tracing::error!(error = %Chain(&error), "xfrout-failed");
                    Exit::Failed
                }
                Err(error) => not_started(&error),
            }
        }
    }
}

/// Says what was not inherited.
fn not_started(error: &InheritError) -> Exit {
    tracing::error!(error = %Chain(error), "process-not-started");
    Exit::Failed
}

/// Takes signals again: the supervisor reads its own from a descriptor and blocks them, and the mask is inherited.
fn take_signals() -> io::Result<()> {
    SigSet::empty().thread_set_mask().map_err(io::Error::from)
}

/// Lets the kernel end us with the supervisor, even when we are stopped. That it ended before this call shows in the
/// socket pair, which every role reads.
fn die_with_supervisor() -> io::Result<()> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).map_err(io::Error::from)
}
