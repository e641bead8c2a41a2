//! The closed list of files with unsafe code.

use crate::tree::{ALL, page, rust_files};

/// How unsafe code begins; spelled so that this file is not one of those.
const BEGINNINGS: [&str; 5] = [
    concat!("unsafe", " {"),
    concat!("unsafe", " fn"),
    concat!("unsafe", " impl"),
    concat!("unsafe", " trait"),
    concat!("unsafe", " extern"),
];

#[test]
fn unsafe_code_stands_in_the_listed_files_alone() {
    let page = page("architecture.md");
    let section = page.split("## Unsafe code").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut listed: Vec<&str> =
        section.lines().filter_map(|line| line.strip_prefix("- `")?.split('`').next()).collect();
    listed.sort_unstable();
    let mut found: Vec<String> = rust_files(&ALL)
        .into_iter()
        .filter(|(_, text)| code_lines(text).any(|line| BEGINNINGS.iter().any(|beginning| line.contains(beginning))))
        .map(|(name, _)| name)
        .collect();
    found.sort_unstable();
    assert_eq!(found, listed, "left: files with unsafe code; right: the list in docs/architecture.md");
}

/// The lines that are not comments.
fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_start).filter(|line| !line.starts_with("//"))
}
