//! Access lists: who is allowed, and what is told of entries that are none.

use proptest::prelude::*;

use super::*;

/// A list of entries.
fn list(entries: &[&str]) -> AccessList {
    entries.iter().map(|entry| entry.parse().unwrap()).collect()
}

#[test]
fn an_entry_asks_for_all_that_it_names() {
    let key: Name = "xfr.example.".parse().unwrap();
    let other: Name = "other.example.".parse().unwrap();
    let cases = [
        (&[][..], "192.0.2.1", None, false),
        (&["any"], "192.0.2.1", None, true),
        (&["any"], "2001:db8::1", Some(&key), true),
        (&["any key:xfr.example."], "192.0.2.1", None, false),
        (&["any key:xfr.example."], "192.0.2.1", Some(&key), true),
        (&["127.0.0.0/8", "::1"], "127.9.9.9", None, true),
        (&["127.0.0.0/8", "::1"], "::1", Some(&key), true),
        (&["127.0.0.0/8", "::1"], "::2", Some(&key), false),
        (&["127.0.0.0/8"], "::ffff:127.0.0.1", None, true),
        (&["key:XFR.example"], "192.0.2.1", Some(&key), true),
        (&["key:xfr.example."], "192.0.2.1", Some(&other), false),
        (&["key:xfr.example."], "192.0.2.1", None, false),
        (&["192.0.2.7 key:xfr.example."], "192.0.2.7", Some(&key), true),
        (&["key:xfr.example. 192.0.2.7"], "192.0.2.7", Some(&key), true),
        (&["192.0.2.7 key:xfr.example."], "192.0.2.7", None, false),
        (&["192.0.2.7 key:xfr.example."], "192.0.2.8", Some(&key), false),
        (&["192.0.2.7 key:xfr.example.", "192.0.2.8"], "192.0.2.8", None, true),
    ];
    for (entries, address, key, is_allowed) in cases {
        let allows = list(entries).allows(address.parse().unwrap(), key);
        assert_eq!(allows, is_allowed, "{entries:?} {address} {key:?}");
    }
    for (entry, plain, over_tls) in [
        ("any", true, true),
        ("any tls", false, true),
        ("tls 192.0.2.1 key:xfr.example.", false, true),
        ("192.0.2.1 tls key:xfr.example.", false, true),
        ("192.0.2.2 tls", false, false),
        ("key:other.example. tls", false, false),
    ] {
        let (list, address) = (list(&[entry]), "192.0.2.1".parse().unwrap());
        let found = (list.allows(address, Some(&key)), list.allows_over_tls(address, Some(&key)));
        assert_eq!(found, (plain, over_tls), "{entry}");
        assert_eq!(list.entries()[0].to_string().parse(), Ok(list.entries()[0].clone()));
    }
    let remote: AccessList =
        [AccessEntry::of_address("::ffff:192.0.2.1".parse().unwrap()).with_key(key.clone())].into_iter().collect();
    assert!(remote.allows("192.0.2.1".parse().unwrap(), Some(&key)));
    assert!(!remote.allows("192.0.2.1".parse().unwrap(), None));
    assert_eq!(remote.entries()[0].to_string(), "192.0.2.1/32 key:xfr.example.");
}

#[test]
fn what_is_no_entry_is_refused_with_what_would_do() {
    for (text, says) in [
        ("", "an empty list allows nobody"),
        ("  ", "an empty list allows nobody"),
        ("192.0.2.1/24", "192.0.2.0/24"),
        ("192.0.2.1 192.0.2.2", "an entry of its own"),
        ("any 192.0.2.2", "an entry of its own"),
        ("192.0.2.2 any", "an entry of its own"),
        ("key:a. key:b.", "an entry of its own"),
        ("tls", "beside tls at least any"),
        ("any tls tls", "an entry of its own"),
        ("key:", "label is empty"),
        ("key:a..b", "label is empty"),
        ("localhost", "ADDRESS/BITS"),
        ("!192.0.2.1", "ADDRESS/BITS"),
    ] {
        let error = text.parse::<AccessEntry>().unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
        assert!(error.contains("key:NAME"), "{text}: {error}");
    }
}

#[test]
fn entries_come_back_from_text_and_json() {
    let entries = ["any", "192.0.2.0/24", "key:xfr.example.", "2001:db8::/32 key:xfr.example."];
    let list = list(&entries);
    assert_eq!(list.entries().iter().map(AccessEntry::to_string).collect::<Vec<_>>(), entries);
    let json = serde_json::to_string(&list).unwrap();
    assert_eq!(serde_json::from_str::<AccessList>(&json).unwrap(), list);
    assert!(serde_json::from_str::<AccessList>("[\"nobody\"]").unwrap_err().to_string().contains("key:NAME"));
}

proptest! {
    #[test]
    fn any_text_is_an_entry_that_comes_back_or_an_error(text in "(any|key:[a-z.]{0,5}|[0-9a-f:./]{0,12}| ){0,4}") {
        if let Ok(entry) = text.parse::<AccessEntry>() {
            prop_assert_eq!(entry.to_string().parse::<AccessEntry>().unwrap(), entry);
        }
    }
}
