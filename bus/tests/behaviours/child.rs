//! Other processes: this test binary runs itself again in a role, so that peers can be killed, have another user, or count
//! their descriptors without other tests opening some at the same time.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use bus::{Client, Group};

/// Says which role to play.
const ROLE: &str = "BUS_TEST_ROLE";
/// Says where the broker is.
const PATH: &str = "BUS_TEST_PATH";
/// What begins a line to the parent; the test harness writes other lines.
const PREFIX: &str = "child: ";

/// A process in a role.
pub(crate) struct Role {
    /// The process.
    pub(crate) process: Child,
    /// What it writes.
    output: BufReader<std::process::ChildStdout>,
}

impl Role {
    /// Starts a role that uses the broker at `path`.
    pub(crate) fn start(role: &str, path: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child::in_its_role", "--ignored", "--nocapture"])
            .env(ROLE, role)
            .env(PATH, path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, output }
    }

    /// The next line that the role says, `None` if it ends without another.
    pub(crate) fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() != 0 {
            // The harness may have begun the line with the test's name.
            if let Some((_, said)) = line.trim_end().split_once(PREFIX) {
                return Some(said.to_owned());
            }
            line.clear();
        }
        None
    }

    /// Waits for the end of the role and says how it was.
    pub(crate) fn end(mut self) -> ExitStatus {
        while self.line().is_some() {}
        self.process.wait().unwrap()
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Says a line to the parent.
pub(crate) fn say(line: &str) {
    println!("{PREFIX}{line}");
}

#[test]
#[ignore = "run by other tests as a process of its own"]
fn in_its_role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let path = std::path::PathBuf::from(std::env::var_os(PATH).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match role.as_str() {
        "member" => runtime.block_on(member(&path)),
        "other-user" => runtime.block_on(super::users::as_other_user(&path)),
        "leaks" => runtime.block_on(super::descriptors::count_leaks()),
        "hostile" => runtime.block_on(super::hostile::send_all()),
        "listener" => super::listening::as_listener(&path),
        "too-many-in-flight" => runtime.block_on(super::descriptors::exhaust()),
        _ => panic!("no such role: {role}"),
    }
}

/// Joins two groups, says so, and stays.
async fn member(path: &Path) {
    let (client, mut incoming) = Client::connect(path, "member").await.unwrap();
    for group in ["alpha", "beta"] {
        client.subscribe(&Group::new(group).unwrap()).await.unwrap();
    }
    say(&client.address().to_string());
    while incoming.next().await.is_some() {}
}
