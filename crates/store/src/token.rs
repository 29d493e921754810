//! The token of the model repository, in the system's keyring and nowhere else.

use keyring::v1::{Entry, Error};
use protocol::{Code, Problem};

/// Under what name the keyring has it.
const SERVICE: &str = "taki";
const USER: &str = "model repository";

/// Longest token that is kept, in bytes; those of Hugging Face have 37.
const LONGEST: usize = 512;

/// The token, if one is kept.
///
/// # Errors
/// [`Code::KeyringUnusable`].
pub fn token() -> Result<Option<String>, Problem> {
    match entry()?.get_password() {
        Ok(token) => Ok(Some(token)),
        Err(Error::NoEntry) => Ok(None),
        Err(error) => Err(unusable(&error)),
    }
}

/// Keeps `token` in place of the one before.
///
/// # Errors
/// [`Code::SettingInvalid`] if it cannot be one; [`Code::KeyringUnusable`].
pub fn keep_token(token: &str) -> Result<(), Problem> {
    let token = checked(token)?;
    entry()?.set_password(token).map_err(|error| unusable(&error))
}

/// Forgets the token.
///
/// # Errors
/// [`Code::KeyringUnusable`].
pub fn forget_token() -> Result<(), Problem> {
    match entry()?.delete_credential() {
        Ok(()) | Err(Error::NoEntry) => Ok(()),
        Err(error) => Err(unusable(&error)),
    }
}

fn entry() -> Result<Entry, Problem> {
    if let Err(error) = Entry::store_status() {
        return Err(unusable(error));
    }
    Entry::new(SERVICE, USER).map_err(|error| unusable(&error))
}

fn unusable(error: &Error) -> Problem {
    Problem::new(Code::KeyringUnusable).with("reason", error)
}

/// A token that can stand in a header. What is wrong with it is told without showing it.
fn checked(token: &str) -> Result<&str, Problem> {
    let token = token.trim();
    let plain = token.bytes().all(|byte| byte.is_ascii_graphic());
    if token.is_empty() || token.len() > LONGEST || !plain {
        return Err(Problem::new(Code::SettingInvalid)
            .with("name", "token")
            .with("value", "…")
            .with("reason", "a token is one word of letters, digits and signs"));
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_token_is_kept_and_a_refusal_does_not_show_it() {
        assert_eq!(checked(" hf_abc123\n").unwrap(), "hf_abc123");
        for bad in ["", "  ", "two words", "line\nbreak", "滝", &"a".repeat(600)] {
            let problem = checked(bad).unwrap_err();
            assert_eq!(problem.code, Code::SettingInvalid);
            assert!(bad.trim().is_empty() || problem.details.values().all(|detail| !detail.contains(bad)));
        }
    }
}
