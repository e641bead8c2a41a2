//! B14: one bus per socket file, and a file that a dead bus left is no obstacle.

use std::path::Path;

use bus::listen::{ListenError, listen};
use bus::{Broker, BrokerOptions, Client, Group};
use tempfile::TempDir;

use super::child::{Role, say};
use super::harness::{Bus, soon};

/// The child of the tests below: listens until it is killed.
pub(crate) fn as_listener(path: &Path) {
    let _socket = listen(path, 0o600).unwrap();
    say("listening");
    loop {
        std::thread::park();
    }
}

#[tokio::test]
async fn b14_a_second_bus_is_refused_and_the_first_keeps_its_socket() {
    let bus = Bus::start();
    let error = listen(&bus.path, 0o600).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(&error, ListenError::InUse { pid: Some(pid), .. } if *pid == std::process::id() as i32),
        "{error:?}"
    );
    assert!(text.contains(&bus.path.display().to_string()) && text.contains(&std::process::id().to_string()), "{text}");
    let (client, _incoming) = bus.client("client").await;
    assert_eq!(soon(client.peers()).await.unwrap().len(), 1);
}

#[test]
fn b14_a_socket_that_nobody_answers_is_in_use_all_the_same() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("bus.sock");
    let mut first = Role::start("listener", &path);
    assert_eq!(first.line().unwrap(), "listening");
    let pid = first.process.id() as i32;
    // Each try leaves a connection that waits, until the backlog is full and the kernel lets nobody in.
    for _ in 0..10_000 {
        match listen(&path, 0o600) {
            Err(ListenError::InUse { pid: Some(who), .. }) => assert_eq!(who, pid),
            Err(ListenError::InUse { pid: None, .. }) => return,
            other => panic!("{other:?}"),
        }
    }
    panic!("the backlog never filled");
}

#[tokio::test]
async fn b14_a_stale_socket_file_is_replaced() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("bus.sock");
    let mut first = Role::start("listener", &path);
    assert_eq!(first.line().unwrap(), "listening");
    first.process.kill().unwrap();
    first.process.wait().unwrap();
    assert!(path.exists());
    let bus = Bus::start_at(&path, BrokerOptions::default());
    let (client, _incoming) = soon(Client::connect(&path, "client")).await.unwrap();
    drop((bus, client));
}

#[test]
fn b14_of_many_that_start_at_once_one_wins() {
    let directory = TempDir::new().unwrap();
    for round in 0..20 {
        let path = directory.path().join(format!("{round}.sock"));
        // A stale file to begin with, so that each of them wants to replace it.
        let address = rustix::net::SocketAddrUnix::new(&path).unwrap();
        rustix::net::bind(super::raw::fresh(), &address).unwrap();
        let starting: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || listen(&path, 0o600))
            })
            .collect();
        let sockets: Vec<_> = starting.into_iter().filter_map(|each| each.join().unwrap().ok()).collect();
        assert_eq!(sockets.len(), 1);
    }
}

#[test]
fn b14_what_is_no_socket_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("bus.sock");
    std::fs::write(&path, "precious").unwrap();
    assert!(matches!(listen(&path, 0o600), Err(ListenError::NotASocket { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
    let long = directory.path().join("x".repeat(120));
    assert!(matches!(listen(&long, 0o600), Err(ListenError::PathTooLong { .. })));
}

#[test]
fn b14_the_socket_file_has_the_mode_asked_for() {
    use std::os::unix::fs::PermissionsExt;
    let directory = TempDir::new().unwrap();
    for mode in [0o600, 0o660, 0o666] {
        let path = directory.path().join(format!("{mode:o}.sock"));
        let _socket = listen(&path, mode).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode);
    }
}

#[tokio::test]
async fn connections_wait_until_the_broker_opens() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("bus.sock");
    let (broker, handle) = Broker::new(listen(&path, 0o600).unwrap(), BrokerOptions::default());
    let (open, opened) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move { drop(broker.run_after(async { drop(opened.await) }).await) });
    let connecting = tokio::spawn(async move { Client::connect(&path, "early").await.unwrap() });
    let group = Group::from_static("service");
    let (service, mut incoming) = soon(Client::from_local(handle.connect_local().unwrap(), "service")).await.unwrap();
    soon(service.subscribe(&group)).await.unwrap();
    assert_eq!(handle.peers().len(), 1, "somebody came in before the broker was opened");
    drop(open);
    let (early, _incoming) = soon(connecting).await.unwrap();
    early.send(&group.into(), &"found", &[]).unwrap();
    assert_eq!(soon(incoming.next()).await.unwrap().body, "found");
}
