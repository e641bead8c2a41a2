//! The files of this checkout.

use std::path::{Path, PathBuf};

/// The checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below these folders, with its path from the root.
pub(crate) fn rust_files(folders: &[&str]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for folder in folders {
        collect(&root().join(folder), &mut files);
    }
    assert!(!files.is_empty(), "no Rust file below {folders:?}");
    files
}

/// A page of `docs/`.
pub(crate) fn page(name: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(name)).unwrap()
}

/// Adds the Rust files below a folder.
fn collect(folder: &Path, files: &mut Vec<(String, String)>) {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            files.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The folders with code of the product.
pub(crate) const PRODUCT: [&str; 8] =
    ["zone-segment/src", "dns/src", "bus/src", "config/src", "measure/src", "memmgr/src", "consumers/src", "cli"];

/// The folders with any code at all.
pub(crate) const ALL: [&str; 10] =
    ["zone-segment", "dns", "bus", "config", "measure", "memmgr", "consumers", "cli", "tests", "examples"];
