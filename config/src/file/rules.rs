//! What the values of a file have to do with each other. Each error stands at the later of two places and names the other.

use super::{File, FileErrorKind, Place};
use crate::declaration::Opt;
use crate::listen::overlap;
use crate::options;

/// Everything that does not go together.
pub(super) fn check(file: &File) -> Vec<(Place, FileErrorKind)> {
    let of_queries = connections(file, &options::CONNECTIONS_PER_CLIENT_MAX, &options::CONNECTIONS_MAX);
    let of_transfers = connections(file, &options::TRANSFERS_PER_CLIENT_MAX, &options::TRANSFERS_MAX);
    let found = [listen(file), cookies(file), of_queries, of_transfers, rates(file)];
    found.into_iter().flatten().map(|(place, text)| (place, FileErrorKind::Contradiction { text })).collect()
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
    // A value that is no address was told of already.
    let sound: Option<Vec<_>> = given.values.iter().map(|(text, _)| (options::LISTEN.parse)(text).ok()).collect();
    let overlap = overlap(&sound?)?;
    let place = |index: usize| given.values.get(index).map_or(given.place, |(_, place)| *place);
    let (first, second) = (place(overlap.first), place(overlap.second));
    Some((second, format!("{overlap} (the other is in line {})", first.line)))
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
