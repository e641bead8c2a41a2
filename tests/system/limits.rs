//! Response rate limiting of a whole server: floods from loopback, and who is spared.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use hickory_proto::serialize::binary::{BinDecodable, BinEncodable};

use super::harness::wire::query;
use super::harness::{Answer, Server, ServerOptions, until, within, zones};

/// Source ports of a flood: enough that every process gets some of it.
const SOURCES: usize = 64;

/// Queries of a flood.
const FLOOD: usize = 640;

/// A process gives a second's rate at once, and then its share of it.
const RATE: u64 = 20;

/// Auth processes.
const PROCESSES: u64 = 2;

/// A server with these lines in its table of rates.
struct Limited {
    /// The server.
    server: Server,
    /// What its configuration file lies in.
    _directory: tempfile::TempDir,
}

impl Limited {
    /// Starts it.
    fn start(lines: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("trine.toml");
        let text = format!("version = 1\n[auth]\ncookies = true\n[auth.rate-limit]\n{lines}\n");
        std::fs::write(&file, text).unwrap();
        let options = ServerOptions {
            arguments: vec!["--config".into(), file.to_str().unwrap().into()],
            auth: PROCESSES as usize,
            ..ServerOptions::default()
        };
        let server = Server::start(&options, |directory| {
            let zone = format!("{}*.wild A 192.0.2.9\n", zones::small("example.com.", 1, 300));
            zones::install(directory, "example.com.zone", &zone);
        });
        Self { server, _directory: directory }
    }

    /// Sends a query from each of a flood's ports in turn, and counts what comes back.
    fn flood(&self, from: &str, message: impl Fn(usize) -> Vec<u8>) -> Flood {
        let sources: Vec<UdpSocket> = (0..SOURCES).map(|_| UdpSocket::bind((from, 0)).unwrap()).collect();
        let before = self.received();
        let began = Instant::now();
        let mut flood = Flood::default();
        for number in 0..FLOOD {
            let source = &sources[number % SOURCES];
            source.send_to(&message(number), self.server.address).unwrap();
            if number % SOURCES == SOURCES - 1 {
                // As fast as the server goes and no faster: the counts below are to be exact.
                until("the queries are received", || (self.received() > before + number as u64).then_some(()));
                sources.iter().for_each(|source| flood.take(source));
            }
        }
        flood.took = began.elapsed();
        // What was counted as received is answered by the end of its batch, before the next one.
        until("the last batch is sent", || (self.measured() >= before + FLOOD as u64).then_some(()));
        sources.iter().for_each(|source| flood.take(source));
        flood
    }

    /// Messages that the server has received over UDP.
    fn received(&self) -> u64 {
        self.server.json(&["stats"])["total"]["received"]["udp-ipv4"].as_u64().unwrap_or(0)
    }

    /// Messages over UDP whose batch has been sent.
    fn measured(&self) -> u64 {
        let stats = self.server.json(&["stats"]);
        let Some(steps) = stats["total"]["latency_ns"].as_object() else { return 0 };
        steps.values().map(|count| count.as_u64().unwrap()).sum()
    }

    /// What the server says that it limited and slipped.
    fn limited(&self) -> (u64, u64) {
        let stats = self.server.json(&["stats"]);
        (stats["total"]["limited"].as_u64().unwrap(), stats["total"]["slipped"].as_u64().unwrap())
    }
}

/// What came back.
#[derive(Debug, Default)]
struct Flood {
    /// Whole answers.
    whole: u64,
    /// Truncated ones without a record.
    truncated: u64,
    /// From the first query to the last answer.
    took: Duration,
}

impl Flood {
    /// Takes the answers that have come to a socket.
    fn take(&mut self, source: &UdpSocket) {
        source.set_nonblocking(true).unwrap();
        let mut octets = [0; 2048];
        while let Ok(length) = source.recv(&mut octets) {
            let answer = Answer::from_bytes(&octets[..length]).unwrap();
            match answer.metadata.truncation {
                true => {
                    assert!(answer.answers.is_empty() && answer.authorities.is_empty());
                    self.truncated += 1;
                }
                false => self.whole += 1,
            }
        }
    }

    /// Asserts that whole answers were those of the rate: what each process gives at once, and the earnings of the time it took.
    fn assert_limited(&self) {
        let earned = RATE as f64 * self.took.as_secs_f64();
        let most = RATE * PROCESSES + earned.ceil() as u64 + 1;
        assert!((RATE..=most).contains(&self.whole), "at most {most}: {self:?}");
    }
}

/// A question's octets.
fn asking(name: &str, rtype: RecordType) -> Vec<u8> {
    query(name, rtype, false).to_bytes().unwrap()
}

/// A question's octets with a cookie.
fn asking_with(name: &str, cookie: &[u8]) -> Vec<u8> {
    let mut octets = asking(name, RecordType::A);
    // The OPT record comes last, without options: its length is the last two octets.
    let option = [&[0, 10], &(cookie.len() as u16).to_be_bytes()[..], cookie].concat();
    let at = octets.len() - 2;
    octets[at..].copy_from_slice(&(option.len() as u16).to_be_bytes());
    octets.extend(option);
    octets
}

/// The cookie that a server makes for a client, whole.
fn cookie(server: SocketAddr, from: &str) -> Vec<u8> {
    let client = UdpSocket::bind((from, 0)).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    client.send_to(&asking_with("host1.example.com.", b"8 octets"), server).unwrap();
    let mut octets = [0; 2048];
    let length = client.recv(&mut octets).unwrap();
    let at = octets[..length].windows(12).position(|octets| octets == b"\0\x0a\0\x188 octets").unwrap();
    octets[at + 4..at + 28].to_vec()
}

