//! Switches under load: a stream of queries from 64 source ports while zones are replaced.
//!
//! Every answer is compared octet by octet with what a server at rest says of each version, so that an answer of two versions, or of one
//! that was replaced before the question was asked, is found. Every query without an answer has to be in a socket's drop counter.
//! `TRINE_LOAD_QPS` and `TRINE_LOAD_SECONDS` set queries a second and the length of each stream; a release build asks 20,000.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, RData, RecordType};
use hickory_proto::serialize::binary::BinDecodable;

use crate::harness::load::{Log, Question, Reference, Stream};
use crate::harness::{Answer, IS_STRICT, Server, ServerOptions, heavy, setting, zones};

/// Versions of the zone whose RRsets carry their serial: ten switches.
const CARRYING_VERSIONS: u32 = 11;

/// Versions of the root zone with signatures; the ones after them have none.
const SIGNED_VERSIONS: usize = 3;

/// One in so many queries without an answer may be lost on account of switches.
const LOST_TO_SWITCHES: u64 = 10_000;

#[test]
fn b20_ten_switches_under_load_with_2_auth() {
    switches_under_load(2, carrying());
}

#[test]
fn b20_ten_switches_under_load_with_4_auth() {
    switches_under_load(4, carrying());
}

#[test]
fn b20_six_root_zones_under_load_with_2_auth() {
    switches_under_load(2, root_zones());
}

#[test]
fn b20_six_root_zones_under_load_with_4_auth() {
    switches_under_load(4, root_zones());
}

/// Versions of a zone and what is right in each.
struct Versions {
    /// The zone's file.
    file: &'static str,
    /// Its text, version by version.
    texts: Vec<String>,
    /// Questions and answers.
    reference: Arc<Reference>,
}

/// When a version could be answered from, since the stream began.
#[derive(Clone, Copy, Debug)]
struct Window {
    /// Its file was about to be put in place.
    from: Duration,
    /// The reload of the next version had ended.
    to: Duration,
}

/// Runs every version past a stream, then as long a stream without switches, and compares.
fn switches_under_load(auth: usize, versions: &Versions) {
    let _heavy = heavy();
    let server = Server::start(&ServerOptions { auth, ..ServerOptions::default() }, |directory| {
        zones::install(directory, versions.file, &versions.texts[0]);
    });
    let rate = setting("TRINE_LOAD_QPS", if IS_STRICT { 20_000 } else { 4_000 });
    let length = Duration::from_secs(setting("TRINE_LOAD_SECONDS", 3));

    let stream = Stream::start(server.address, &versions.reference, rate);
    let windows = replace_in_turn(&server, versions, &stream, length);
    let switched = stream.stop();
    let took = switched.asked.last().map_or(length, |last| last.at);

    let stream = Stream::start(server.address, &versions.reference, rate);
    std::thread::sleep(took);
    let steady = stream.stop();

    show(&format!("{auth} auth, {} switches", versions.texts.len() - 1), took, &switched);
    show(&format!("{auth} auth, none"), took, &steady);
    switched.assert_right();
    steady.assert_right();
    assert_timely(&switched, &windows);
    for log in [&switched, &steady] {
        let drops = log.server_drops + log.own_drops;
        assert!(log.unanswered() <= drops, "{} unanswered, {drops} dropped by sockets", log.unanswered());
    }
    let allowed = steady.unanswered() + switched.asked.len() as u64 / LOST_TO_SWITCHES;
    assert!(switched.unanswered() <= allowed, "{} unanswered, {allowed} allowed", switched.unanswered());
}

/// Puts the versions in place one by one, spread over `length`, and tells when each could be answered from.
fn replace_in_turn(server: &Server, versions: &Versions, stream: &Stream, length: Duration) -> Vec<Window> {
    let pause = length / u32::try_from(versions.texts.len()).unwrap();
    let mut windows = vec![Window { from: Duration::ZERO, to: Duration::MAX }];
    let until = |time: Duration| std::thread::sleep(time.saturating_sub(stream.began.elapsed()));
    for (number, text) in (1..).zip(&versions.texts[1..]) {
        until(pause * number);
        let from = stream.began.elapsed();
        zones::install(&server.zones, versions.file, text);
        server.reload();
        if let Some(before) = windows.last_mut() {
            before.to = stream.began.elapsed();
        }
        windows.push(Window { from, to: Duration::MAX });
    }
    until(length);
    windows
}

/// Asserts that no answer is of a version that was not there yet, or was gone when the question was asked.
fn assert_timely(log: &Log, windows: &[Window]) {
    for asked in &log.asked {
        let Some(answered) = asked.answered else { continue };
        let possible = (0..windows.len()).filter(|version| asked.versions >> version & 1 == 1);
        let is_timely = |version: usize| windows[version].from <= answered && asked.at <= windows[version].to;
        assert!(possible.into_iter().any(is_timely), "{asked:?} is of no version that was served then: {windows:?}");
    }
    let answered = log.asked.iter().filter(|asked| asked.answered.is_some());
    let seen = answered.fold(0, |seen, asked| seen | asked.versions);
    assert_eq!(seen, (1 << windows.len()) - 1, "not every version was seen");
}

/// Prints the figures of a stream.
fn show(what: &str, took: Duration, log: &Log) {
    let Log { server_drops, own_drops, .. } = log;
    let slowest = log.slowest_within(Duration::MAX);
    println!(
        "{what}: {} queries in {took:.1?}, {} unanswered ({server_drops} + {own_drops} dropped by sockets), longest wait {slowest:.1?}",
        log.asked.len(),
        log.unanswered()
    );
}

