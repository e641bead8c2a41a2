//! A primary written for these tests, that sends whatever it is told to: [`Hostile`].

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use dns::tsig::{Algorithm, Key, Keys, Signer, verify_request};

use super::primary::free_address;

/// A record as it goes out: owner, type, class, RDATA; names in wire form.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// The owner.
    pub(super) owner: Vec<u8>,
    /// The type.
    pub(super) rtype: u16,
    /// The class.
    pub(super) class: u16,
    /// The RDATA.
    pub(super) rdata: Vec<u8>,
}

/// A name in wire form.
pub(super) fn wire(name: &str) -> Vec<u8> {
    let labels = name.trim_end_matches('.').split('.').filter(|label| !label.is_empty());
    let mut wire: Vec<u8> =
        labels.flat_map(|label| [&[u8::try_from(label.len()).unwrap()], label.as_bytes()].concat()).collect();
    wire.push(0);
    wire
}

impl Sent {
    /// One of class IN.
    pub(super) fn new(owner: &str, rtype: u16, rdata: &[u8]) -> Self {
        Sent { owner: wire(owner), rtype, class: 1, rdata: rdata.into() }
    }

    /// An address.
    pub(super) fn a(owner: &str, last: u8) -> Self {
        Self::new(owner, 1, &[192, 0, 2, last])
    }

    /// A name server.
    pub(super) fn ns(owner: &str, target: &str) -> Self {
        Self::new(owner, 2, &wire(target))
    }

    /// The SOA record of a zone, whose primaries are asked when somebody says so.
    pub(super) fn soa(apex: &str, serial: u32) -> Self {
        Self::soa_of(apex, serial, [3600, 3600, 604_800])
    }

    /// The same with these intervals: refresh, retry, expire.
    pub(super) fn soa_of(apex: &str, serial: u32, intervals: [u32; 3]) -> Self {
        let mut rdata = [wire("ns.test."), wire("mail.test.")].concat();
        let numbers = [&[serial][..], &intervals, &[60]].concat();
        numbers.iter().for_each(|number| rdata.extend(number.to_be_bytes()));
        Self::new(apex, 6, &rdata)
    }
}

/// One transfer that was asked for, with what is needed to answer it.
pub(super) struct Talk<'t> {
    /// The connection.
    pub(super) connection: &'t mut TcpStream,
    /// The query.
    query: &'t [u8],
    /// Signs answers, where the query was signed.
    signer: Option<Signer>,
}

impl Talk<'_> {
    /// An answer with these records, not signed.
    pub(super) fn message(&self, records: &[Sent]) -> Vec<u8> {
        message(self.query, records, 0)
    }

    /// A message signed as the next one of the answer, where the query was signed.
    pub(super) fn signed(&mut self, mut message: Vec<u8>) -> Vec<u8> {
        if let Some(signer) = &mut self.signer {
            signer.sign(&mut message, now());
        }
        message
    }

    /// Sends a message, signed where the query was.
    pub(super) fn send(&mut self, message: Vec<u8>) {
        let message = self.signed(message);
        self.send_unsigned(&message);
    }

    /// Sends a message as it is. The other end may have had enough.
    pub(super) fn send_unsigned(&mut self, message: &[u8]) {
        let octets = [&u16::try_from(message.len()).unwrap().to_be_bytes(), message].concat();
        let _ = self.connection.write_all(&octets);
    }

    /// Sends these records, a message for each list.
    pub(super) fn send_records(&mut self, messages: &[Vec<Sent>]) {
        for records in messages {
            self.send(self.message(records));
        }
    }

    /// Waits until the other end has had enough.
    pub(super) fn wait(&mut self) {
        let _ = self.connection.read(&mut [0]);
    }
}

