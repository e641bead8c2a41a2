//! Zone data is in memory once, however many processes answer from it (B42).

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::net::UdpSocket;
use std::path::Path;

use hickory_proto::rr::RecordType;
use hickory_proto::serialize::binary::BinEncodable;

use crate::harness::processes::children;
use crate::harness::{Server, ServerOptions, heavy, wire};

/// Names of the zone.
const NAMES: usize = 100_000;

/// What PSS may be above the octets mapped and touched, in percent.
const ABOVE_PERCENT: u64 = 2;

/// Source ports that ask.
const SOURCES: usize = 64;

/// Queries on their way from one source port.
const WINDOW: usize = 4;

/// A zone of [`NAMES`] names with an address and a text each.
fn many_names() -> String {
    let mut text =
        "$ORIGIN many.test.\n$TTL 300\n@ SOA ns h 1 3600 900 604800 60\n@ NS ns\nns A 192.0.2.53\n".to_owned();
    for name in 0..NAMES {
        let [_, high, middle, low] = u32::try_from(name).unwrap().to_be_bytes();
        writeln!(text, "name{name} A 10.{high}.{middle}.{low}\nname{name} TXT \"what there is to say of name {name}\"")
            .unwrap();
    }
    text
}

/// Asks for every name once, from many source ports at a time, so that every process touches every page.
fn touch(server: &Server) {
    let sources: Vec<UdpSocket> = (0..SOURCES).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    let mut message = wire::query("name0.many.test.", RecordType::A, false);
    for source in &sources {
        source.connect(server.address).unwrap();
        source.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
    }
    for names in (0..NAMES).collect::<Vec<_>>().chunks(SOURCES * WINDOW) {
        for (place, name) in names.iter().enumerate() {
            message.queries[0].name = hickory_proto::rr::Name::from_ascii(format!("name{name}.many.test.")).unwrap();
            sources[place % SOURCES].send(&message.to_bytes().unwrap()).unwrap();
        }
        for place in 0..names.len() {
            let mut answer = [0; 512];
            sources[place % SOURCES].recv(&mut answer).unwrap();
            assert_eq!(answer[7], 1, "one answer");
        }
    }
}

/// What the processes have of one segment file.
#[derive(Clone, Copy, Debug, Default)]
struct Mapped {
    /// Octets of the file that the process which touched most of it has in memory.
    touched: u64,
    /// Octets in proportion, summed over all processes.
    proportional: u64,
    /// Processes that map it.
    processes: u64,
}

/// What these processes have of each file in a state directory, by `/proc/PID/smaps`.
fn segments(pids: &[i32], state: &Path) -> BTreeMap<String, Mapped> {
    let mut files: BTreeMap<String, Mapped> = BTreeMap::new();
    for pid in pids {
        let smaps = fs::read_to_string(format!("/proc/{pid}/smaps")).unwrap();
        let mut file: Option<&mut Mapped> = None;
        for line in smaps.lines() {
            let mut words = line.split_whitespace();
            let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            if !first.ends_with(':') {
                let path = line.split_whitespace().nth(5).filter(|path| path.starts_with(state.to_str().unwrap()));
                file = path.map(|path| files.entry(path.to_owned()).or_default());
                if let Some(file) = &mut file {
                    file.processes += 1;
                }
            } else if let Some(file) = &mut file {
                let octets = || second.parse::<u64>().unwrap() * 1024;
                match first {
                    "Rss:" => file.touched = file.touched.max(octets()),
                    "Pss:" => file.proportional += octets(),
                    "Private_Dirty:" | "Shared_Dirty:" => assert_eq!(octets(), 0, "{pid} has written to a segment"),
                    _ => {}
                }
            }
        }
    }
    files
}

#[test]
fn b42_zone_data_is_in_memory_once() {
    let _heavy = heavy();
    let base = tempfile::tempdir().unwrap();
    let (zones, state) = (base.path().join("zones"), base.path().join("state"));
    fs::create_dir(&zones).unwrap();
    fs::write(zones.join("many.test.zone"), many_names()).unwrap();
    for auth in [1, 2, 4, 8] {
        let server = Server::start_in(&ServerOptions { auth, ..ServerOptions::default() }, &zones, &state);
        touch(&server);
        let pids: Vec<i32> = children(server.pid()).into_iter().chain([server.pid()]).collect();
        let files = segments(&pids, &server.state.canonicalize().unwrap());
        let sum = |what: fn(&Mapped) -> u64| files.values().map(what).sum::<u64>();
        let (touched, proportional) = (sum(|file| file.touched), sum(|file| file.proportional));
        let length: u64 = files.keys().map(|path| fs::metadata(path).unwrap().len()).sum();
        println!(
            "{auth} auth: {} segments of {length} octets, {touched} touched, PSS of all processes {proportional}: {:.2} %",
            files.len(),
            proportional as f64 * 100.0 / touched as f64
        );
        assert_eq!(files.len(), 2, "a directory and one group: {files:?}");
        assert!(files.values().all(|file| file.processes >= auth as u64), "{files:?}");
        assert!(touched * 10 > length * 8, "nearly all is touched");
        assert!(proportional * 100 <= touched * (100 + ABOVE_PERCENT), "{files:?}");
    }
}
