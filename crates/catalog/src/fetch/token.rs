use std::fmt;

use protocol::{Code, Problem};
use ureq::http::HeaderValue;

/// What a person proves to a model's repository with who they are. It shows itself nowhere: not in logs, not in reports.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token that `text` spells, spaces around it aside; None if it is empty. `name` is the setting that it comes from.
    ///
    /// # Errors
    /// [`Code::SettingInvalid`], which does not tell the text.
    pub fn parse(name: &str, text: &str) -> Result<Option<Self>, Problem> {
        let text = text.trim();
        if text.chars().all(|c| c.is_ascii_graphic()) {
            return Ok(Some(Self(text.to_owned())).filter(|_| !text.is_empty()));
        }
        Err(Problem::new(Code::SettingInvalid)
            .with("name", name)
            .with("value", HIDDEN)
            .with("reason", "a token has only letters, digits and signs"))
    }

    /// As a request carries it.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let mut header = HeaderValue::from_str(&format!("Bearer {}", self.0)).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

/// What is shown in place of a token.
const HIDDEN: &str = "•••";

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_shows_itself_nowhere() {
        let token = Token::parse("HF_TOKEN", " hf_secret\n").unwrap().unwrap();
        let header = token.header().unwrap();
        assert_eq!(header.to_str().unwrap(), "Bearer hf_secret");
        for shown in [format!("{token}"), format!("{token:?}"), format!("{header:?}")] {
            assert!(!shown.contains("secret"), "{shown}");
        }
        assert_eq!(Token::parse("HF_TOKEN", " ").unwrap(), None);
        let problem = Token::parse("HF_TOKEN", "hf_secret\r\nHost: x").unwrap_err();
        assert!(!format!("{problem:?}").contains("secret"), "{problem:?}");
    }
}