#[test]
fn b59_a_flood_is_slipped_and_dropped_and_others_are_not() {
    let limited = Limited::start("responses-per-second = 20\nslip = 2");
    let flood = limited.flood("127.0.0.1", |_| asking("host1.example.com.", RecordType::A));
    flood.assert_limited();
    let beyond = FLOOD as u64 - flood.whole;
    // Every second one of each process.
    assert!((beyond / 2 - PROCESSES..=beyond / 2).contains(&flood.truncated), "{flood:?}");
    assert_eq!(limited.limited(), (beyond - flood.truncated, flood.truncated));

    // Another name, another prefix, and TCP are not limited.
    let whole = |answer: Answer| !answer.metadata.truncation && answer.answers.len() == 1;
    assert!(whole(limited.server.wire().udp("host2.example.com.", RecordType::A)));
    assert!(whole(limited.server.wire().tcp("host1.example.com.", RecordType::A, false)));
    let neighbour = UdpSocket::bind(("127.0.1.1", 0)).unwrap();
    neighbour.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    neighbour.send_to(&asking("host1.example.com.", RecordType::A), limited.server.address).unwrap();
    let mut octets = [0; 2048];
    let length = neighbour.recv(&mut octets).unwrap();
    assert!(whole(Answer::from_bytes(&octets[..length]).unwrap()));

    within(Duration::from_secs(30), "the log tells of it", || {
        let log = limited.server.log();
        log.lines().any(|line| line.contains("answers-rate-limited") && line.contains("127.0.0.0")).then_some(())
    });
}

#[test]
fn b59_with_slip_0_all_are_dropped_and_with_1_none() {
    let limited = Limited::start("responses-per-second = 20\nslip = 0");
    let flood = limited.flood("127.0.0.1", |_| asking("host1.example.com.", RecordType::A));
    flood.assert_limited();
    assert_eq!((flood.truncated, limited.limited()), (0, (FLOOD as u64 - flood.whole, 0)));
    let limited = Limited::start("responses-per-second = 20\nslip = 1");
    let flood = limited.flood("127.0.0.1", |_| asking("host1.example.com.", RecordType::A));
    flood.assert_limited();
    assert_eq!(flood.whole + flood.truncated, FLOOD as u64);
}

#[test]
fn b59_answers_that_are_alike_share_a_rate_whatever_name_is_asked() {
    let limited = Limited::start("responses-per-second = 20\nnxdomains-per-second = 20\nslip = 0");
    limited.flood("127.0.0.1", |n| asking(&format!("no{n}.example.com."), RecordType::A)).assert_limited();
    limited.flood("127.0.0.1", |n| asking(&format!("any{n}.wild.example.com."), RecordType::A)).assert_limited();
    // Names that are there are answers of their own: no more than a few of each.
    let flood = limited.flood("127.0.0.1", |n| asking(&format!("host{}.example.com.", n % 300), RecordType::A));
    assert_eq!(flood.whole, FLOOD as u64);
}

#[test]
fn b59_errors_slip_as_they_are() {
    let limited = Limited::start("errors-per-second = 20\nslip = 2");
    let flood = limited.flood("127.0.0.1", |n| asking(&format!("host{n}.elsewhere."), RecordType::A));
    assert_eq!(flood.truncated, 0);
    let (dropped, slipped) = limited.limited();
    assert_eq!(flood.whole, FLOOD as u64 - dropped);
    assert!((dropped..=dropped + PROCESSES).contains(&(slipped + PROCESSES)), "{dropped} {slipped}");
    assert!(dropped > FLOOD as u64 / 3, "{flood:?}");
    let refused = limited.server.json(&["stats"])["total"]["rcodes"]["REFUSED"].as_u64();
    assert_eq!(refused, Some(flood.whole));
}

#[test]
fn b59_a_client_with_a_valid_cookie_is_spared() {
    let limited = Limited::start("responses-per-second = 20\nslip = 0");
    let good = cookie(limited.server.address, "127.0.0.1");
    let flood = limited.flood("127.0.0.1", |_| asking_with("host1.example.com.", &good));
    assert_eq!(flood.whole, FLOOD as u64);
    // A client's part alone, a cookie of one's own making, and that of another address spare nobody.
    let mut forged = good.clone();
    forged[23] ^= 1;
    for (host, cookie) in [(2, &good[..8]), (3, &forged), (4, &cookie(limited.server.address, "127.0.0.2"))] {
        limited.flood("127.0.0.1", |_| asking_with(&format!("host{host}.example.com."), cookie)).assert_limited();
    }
}

#[test]
fn b59_an_exempt_prefix_is_spared() {
    let limited = Limited::start("responses-per-second = 20\nslip = 0\nexempt = ['127.0.7.0/24', '127.0.9.1']");
    for (from, is_spared) in [("127.0.7.1", true), ("127.0.9.1", true), ("127.0.8.1", false), ("127.0.9.2", false)] {
        let _: IpAddr = from.parse().unwrap();
        let flood = limited.flood(from, |_| asking("host1.example.com.", RecordType::A));
        match is_spared {
            true => assert_eq!(flood.whole, FLOOD as u64, "{from}"),
            // It is limited, but it has its rate: the exempt neighbour has not used it up.
            false => assert!((20..FLOOD as u64 / 2).contains(&flood.whole), "{from} {flood:?}"),
        }
    }
}

#[test]
fn without_a_table_of_rates_nothing_is_limited() {
    let server = Server::start(&ServerOptions::default(), |directory| {
        zones::install(directory, "example.com.zone", &zones::small("example.com.", 1, 3));
    });
    for _ in 0..500 {
        let answer = server.wire().udp("host1.example.com.", RecordType::A);
        assert_eq!((answer.metadata.response_code, answer.answers.len()), (ResponseCode::NoError, 1));
    }
}
