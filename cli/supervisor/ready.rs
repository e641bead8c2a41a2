//! The one line on standard output that says the server answers.

use std::io::Write;
use std::net::SocketAddr;

use super::sockets::Sockets;

/// Prints the line.
pub(crate) fn announce(sockets: &Sockets, generation: u64, zones: u64, records: u64, auth: u64) {
    let line = line([&sockets.addresses, &sockets.tls_addresses], generation, zones, records, auth);
    let mut out = std::io::stdout().lock();
    // Nobody may be reading; the server serves all the same.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The line.
fn line([addresses, tls]: [&[SocketAddr]; 2], generation: u64, zones: u64, records: u64, auth: u64) -> String {
    let plural = |n: u64| if n == 1 { "" } else { "s" };
    let listed = |addresses: &[SocketAddr]| addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let over_tls = if tls.is_empty() { String::new() } else { format!(", over TLS on {}", listed(tls)) };
    format!(
        "ready: {} zone{}, {} record{}, generation {generation}, {auth} auth, listening on {}{over_tls}",
        thousands(zones),
        plural(zones),
        thousands(records),
        plural(records),
        listed(addresses)
    )
}

/// A number with its thousands set apart.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_reads_as_documented() {
        let address = "127.0.0.1:5300".parse().unwrap();
        assert_eq!(
            line([&[address], &[]], 1, 2, 22_816, 2),
            "ready: 2 zones, 22,816 records, generation 1, 2 auth, listening on 127.0.0.1:5300"
        );
        let tls = ["127.0.0.1:853".parse().unwrap(), "[::1]:853".parse().unwrap()];
        assert_eq!(
            line([&[address], &tls], 1, 1, 1, 1),
            "ready: 1 zone, 1 record, generation 1, 1 auth, listening on 127.0.0.1:5300, over TLS on 127.0.0.1:853, [::1]:853"
        );
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            ["0", "999", "1,000", "12,345,678"],
            [0, 999, 1_000, 12_345_678].map(thousands).each_ref().map(String::as_str)
        );
    }
}
