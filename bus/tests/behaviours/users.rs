//! B12: which users may connect.

use std::path::Path;

use bus::{BrokerOptions, Client, ConnectError};

use super::child::{Role, say};
use super::harness::{Bus, skip};

/// A user that is neither root nor whoever runs the tests.
const NOBODY: u32 = 65534;

/// The child of the test below: connects as [`NOBODY`] and says how it went.
pub(crate) async fn as_other_user(path: &Path) {
    // After exec, so that the test binary need not be readable by others.
    nix::unistd::setgroups(&[]).unwrap();
    nix::unistd::setgid(NOBODY.into()).unwrap();
    nix::unistd::setuid(NOBODY.into()).unwrap();
    say(&match Client::connect(path, "other").await {
        Ok((client, _incoming)) => format!("connected as {}", client.address()),
        Err(ConnectError::Refused { reason }) => format!("refused: {reason}"),
        Err(error) => format!("{error:?}"),
    });
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
fn b12_a_user_that_is_allowed_connects() {
    if !rustix::process::geteuid().is_root() {
        return skip("bus b12", "needs root to connect as another user");
    }
    let mut options = BrokerOptions::default();
    options.allowed_uids = vec![NOBODY];
    let bus = Bus::start_with(options);
    let directory = bus.path.parent().unwrap();
    std::fs::set_permissions(directory, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut other = Role::start("other-user", &bus.path);
    assert!(other.line().unwrap().starts_with("connected as "));
}
