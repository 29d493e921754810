use serde::{Deserialize, Serialize};
use specta::Type;

use crate::ladder::{CacheType, EngineSettings};

/// Language of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum UiLanguage {
    /// The system's.
    #[default]
    System,
    /// English.
    En,
    /// Japanese.
    Ja,
}

/// Colours of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// The system's.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// Who decides how much is proposed before each review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The policy that learns what pays, and stands aside where nothing does.
    #[default]
    Adaptive,
    /// The ladder's K matrix, played as it stands, also where that is slower.
    Matrix,
}

/// The user's choices, kept in the settings file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Type)]
#[serde(default, rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Settings {
    /// Catalogue id of the ladder to load.
    pub ladder: String,
    /// Whether the cascade is on.
    pub speed_up: bool,
    /// Who decides how the cascade drafts.
    pub policy: Policy,
    /// Exact mode.
    pub exact: bool,
    /// Threads to compute with; None is the fastest count, found by trying.
    pub threads: Option<u16>,
    /// Context length in tokens; None is the engine's standard one.
    pub context: Option<u32>,
    /// Type of keys and values that the models hold of a conversation.
    pub cache: CacheType,
    /// Layers of the target on graphics cards, the output counted as one; 0 leaves them alone, None is as many as answers are soonest with.
    pub gpu_layers: Option<u16>,
    /// Other computers that compute along, each as in `127.0.0.1:50052`: the near end of a tunnel to `taki rpc-server`.
    pub workers: Vec<String>,
    /// Whether drafts may copy from what was said in earlier chats.
    pub earlier_chats: bool,
    /// Whether the system tells that a long answer has ended while another window was in front.
    pub notify: bool,
    /// Whether Taki goes on in the background, in the system's tray, when its window is closed.
    pub background: bool,
    /// Folder, as on a USB stick, that models come from in place of the network; empty for none.
    pub source: String,
    /// Address of a mirror of the model repository; empty for the usual one.
    pub mirror: String,
    /// Address of the proxy that downloads go through; empty for the system's.
    pub proxy: String,
    /// Where newer versions of Taki are looked for: the address of a list, or a folder; empty for what was built in, `off` for nowhere.
    pub updates: String,
    /// Whether they are looked for once a day, at the start and while the program stays open.
    pub updates_daily: bool,
    /// Language of the window.
    pub language: UiLanguage,
    /// Colours of the window.
    pub theme: Theme,
    /// How much larger than usual everything is; 1 is usual.
    pub zoom: f64,
    /// Whether the list of conversations is shown.
    pub sidebar: bool,
    /// Instructions that the user keeps for use in conversations.
    pub presets: Vec<Preset>,
}

/// An answer needs at least so many tokens of context.
const SHORTEST: u32 = 64;

impl Settings {
    /// How the engine is to run. A person may have written the file: what makes no sense is brought to where it does.
    #[must_use]
    pub fn running(&self) -> EngineSettings {
        EngineSettings {
            exact: self.exact,
            threads: self.threads.filter(|count| *count > 0),
            context: self.context.map(|context| context.max(SHORTEST)),
            cache: self.cache,
            gpu_layers: self.gpu_layers,
            drafts_on_processor: false,
        }
    }
}

/// Instructions under a name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, Type)]
#[serde(rename_all = "camelCase")]
pub struct Preset {
    /// What the user calls them.
    pub name: String,
    /// What the model is told.
    pub text: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ladder: "smollm2".to_owned(),
            speed_up: true,
            policy: Policy::Adaptive,
            exact: false,
            threads: None,
            context: None,
            cache: CacheType::F16,
            gpu_layers: None,
            workers: Vec::new(),
            earlier_chats: true,
            notify: true,
            background: false,
            source: String::new(),
            mirror: String::new(),
            proxy: String::new(),
            updates: String::new(),
            updates_daily: false,
            language: UiLanguage::System,
            theme: Theme::System,
            zoom: 1.0,
            sidebar: true,
            presets: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_written_by_hand_make_sense_to_the_engine() {
        let of = |threads, context| {
            let running = Settings { threads, context, ..Settings::default() }.running();
            (running.threads, running.context)
        };
        assert_eq!(of(None, None), (None, None));
        assert_eq!(of(Some(3), Some(4096)), (Some(3), Some(4096)));
        assert_eq!(of(Some(0), Some(0)), (None, Some(SHORTEST)));
    }
}
