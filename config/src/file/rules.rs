//! What the values of a file have to do with each other. Each error stands at the later of two places and names the other.

use std::net::SocketAddr;

use super::values::Given;
use super::{File, FileErrorKind, Place};
use crate::declaration::Opt;
use crate::listen::overlap;
use crate::options;

/// Everything that does not go together.
pub(super) fn check(file: &File) -> Vec<(Place, FileErrorKind)> {
    let of_queries = connections(file, &options::CONNECTIONS_PER_CLIENT_MAX, &options::CONNECTIONS_MAX);
    let of_transfers = connections(file, &options::TRANSFERS_PER_CLIENT_MAX, &options::TRANSFERS_MAX);
    let found = [listen(file), tls_listen(file), cookies(file), of_queries, of_transfers, rates(file)];
    found
        .into_iter()
        .flatten()
        .map(|(place, text)| (place, FileErrorKind::Contradiction { text }))
        .chain(tls(file))
        .collect()
}

/// There is an address to listen at, and none of them excludes another.
fn listen(file: &File) -> Option<(Place, String)> {
    let given = file.values.given(&options::LISTEN)?;
    if given.values.is_empty() {
        return Some((
            given.place,
            "expected at least one address, found none; leave listen out for the default".to_owned(),
        ));
    }
    apart(&addresses(given, &options::LISTEN))
}

/// The same of addresses for TLS, which is not spoken where plain DNS is (RFC 7858, section 3.1).
fn tls_listen(file: &File) -> Option<(Place, String)> {
    let given = file.values.given(&options::TLS_LISTEN)?;
    if given.values.is_empty() {
        return Some((
            given.place,
            "expected at least one address, found none; leave tls-listen out for none".to_owned(),
        ));
    }
    let plain = file.values.given(&options::LISTEN).map(|given| addresses(given, &options::LISTEN));
    let of_tls = addresses(given, &options::TLS_LISTEN);
    // Those of plain DNS are compared with each other elsewhere.
    apart(&of_tls).or_else(|| of_tls.iter().find_map(|address| apart_from(plain.as_deref()?, *address)))
}

/// The addresses of an option, each with its place. A value that is no address was told of already.
fn addresses(given: &Given, option: &Opt<SocketAddr>) -> Vec<(SocketAddr, Place)> {
    given.values.iter().filter_map(|(text, place)| Some(((option.parse)(text).ok()?, *place))).collect()
}

/// The first two addresses of which there can't be both; told of where the later stands.
fn apart(given: &[(SocketAddr, Place)]) -> Option<(Place, String)> {
    let alone: Vec<SocketAddr> = given.iter().map(|(address, _)| *address).collect();
    let overlap = overlap(&alone)?;
    let ((_, first), (_, second)) = (given.get(overlap.first)?, given.get(overlap.second)?);
    let (earlier, later) = (first.min(second), first.max(second));
    Some((*later, format!("{overlap} (the other is in line {})", earlier.line)))
}

/// The same of one address and each of some others.
fn apart_from(others: &[(SocketAddr, Place)], address: (SocketAddr, Place)) -> Option<(Place, String)> {
    others.iter().find_map(|other| apart(&[*other, address]))
}

/// An address for TLS needs a certificate and its key; these are of no use without.
fn tls(file: &File) -> Vec<(Place, FileErrorKind)> {
    let listens = file.values.given(&options::TLS_LISTEN).map(|given| given.place);
    let shown = [&options::TLS_CERTIFICATE, &options::TLS_KEY];
    let given = shown.iter().filter_map(|option| file.values.given(option)).map(|given| given.place).next();
    let was_refused =
        file.values.is_refused(&options::TLS_LISTEN) || shown.iter().any(|option| file.values.is_refused(option));
    match (listens, given) {
        _ if was_refused => Vec::new(),
        (None, Some(place)) => {
            let text = format!(
                "expected tls-listen in [auth] with [{0}], found none; add it, or leave [{0}] out",
                options::TLS_TABLE
            );
            vec![(place, FileErrorKind::Contradiction { text })]
        }
        (Some(place), _) => {
            let missing = shown.iter().filter(|option| file.values.given(option).is_none());
            missing
                .filter_map(|option| {
                    let (key, range) = (option.declaration.key?.key, option.declaration.range);
                    Some((place, FileErrorKind::Lacking { key, table: options::TLS_TABLE, range }))
                })
                .collect()
        }
        (None, None) => Vec::new(),
    }
}

/// Secrets are of use with cookies alone.
fn cookies(file: &File) -> Option<(Place, String)> {
    let (_, place) = file.values.first(&options::COOKIES).filter(|(is_on, _)| !is_on)?;
    let (secrets, secrets_place) = file.values.first(&options::COOKIE_SECRETS)?;
    let text = format!(
        "expected cookies = true with cookie-secrets, found cookies = false (line {}) and cookie-secrets = {secrets:?} (line {}); leave one out",
        place.line, secrets_place.line
    );
    Some((place.max(secrets_place), text))
}

/// One client has no more connections than all have.
fn connections(file: &File, one: &Opt<u32>, all: &Opt<u32>) -> Option<(Place, String)> {
    let ((of_one, place), (of_all, all_place)) = (file.values.first(one)?, file.values.first(all)?);
    if of_one <= of_all {
        return None;
    }
    let text = format!(
        "expected connections-per-client-max up to connections-max, found {of_one} (line {}) and {of_all} (line {}); \
         lower the first or raise the second",
        place.line, all_place.line
    );
    Some((place.max(all_place), text))
}

/// Rate limiting that limits nothing was not meant.
fn rates(file: &File) -> Option<(Place, String)> {
    let rates: [&Opt<u32>; 3] =
        [&options::RESPONSES_PER_SECOND, &options::NXDOMAINS_PER_SECOND, &options::ERRORS_PER_SECOND];
    let places = rates.map(|rate| file.values.first(rate).filter(|(value, _)| *value == 0).map(|(_, place)| place));
    let [Some(one), Some(other), Some(last)] = places else { return None };
    let text = format!(
        "expected a rate that limits something, found three rates of 0 (lines {}, {} and {}); leave [{}] out to limit nothing",
        one.line,
        other.line,
        last.line,
        options::RATE_LIMIT_TABLE
    );
    Some((one.max(other).max(last), text))
}
