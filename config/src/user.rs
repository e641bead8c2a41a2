//! Users, as operators write them: by name, or by number.

/// The number of a user.
///
/// # Errors
///
/// When this machine knows no such user.
pub fn parse(text: &str) -> Result<u32, String> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    match nix::unistd::User::from_name(text) {
        Ok(Some(found)) => Ok(found.uid.as_raw()),
        _ => Err(format!("expected a user this machine knows, or its number, found {text:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        assert_eq!(parse("root"), Ok(0));
        assert_eq!(parse("4711"), Ok(4711));
        assert!(parse("no-such-user").unwrap_err().contains("\"no-such-user\""));
    }
}
