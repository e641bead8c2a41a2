//! B12: which users may connect.

use std::path::Path;
use std::time::Duration;

use bus::{BrokerOptions, Client, ConnectError, Group, Recipient};

use super::child::{Role, say};
use super::harness::{Bus, skip};

/// A user that is neither root nor whoever runs the tests.
const NOBODY: u32 = 65534;

/// A group that a service of the broker's own user is in.
const SERVICE: Group = Group::from_static("service");

/// How long the child waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The child of the test below: connects as [`NOBODY`] and says how it went.
pub(crate) async fn as_other_user(path: &Path) {
    // After exec, so that the test binary need not be readable by others.
    nix::unistd::setgroups(&[]).unwrap();
    nix::unistd::setgid(NOBODY.into()).unwrap();
    nix::unistd::setuid(NOBODY.into()).unwrap();
    match Client::connect(path, "other").await {
        Ok((client, _incoming)) => {
            say(&format!("connected as {}", client.address()));
            say(&format!("service: {:?}", client.subscribe(&SERVICE).await.is_ok()));
            say(&format!("listens: {:?}", client.subscribe(&Group::notifications("news").unwrap()).await.is_ok()));
            let news = Recipient::Group(Group::notifications("news").unwrap());
            say(&format!("tells: {}", client.request(&news, &"lies", &[], PATIENCE).await.unwrap_err()));
            // Far more than half of the service's queue, which the service does not read.
            let load = "x".repeat(32 * 1024);
            while !client.is_closed() {
                let _ = client.send(&Recipient::Group(SERVICE), &load, &[]);
                tokio::task::yield_now().await;
            }
            say("ended");
        }
        Err(ConnectError::Refused { reason }) => say(&format!("refused: {reason}")),
        Err(error) => say(&format!("{error:?}")),
    }
}

#[test]
fn b12_a_user_that_is_not_allowed_is_refused_before_anything_is_read() {
    if !rustix::process::geteuid().is_root() {
        return skip("bus b12", "needs root to connect as another user");
    }
    let bus = Bus::start();
    let directory = bus.path.parent().unwrap();
    std::fs::set_permissions(directory, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut other = Role::start("other-user", &bus.path);
    assert_eq!(other.line().unwrap(), format!("refused: user id {NOBODY} may not use this bus"));
    assert!(other.end().success());
    assert!(bus.handle.peers().is_empty());
}

#[test]
fn b12_a_user_that_is_allowed_listens_and_asks_and_harms_nobody() {
    if !rustix::process::geteuid().is_root() {
        return skip("bus b12", "needs root to connect as another user");
    }
    let mut options = BrokerOptions::default();
    options.allowed_uids = vec![NOBODY];
    let bus = Bus::start_with(options);
    let directory = bus.path.parent().unwrap();
    std::fs::set_permissions(directory, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // A service that reads nothing: what is sent to it piles up.
    let (service, _unread) = runtime.block_on(async {
        let (service, incoming) = Client::connect(&bus.path, "service").await.unwrap();
        service.subscribe(&SERVICE).await.unwrap();
        (service, incoming)
    });
    let mut other = Role::start("other-user", &bus.path);
    assert!(other.line().unwrap().starts_with("connected as "));
    assert_eq!(other.line().unwrap(), "service: false");
    assert_eq!(other.line().unwrap(), "listens: true");
    let refused = other.line().unwrap();
    assert!(refused.starts_with("tells: ") && refused.contains("not allowed"), "{refused}");
    assert_eq!(other.line().unwrap(), "ended");
    // The one who flooded was cut off; the one who was flooded is still there, and was not even close to it.
    assert!(!service.is_closed());
    assert!(runtime.block_on(service.peers()).unwrap().iter().any(|peer| peer.address == service.address()));
}