/// The zone whose RRsets carry their serial.
fn carrying() -> &'static Versions {
    static VERSIONS: OnceLock<Versions> = OnceLock::new();
    VERSIONS.get_or_init(|| {
        let texts = (1..=CARRYING_VERSIONS).map(zones::carrying).collect();
        let reference = learn("load.test.zone", &texts, zones::carrying_questions());
        for (serial, answers) in (1..).zip(&reference.answers) {
            for (question, answer) in reference.questions.iter().zip(answers) {
                assert_carries(serial, question, &parse(answer));
            }
        }
        Versions { file: "load.test.zone", texts, reference }
    })
}

/// Asserts that every record of an answer carries the serial.
fn assert_carries(serial: u32, question: &Question, answer: &Answer) {
    let records: Vec<_> = [&answer.answers, &answer.authorities, &answer.additionals].into_iter().flatten().collect();
    assert!(!records.is_empty(), "{question:?}: no records");
    for record in records {
        assert_eq!(zones::carried(record), Some(serial), "{question:?}: {record}");
    }
}

/// The six real root zones.
fn root_zones() -> &'static Versions {
    static VERSIONS: OnceLock<Versions> = OnceLock::new();
    VERSIONS.get_or_init(|| {
        let texts: Vec<String> = zones::ROOT_SERIALS.iter().map(|serial| zones::root(serial)).collect();
        let reference = learn("root.zone", &texts, root_questions(&texts[0]));
        for (version, answers) in reference.answers.iter().enumerate() {
            for (question, answer) in reference.questions.iter().zip(answers) {
                assert_proves(version < SIGNED_VERSIONS, question, &parse(answer));
            }
        }
        Versions { file: "root.zone", texts, reference }
    })
}

/// Questions to the root zone: every eighth top-level domain, and names that do not exist all over it.
fn root_questions(text: &str) -> Vec<Question> {
    let mut questions = Vec::new();
    for dnssec in [false, true] {
        for rtype in [RecordType::SOA, RecordType::NS, RecordType::DNSKEY, RecordType::A] {
            questions.push(Question::new(".", rtype, dnssec));
        }
    }
    let owners = text.lines().filter_map(|line| line.split_whitespace().next());
    let mut domains: Vec<&str> = owners.filter(|owner| owner.matches('.').count() == 1 && owner.len() > 1).collect();
    domains.dedup();
    for domain in domains.iter().step_by(8) {
        questions.push(Question::new(format!("www.example.{domain}"), RecordType::A, false));
        questions.push(Question::new(format!("www.example.{domain}"), RecordType::A, true));
        questions.push(Question::new(*domain, RecordType::DS, true));
        questions.push(Question::new(format!("{}-nosuchtld.", domain.trim_end_matches('.')), RecordType::A, true));
        questions.push(Question::new(format!("nosuchtld-{domain}"), RecordType::A, false));
    }
    questions
}

/// Asserts what can be said of an answer of the root zone without its text: a name that does not exist has the SOA record, and where
/// the zone is signed and DO set, NSEC records that cover it and the wildcard.
fn assert_proves(is_signed: bool, question: &Question, answer: &Answer) {
    if !question.name.contains("nosuchtld") {
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError, "{question:?}");
        return;
    }
    assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain, "{question:?}");
    assert!(answer.authorities.iter().any(|record| matches!(record.data, RData::SOA(_))), "{question:?}");
    let links: Vec<(Name, Name)> = answer.authorities.iter().filter_map(nsec).collect();
    if is_signed && question.dnssec {
        let name = Name::from_ascii(&question.name).unwrap();
        let wildcard = Name::from_ascii("*.").unwrap();
        for covered in [name, wildcard] {
            let covers = |(owner, next): &(Name, Name)| *owner < covered && (covered < *next || next.is_root());
            assert!(links.iter().any(covers), "{question:?}: {covered} is not covered by {links:?}");
        }
    } else {
        assert!(links.is_empty(), "{question:?}: {links:?}");
    }
}

/// The owner and the next name of an NSEC record, whose RDATA begins with the latter, uncompressed (RFC 4034, section 4.1.1).
fn nsec(record: &hickory_proto::rr::Record) -> Option<(Name, Name)> {
    if record.record_type() != RecordType::NSEC {
        return None;
    }
    let RData::Unknown { rdata, .. } = &record.data else { panic!("{record}: expected RDATA as octets") };
    Some((record.name.clone(), Name::from_bytes(&rdata.anything).unwrap()))
}

/// Serves each version by itself and asks everything.
fn learn(file: &str, texts: &Vec<String>, questions: Vec<Question>) -> Arc<Reference> {
    let options = ServerOptions { auth: 1, ..ServerOptions::default() };
    let began = Instant::now();
    let server = Server::start(&options, |directory| zones::install(directory, file, &texts[0]));
    let mut reference = Reference::new(questions);
    for text in texts {
        zones::install(&server.zones, file, text);
        server.reload();
        reference.learn(server.address);
    }
    println!("learned {} answers in {:.1?}", reference.questions.len() * texts.len(), began.elapsed());
    Arc::new(reference)
}

/// An answer of a [`Reference`], which has no id.
fn parse(answer: &[u8]) -> Answer {
    Answer::from_bytes(&[&[0, 0], answer].concat()).unwrap()
}
