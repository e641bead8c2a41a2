//! The reader against a memmgr that this test plays: what it keeps mapped, whatever comes between two messages.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::Write;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use bus::protocol::MEMMGR_GROUP;
use bus::protocol::reader::{Attached, FromReader, GroupLayers, LayerIdentity, ToReader};
use bus::{Address, Broker, BrokerHandle, BrokerOptions, Client, Incoming, Message};
use consumers::reader::Reader;
use tempfile::TempDir;
use zone_segment::{DirectoryEntry, DirectoryWriter, GroupId, HashKey, LayerId, SegmentWriter, ZoneId, ZoneState};

/// How long anything is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// The key of every segment here.
const KEY: HashKey = HashKey(*b"0123456789abcdef");

/// memmgr, as far as one reader can tell.
struct Memmgr {
    /// To speak.
    client: Client,
    /// To listen.
    incoming: Incoming,
    /// The bus.
    broker: BrokerHandle,
    /// Where it is.
    path: PathBuf,
    /// What it lies in.
    _directory: TempDir,
}

impl Memmgr {
    /// A bus with nobody on it but this.
    async fn new() -> Memmgr {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bus.sock");
        let listener = bus::listen::listen(&path, 0o600).unwrap();
        let (routing, broker) = Broker::new(listener, BrokerOptions::default());
        tokio::spawn(async move { drop(routing.run().await) });
        let own = broker.connect_local().unwrap();
        let (client, incoming) = Client::from_local(own, "memmgr").await.unwrap();
        client.subscribe(&MEMMGR_GROUP).await.unwrap();
        Memmgr { client, incoming, broker, path, _directory: directory }
    }

    /// A reader on this bus, and its address once it has attached, and what it said that it holds.
    async fn reader(&mut self) -> (Reader, Address) {
        let path = self.path.clone();
        let attaching = tokio::task::spawn_blocking(move || Reader::attach(path).unwrap());
        let message = self.next().await;
        assert!(matches!(message.parse(), Ok(FromReader::Attach { .. })), "{}", message.body);
        self.client.reply(&message, &Attached { generation: None }, &[]).unwrap();
        (attaching.await.unwrap(), message.from)
    }

    /// The next message.
    async fn next(&mut self) -> Message {
        tokio::time::timeout(PATIENCE, self.incoming.next()).await.unwrap().unwrap()
    }

    /// The next word of a reader.
    async fn word(&mut self) -> FromReader {
        self.next().await.parse().unwrap()
    }

    /// Sends the layers of a generation: its directory and its one group.
    fn send_layers(&self, to: Address, generation: u64) {
        let (directory, group) = layer_ids(generation);
        let mut writer = DirectoryWriter::new(KEY);
        writer.entry(DirectoryEntry {
            apex: "example.".parse().unwrap(),
            group: GroupId(0),
            zone: ZoneId(1),
            state: ZoneState::Serving,
            floor: LayerId(0),
        });
        let mut zones = SegmentWriter::new(KEY);
        let apex: zone_segment::Name = "example.".parse().unwrap();
        zones.start_zone(ZoneId(1), apex.as_ref()).unwrap();
        zones.rrset(apex.as_ref(), 16, 300, &[&[1, u8::try_from(generation).unwrap()]]).unwrap();
        for (id, octets) in [(directory, writer.finish().unwrap()), (group, zones.finish().unwrap())] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&octets).unwrap();
            let content_hash = zone_segment::map(&file).unwrap().content_hash();
            let layers = vec![LayerIdentity { id, content_hash }];
            self.client.send(&to.into(), &ToReader::Layers { layers }, &[file.as_fd()]).unwrap();
        }
    }

    /// Commits a reader to a generation.
    fn send_switch(&self, to: Address, generation: u64) {
        let (directory, group) = layer_ids(generation);
        let groups = vec![GroupLayers { group: 0, layers: vec![group] }];
        let switch = ToReader::Switch { generation, directory: vec![directory], groups };
        self.client.send(&to.into(), &switch, &[]).unwrap();
    }

    /// Waits until a reader has read all that was sent to it.
    async fn ping(&self, to: Address) {
        self.client.request(&to.into(), &ToReader::Ping {}, &[], PATIENCE).await.unwrap();
    }

    /// Moves a reader to a generation that shares nothing with another.
    async fn switch(&mut self, to: Address, generation: u64) {
        self.send_layers(to, generation);
        self.send_switch(to, generation);
        assert_eq!(self.word().await, FromReader::Acknowledge { generation });
    }
}

/// The layers of a generation: its directory's and its group's.
fn layer_ids(generation: u64) -> (u64, u64) {
    (10 * generation, 10 * generation + 1)
}

#[tokio::test]
async fn layers_that_came_stay_when_an_older_generation_ends_before_their_switch() {
    let mut memmgr = Memmgr::new().await;
    let (reader, address) = memmgr.reader().await;
    memmgr.switch(address, 1).await;
    let held = reader.current().unwrap();
    memmgr.switch(address, 2).await;
    memmgr.send_layers(address, 3);
    // The layers are mapped before the last use of the first generation ends.
    memmgr.ping(address).await;
    drop(held);
    assert_eq!(memmgr.word().await, FromReader::Release { generation: 1 });
    memmgr.send_switch(address, 3);
    assert_eq!(memmgr.word().await, FromReader::Acknowledge { generation: 3 });
    drop(reader);
}

#[tokio::test]
async fn a_reader_that_comes_back_names_only_layers_that_will_stay() {
    let mut memmgr = Memmgr::new().await;
    let (reader, address) = memmgr.reader().await;
    memmgr.switch(address, 1).await;
    let held = reader.current().unwrap();
    memmgr.switch(address, 2).await;
    memmgr.send_layers(address, 3);
    memmgr.ping(address).await;
    assert!(memmgr.broker.disconnect(&address, "a test"));
    let FromReader::Attach { generation, holds, .. } = memmgr.word().await else { panic!("not attached anew") };
    assert_eq!(generation, Some(2));
    let (directory, group) = layer_ids(2);
    assert_eq!(holds.iter().map(|layer| layer.id).collect::<Vec<_>>(), [directory, group]);
    drop((held, reader));
}