/// What it does when it is asked for a transfer; then it closes the connection.
pub(super) type Act = Arc<dyn Fn(&mut Talk<'_>) + Send + Sync>;

/// Does this.
pub(super) fn act(act: impl Fn(&mut Talk<'_>) + Send + Sync + 'static) -> Act {
    Arc::new(act)
}

/// Sends these records, a message for each list, and waits until the other end has had enough.
pub(super) fn sends(messages: Vec<Vec<Sent>>) -> Act {
    act(move |talk| {
        talk.send_records(&messages);
        talk.wait();
    })
}

/// Answers with an RCODE.
pub(super) fn refuses(rcode: u8) -> Act {
    act(move |talk| {
        let mut message = talk.message(&[]);
        message[3] = rcode;
        talk.send(message);
    })
}

/// What it says.
#[derive(Clone)]
pub(super) struct Script {
    /// What it says that it has, when asked for the SOA record.
    pub(super) soa: Sent,
    /// What it does when asked for AXFR.
    pub(super) axfr: Act,
    /// What it does when asked for IXFR.
    pub(super) ixfr: Act,
}

/// A primary that follows a script. Its threads end with the test.
pub(super) struct Hostile {
    /// Where it is.
    pub(super) address: SocketAddr,
    /// What it says.
    script: Arc<Mutex<Script>>,
    /// The types that it was asked for.
    asked: Arc<Mutex<Vec<u16>>>,
}

impl Hostile {
    /// One that follows a script, and knows a key where there is one.
    pub(super) fn start(script: Script, key: Option<(&str, Algorithm, &[u8])>) -> Self {
        let address = free_address();
        let (udp, tcp) = (UdpSocket::bind(address).unwrap(), TcpListener::bind(address).unwrap());
        let script = Arc::new(Mutex::new(script));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let key = key.map(|(name, algorithm, secret)| Arc::new(Key::new(name.parse().unwrap(), algorithm, secret)));
        let keys: Arc<Keys> = Arc::new(key.into_iter().collect());
        let (of_script, of_asked, of_keys) = (Arc::clone(&script), Arc::clone(&asked), Arc::clone(&keys));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((length, from)) = udp.recv_from(&mut buffer) {
                let soa = of_script.lock().unwrap().soa.clone();
                of_asked.lock().unwrap().push(SOA);
                let mut answer = message(&buffer[..length], &[soa], 0);
                if let Some(mut signer) = signer(&buffer[..length], &of_keys) {
                    signer.sign(&mut answer, now());
                }
                let _ = udp.send_to(&answer, from);
            }
        });
        let (of_script, of_asked) = (Arc::clone(&script), Arc::clone(&asked));
        std::thread::spawn(move || {
            for connection in tcp.incoming().map_while(Result::ok) {
                let (script, asked) = (of_script.lock().unwrap().clone(), Arc::clone(&of_asked));
                let keys = Arc::clone(&keys);
                std::thread::spawn(move || serve(connection, &script, &asked, &keys));
            }
        });
        Hostile { address, script, asked }
    }

    /// Gives it another script, and forgets what it was asked.
    pub(super) fn follow(&self, script: Script) {
        *self.script.lock().unwrap() = script;
        self.asked.lock().unwrap().clear();
    }

    /// The types that it was asked for since.
    pub(super) fn asked(&self) -> Vec<u16> {
        self.asked.lock().unwrap().clone()
    }
}

/// Signs the answer to a query that is signed.
fn signer(query: &[u8], keys: &Keys) -> Option<Signer> {
    verify_request(query, keys, now()).ok().flatten().map(|verified| verified.signer())
}

/// The time in seconds since 1970.
fn now() -> u64 {
    dns::tsig::seconds(SystemTime::now())
}

/// Serves one connection.
fn serve(mut connection: TcpStream, script: &Script, asked: &Mutex<Vec<u16>>, keys: &Keys) -> Option<()> {
    connection.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let mut length = [0; 2];
    connection.read_exact(&mut length).ok()?;
    let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
    connection.read_exact(&mut query).ok()?;
    let question = question_of(&query);
    let rtype = u16::from_be_bytes([question[question.len() - 4], question[question.len() - 3]]);
    asked.lock().unwrap().push(rtype);
    let mut talk = Talk { connection: &mut connection, query: &query, signer: signer(&query, keys) };
    match rtype {
        SOA => talk.send_records(&[vec![script.soa.clone()]]),
        AXFR => (script.axfr)(&mut talk),
        _ => (script.ixfr)(&mut talk),
    }
    Some(())
}

/// The question of a query.
fn question_of(query: &[u8]) -> &[u8] {
    let end = 12 + query[12..].iter().position(|octet| *octet == 0).unwrap() + 5;
    &query[12..end]
}

/// An answer with these records.
fn message(query: &[u8], records: &[Sent], rcode: u8) -> Vec<u8> {
    let mut message = vec![query[0], query[1], 0x84, rcode, 0, 1];
    message.extend(u16::try_from(records.len()).unwrap().to_be_bytes());
    message.extend([0; 4]);
    message.extend_from_slice(question_of(query));
    for Sent { owner, rtype, class, rdata } in records {
        message.extend_from_slice(owner);
        message.extend(rtype.to_be_bytes());
        message.extend(class.to_be_bytes());
        message.extend(300_u32.to_be_bytes());
        message.extend(u16::try_from(rdata.len()).unwrap().to_be_bytes());
        message.extend_from_slice(rdata);
    }
    message
}

/// The type SOA.
pub(super) const SOA: u16 = 6;

/// The type of the query for what changed.
pub(super) const IXFR: u16 = 251;

/// The type of the query for a whole zone.
pub(super) const AXFR: u16 = 252;
