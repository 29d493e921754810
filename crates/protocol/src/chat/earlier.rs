use serde::{Deserialize, Serialize};
use specta::Type;

/// How much of earlier chats drafts may copy from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct EarlierChats {
    /// Questions and answers.
    pub messages: u32,
    /// Bytes of their text.
    pub bytes: f64,
}

impl EarlierChats {
    /// The size of these texts.
    pub fn of(texts: &[String]) -> Self {
        let bytes = texts.iter().map(String::len).sum::<usize>();
        Self { messages: texts.len() as u32, bytes: bytes as f64 }
    }
}
