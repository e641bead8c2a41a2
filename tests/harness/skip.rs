//! Tests this machine can't run: said on standard error and recorded in `target/skipped.txt`, which `.ci/run` reads.

use std::io::Write;
use std::path::Path;

/// Records that a test was skipped and why. The test returns after it.
pub(crate) fn skip(test: &str, why: &str) {
    eprintln!("SKIPPED {test}: {why}");
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), std::path::PathBuf::from);
    std::fs::create_dir_all(&target).unwrap();
    let file = std::fs::OpenOptions::new().append(true).create(true).open(target.join("skipped.txt"));
    writeln!(file.unwrap(), "{test}: {why}").unwrap();
}
