//! The test of a segment over 4 GiB, which is ignored where tests run as a matter of course: it takes minutes and gigabytes.

use std::path::Path;
use std::process::Command;

use crate::Outcome;

/// Runs it.
pub fn run() -> Outcome<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new("cargo");
    command.args(["test", "--release", "-p", "zone-segment", "--", "--ignored", "--nocapture", "large"]);
    let status = command.current_dir(root).status()?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("running the test of a large segment: expected success, found {status}").into()),
    }
}
