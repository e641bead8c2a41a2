//! B16: a broker that dies and comes back; and the broker's own process as a citizen of its bus.

use std::time::Duration;

use bus::{BrokerOptions, Client, ConnectError, Group, Recipient, RequestError, SendError, Session};
use tempfile::TempDir;

use super::harness::{Bus, PATIENCE, soon};

/// A group.
const GROUP: Group = Group::from_static("some/group");

#[tokio::test]
async fn b16_nothing_of_an_old_session_is_used_in_the_next() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("bus.sock");
    let first_bus = Bus::start_at(&path, BrokerOptions::default());
    let mut session = Session::new(&path, "service");
    let (old_service, mut old_requests) = soon(session.connect()).await;
    soon(old_service.subscribe(&GROUP)).await.unwrap();
    let mut callers_session = Session::new(&path, "caller");
    let (old_caller, _old_incoming) = soon(callers_session.connect()).await;

    // A request is in flight when the broker dies: it ends at once, and the service sees the end.
    let failed = {
        let to = Recipient::Group(GROUP);
        let request = old_caller.request(&to, &"old", &[], Duration::from_secs(3600));
        let death = async {
            let request = old_requests.next().await.unwrap();
            drop(first_bus);
            assert!(old_requests.next().await.is_none());
            request
        };
        soon(async { tokio::join!(request, death) }).await
    };
    assert!(matches!(failed.0, Err(RequestError::Send(SendError::Disconnected { .. }))), "{:?}", failed.0);
    assert!(old_caller.is_closed());
    assert!(matches!(old_caller.send(&GROUP.into(), &1, &[]), Err(SendError::Disconnected { .. })));

    // Both try until it is back.
    let (reconnected, second_bus) = {
        let reconnecting = async { tokio::join!(session.connect(), callers_session.connect()) };
        let start = async {
            assert!(Client::connect_within(&path, "early", Duration::from_millis(20)).await.is_err());
            Bus::start_at(&path, BrokerOptions::default())
        };
        soon(async { tokio::join!(reconnecting, start) }).await
    };
    let ((service, mut requests), (caller, mut incoming)) = reconnected;
    assert_ne!(service.address().session(), old_service.address().session());
    assert_eq!(service.address().session(), second_bus.handle.session());

    // Old addresses name nobody, old subscriptions are gone, old requests have no answer.
    for to in [old_service.address().into(), GROUP.into()] {
        let failed = soon(caller.request(&to, &1, &[], PATIENCE)).await;
        assert!(matches!(failed, Err(RequestError::NoSuchRecipient { .. })), "{failed:?}");
    }
    service.reply(&failed.1, &"to the dead", &[]).unwrap();
    service.send(&caller.address().into(), &"marker", &[]).unwrap();
    assert_eq!(soon(incoming.next()).await.unwrap().body, "marker");
    soon(service.subscribe(&GROUP)).await.unwrap();
    caller.send(&GROUP.into(), &"new", &[]).unwrap();
    assert_eq!(soon(requests.next()).await.unwrap().body, "new");
}

#[tokio::test]
async fn b16_a_socket_without_a_broker_behind_it_is_no_connection() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("bus.sock");
    let socket = bus::listen::listen(&path, 0o600).unwrap();
    let waiting = Client::connect_within(&path, "early", Duration::from_millis(20)).await;
    assert!(matches!(waiting, Err(ConnectError::NoHello { .. })));
    // The supervisor's socket outlives brokers: the same one serves the next.
    let connecting = tokio::spawn({
        let path = path.clone();
        async move { Client::connect_within(&path, "waiting", PATIENCE).await }
    });
    let (broker, _handle) = bus::Broker::new(socket, BrokerOptions::default());
    tokio::spawn(broker.run());
    soon(connecting).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_brokers_own_process_is_a_full_citizen() {
    let bus = Bus::start();
    let (own, mut requests) = soon(Client::from_local(bus.handle.connect_local().unwrap(), "own")).await.unwrap();
    soon(own.subscribe(&GROUP)).await.unwrap();
    let (other, _incoming) = bus.client("other").await;
    let to = GROUP.into();
    let request = other.request(&to, &1, &[], PATIENCE);
    let reply = async {
        let request = requests.next().await.unwrap();
        let peer = bus.handle.peer(&request.from).unwrap();
        assert_eq!((peer.name.as_str(), peer.pid), ("other", std::process::id() as i32));
        own.reply(&request, &peer.uid, &[]).unwrap();
    };
    let (reply, ()) = soon(async { tokio::join!(request, reply) }).await;
    assert_eq!(reply.unwrap().body, rustix::process::getuid().as_raw());
    let names: Vec<_> = bus.handle.peers().iter().map(|peer| peer.name.to_string()).collect();
    assert_eq!(names, ["own", "other"]);
}

#[tokio::test]
async fn a_peer_that_is_disconnected_is_told_why() {
    let bus = Bus::start();
    let (client, mut incoming) = bus.client("unwanted").await;
    assert!(bus.handle.disconnect(&client.address(), "it holds \"generation\" 7 for too long"));
    assert!(!bus.handle.disconnect(&client.address(), "again"));
    assert!(soon(incoming.next()).await.is_none());
    soon(client.closed()).await;
    let error = client.send(&GROUP.into(), &1, &[]).unwrap_err();
    assert!(error.to_string().contains("it holds \"generation\" 7 for too long"), "{error}");
}

#[tokio::test]
async fn the_bus_has_a_limit_of_connections() {
    let mut options = BrokerOptions::default();
    options.peers_max = 2;
    let bus = Bus::start_with(options);
    let first = bus.client("first").await;
    let _second = bus.client("second").await;
    let refused = soon(Client::connect(&bus.path, "third")).await;
    assert!(matches!(refused, Err(ConnectError::Refused { .. })), "{refused:?}");
    drop(first);
    soon(Session::new(&bus.path, "third").connect()).await;
}
