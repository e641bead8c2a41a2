//! Each event at `warn` or above has its paragraph in `docs/messages.md`, and each paragraph its event.

use std::collections::BTreeSet;

use crate::tree::{PRODUCT, page, rust_files};

#[test]
fn every_warning_and_error_is_explained() {
    let explained: BTreeSet<String> =
        page("messages.md").lines().filter_map(|line| line.strip_prefix("### ")).map(str::to_owned).collect();
    let mut logged = BTreeSet::new();
    for (name, text) in rust_files(&PRODUCT) {
        for event in events(&text) {
            assert!(is_event_name(&event), "{name}: {event:?} is no event name: lower case words and hyphens");
            logged.insert(event);
        }
    }
    let missing: Vec<&String> = logged.difference(&explained).collect();
    let stale: Vec<&String> = explained.difference(&logged).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "not explained: {missing:?}; explained and never logged: {stale:?}"
    );
}

/// Whether a text is a fixed event name.
fn is_event_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

/// The names of the events that a file logs at `warn` or `error`: the last text in each call.
fn events(text: &str) -> Vec<String> {
    let mut events = Vec::new();
    for macro_name in ["warn!(", "error!("] {
        let mut rest = text;
        while let Some(at) = rest.find(macro_name) {
            // Not the end of another macro's name, such as `compile_error!`.
            let is_whole = !rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            rest = &rest[at + macro_name.len()..];
            if is_whole {
                events.extend(last_text(rest));
            }
        }
    }
    events
}

/// The last text of a call, from behind its opening parenthesis.
fn last_text(call: &str) -> Option<String> {
    let (mut depth, mut last, mut text) = (1, None, None::<String>);
    for character in call.chars() {
        match (&mut text, character) {
            (Some(open), '"') => {
                last = Some(std::mem::take(open));
                text = None;
            }
            (Some(open), c) => open.push(c),
            (None, '"') => text = Some(String::new()),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
        if depth == 0 {
            return last;
        }
    }
    last
}
