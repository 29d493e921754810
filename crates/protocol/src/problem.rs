use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use specta::Type;

use crate::reason;

/// Declares [`Code`], its list and its spelling in one place.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// What is wrong. Window, terminal and worker branch on this, never on words.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Type)]
        #[serde(rename_all = "snake_case")]
        pub enum Code { $($(#[doc = $doc])+ $name,)+ }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The code as it is written in JSON and in the message catalogues.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

codes! {
    /// `{name}` is no ladder of the catalogue; `{known}` lists them.
    NoSuchLadder = "no_such_ladder",
    /// `{name}` is no model of the catalogue; `{known}` lists them.
    NoSuchModel = "no_such_model",
    /// The ladder `{ladder}` has no earlier version `{version}`; `{known}` lists those it has.
    NoSuchVersion = "no_such_version",
    /// The ladder `{ladder}` was never changed or removed.
    NeverChanged = "never_changed",
    /// The download of `{name}` was interrupted for `{reason}` and goes on by itself.
    DownloadInterrupted = "download_interrupted",
    /// The ladder `{ladder}` uses the model `{name}`, which is to be removed.
    ModelInUse = "model_in_use",
    /// The ladder in `{path}` cannot be read (`{reason}`) and may need the model `{name}`, which is to be removed.
    LadderUnread = "ladder_unread",
    /// The file of the model `{name}` is to be removed from a folder that the administrator's rules in `{path}` share out.
    ModelsShared = "models_shared",
    /// The ladder `{ladder}` is the one in use.
    LadderInUse = "ladder_in_use",
    /// The ladder `{ladder}` came with this program and cannot be changed.
    LadderBuiltIn = "ladder_built_in",
    /// The ladder `{ladder}` came with this program and cannot be removed; `{models}` are its models.
    LadderStays = "ladder_stays",
    /// The file `{path}` is none that this program has exported.
    NotExported = "not_exported",
    /// The administrator's rules in `{path}` do not allow that.
    NotAllowed = "not_allowed",
    /// `{name}` on the command line says otherwise of the setting `{setting}` than the administrator's rules in `{path}`.
    SettingLocked = "setting_locked",
    /// The administrator's rules in `{path}` do not let this computer be lent to another one.
    LendingForbidden = "lending_forbidden",
    /// The administrator's rules in `{path}` cannot be read: `{reason}`.
    RulesUnreadable = "rules_unreadable",
    /// The ladder `{ladder}` has files that were not fetched yet.
    NotInstalled = "not_installed",
    /// The file of the model `{name}` was not fetched yet.
    ModelNotHere = "model_not_here",
    /// The file of `{name}` is not here and has no source: it was made from `{from}`, to the mix `{mix}`.
    MadeGone = "made_gone",
    /// The file of `{name}` is not here and has no source: it is somebody's own.
    OwnGone = "own_gone",
    /// The file of `{name}` is not here, and lies only where another version of this program can fetch it.
    SourceUnknown = "source_unknown",
    /// The file `{path}` of the catalogue's `{model}` is not what it should be.
    ModelDamaged = "model_damaged",
    /// A model file of somebody's own, `{path}`, has other contents than when it was added as `{model}`.
    OwnDamaged = "own_damaged",
    /// The file `{path}` is no GGUF file.
    NotGguf = "not_gguf",
    /// The file `{path}` is empty.
    ModelEmpty = "model_empty",
    /// The file `{path}` ends before its contents do.
    ModelTruncated = "model_truncated",
    /// The file `{path}` cannot be opened: `{reason}`.
    ModelUnreadable = "model_unreadable",
    /// llama.cpp refused the file `{path}`: `{reason}`.
    ModelRefused = "model_refused",
    /// The file is a further part of a model in several files. Details: `path`.
    FurtherPart = "further_part",
    /// The draft `{rung}` splits text into tokens differently from its target.
    TokenizersDiffer = "tokenizers_differ",
    /// The draft `{rung}` is no smaller than what it drafts for.
    DraftTooLarge = "draft_too_large",
    /// The draft `{rung}` cannot take tokens back.
    DraftCannotRollBack = "draft_cannot_roll_back",
    /// `{rung}` cannot draft because its target cannot take tokens back.
    TargetCannotRollBack = "target_cannot_roll_back",
    /// The ladder's settings make no sense: `{reason}`.
    LadderInvalid = "ladder_invalid",
    /// A ladder was given no name.
    NameEmpty = "name_empty",
    /// The name of a ladder has more than `{limit}` characters.
    NameTooLong = "name_too_long",
    /// The n-gram table `{path}` is damaged, or another version wrote it.
    TableDamaged = "table_damaged",
    /// The n-gram table `{path}` was counted with another tokenizer than the target's.
    TableOfOtherTokenizer = "table_of_other_tokenizer",
    /// Not enough memory: needs `{need}`, free `{free}`.
    MemoryShort = "memory_short",
    /// The prompt has `{tokens}` tokens, the context only `{context}`.
    PromptTooLong = "prompt_too_long",
    /// The text has `{size}`, far more than `{context}` tokens can hold (about `{words}` English words, `{characters}`
    /// Japanese characters).
    TextTooLong = "text_too_long",
    /// The folder `{path}` cannot be written: `{reason}`; the environment's `{variable}` names another one.
    FolderUnwritable = "folder_unwritable",
    /// No space: `{size}` to write, `{reserve}` to stay free, `{free}` free in `{path}`.
    DiskFull = "disk_full",
    /// The download of `{name}` failed: `{reason}`.
    DownloadFailed = "download_failed",
    /// `{name}` is given only to those who show who they are, or have accepted the terms on `{page}`: `{reason}`.
    AccessRefused = "access_refused",
    /// Every source of `{name}` carries a different file than the catalogue expects.
    DownloadMismatch = "download_mismatch",
    /// The file at `{path}` beside a recipe is not the one that it names as `{name}`.
    NotAsNamed = "not_as_named",
    /// The folder `{path}` that models are to come from is not there.
    SourceMissing = "source_missing",
    /// The file `{file}` of `{name}` is not in the folder `{path}` that models are to come from.
    NotInSource = "not_in_source",
    /// `{name}`, of which only something was asked, could not be asked about: `{reason}`.
    LookUpFailed = "look_up_failed",
    /// Where `{name}`, of which only something was asked, should lie there is no such file: `{reason}`.
    NotThere = "not_there",
    /// No model can be had from `{address}`: `{reason}`.
    AddressUnusable = "address_unusable",
    /// `{from}`, where updates are looked for, does not give what is asked for: `{reason}`.
    UpdateSourceFailed = "update_source_failed",
    /// What is announced as an update cannot be trusted or used: `{reason}`.
    UpdateRefused = "update_refused",
    /// The update could not be put in place: `{reason}`.
    UpdateNotInstalled = "update_not_installed",
    /// Where `{files}` of the list should lie there are others, or none.
    ListDiffers = "list_differs",
    /// The file of questions `{path}` cannot be used: `{reason}`.
    SuiteUnreadable = "suite_unreadable",
    /// The file `{path}` cannot be used or written: `{reason}`.
    FileUnusable = "file_unusable",
    /// There is no folder `{path}`.
    FolderMissing = "folder_missing",
    /// Standard output cannot be written: `{reason}`.
    OutputFailed = "output_failed",
    /// The command line cannot be understood: `{reason}`.
    WrongUse = "wrong_use",
    /// The setting `{name}` cannot be `{value}`: `{reason}`.
    SettingInvalid = "setting_invalid",
    /// The schema or grammar for the answer cannot be used: `{reason}`.
    GrammarInvalid = "grammar_invalid",
    /// The settings file `{path}` could not be read and was set aside as `{kept}`.
    SettingsSetAside = "settings_set_aside",
    /// The database `{path}` could not be read and was set aside as `{kept}`.
    DatabaseSetAside = "database_set_aside",
    /// The database `{path}` was damaged and set aside as `{kept}`; `{messages}` messages could be read.
    DatabaseRecovered = "database_recovered",
    /// The database in `{path}` was written by a newer version of this program.
    DatabaseNewer = "database_newer",
    /// The database in `{path}` is damaged; only the window mends it.
    DatabaseDamaged = "database_damaged",
    /// The database failed: `{reason}`.
    DatabaseFailed = "database_failed",
    /// The engine ended unexpectedly and was started again.
    WorkerRestarted = "worker_restarted",
    /// What computes besides the processor, `{device}`, failed.
    DeviceLost = "device_lost",
    /// The devices called `{device}` were lost, and without them the ladder needs `{need}` of memory where `{free}` is free.
    DeviceNeeded = "device_needed",
    /// With `{device}` a token takes `{with}` milliseconds, without it about `{without}`.
    DeviceSlower = "device_slower",
    /// The computer at `{address}`, named to compute along, cannot be used: `{reason}`.
    RemoteUnusable = "remote_unusable",
    /// With the computer at `{address}` a token takes `{with}` milliseconds, without it about `{without}`.
    RemoteSlower = "remote_slower",
    /// The engine ended several times in a row.
    WorkerGaveUp = "worker_gave_up",
    /// The engine could not be started: `{reason}`.
    WorkerMissing = "worker_missing",
    /// The program was replaced by another version, `{version}`, while it runs.
    ProgramReplaced = "program_replaced",
    /// Another window works on the files in `{path}`.
    AlreadyOpen = "already_open",
    /// The window had to be drawn anew while an answer was written.
    PageDrawnAnew = "page_drawn_anew",
    /// What draws the window ended again and again.
    PageLost = "page_lost",
    /// No ladder is loaded.
    NothingLoaded = "nothing_loaded",
    /// `{different}` of `{prompts}` answers with the cascade are not the target's own.
    AnswersDiffer = "answers_differ",
    /// Another model is being taken in or made smaller.
    ModelsBusy = "models_busy",
    /// A model that was asked something for a trial wrote nothing.
    NothingWritten = "nothing_written",
    /// The system's keyring cannot be used: `{reason}`.
    KeyringUnusable = "keyring_unusable",
    /// An answer is already being written.
    Busy = "busy",
    /// The user cancelled it.
    Cancelled = "cancelled",
    /// What was asked for is no longer there: a conversation, a message, a file.
    Gone = "gone",
    /// No more than `{limit}` files can go with one message.
    AttachmentsTooMany = "attachments_too_many",
    /// The message is empty.
    MessageEmpty = "message_empty",
    /// The chat template of the model failed: `{reason}`.
    TemplateFailed = "template_failed",
    /// The file `{name}` cannot be opened.
    DocumentUnreadable = "document_unreadable",
    /// The document `{name}` is of no kind that text can be taken from.
    DocumentUnknown = "document_unknown",
    /// The document `{name}` is a picture.
    DocumentPicture = "document_picture",
    /// The document `{name}` is in an office format of before 2007, or RTF.
    DocumentOld = "document_old",
    /// The document `{name}` cannot be read without a password.
    DocumentLocked = "document_locked",
    /// The PDF `{name}` has pages but no text, as a scan has.
    DocumentScanned = "document_scanned",
    /// The document `{name}` has no text at all.
    DocumentEmpty = "document_empty",
    /// The document `{name}` is not what its kind prescribes: `{reason}`.
    DocumentDamaged = "document_damaged",
    /// The document `{name}` is larger than `{limit}`.
    DocumentTooLarge = "document_too_large",
    /// The document `{name}` is built as an attack would be: `{reason}`.
    DocumentUnsafe = "document_unsafe",
    /// The document `{name}` was not read within `{seconds}` seconds.
    DocumentSlow = "document_slow",
    /// The process that read the document `{name}` ended without an answer: `{reason}`.
    DocumentReaderEnded = "document_reader_ended",
    /// A fault in Taki: `{reason}`.
    Internal = "internal",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Languages that every message exists in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Japanese.
    Japanese,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::English, Self::Japanese];

    /// The language of the system, as the environment has it.
    pub fn of_system() -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
        let chosen = set.into_iter().find(|value| !value.is_empty()).unwrap_or_default();
        if chosen.starts_with("ja") { Self::Japanese } else { Self::English }
    }
}

/// The detail that says why.
const REASON: &str = "reason";

/// The detail that says why in a language.
const fn reason_in(language: Language) -> &'static str {
    match language {
        Language::English => "reason_en",
        Language::Japanese => "reason_ja",
    }
}

/// What is wrong, with the details its sentence needs. The words are in `messages/problems.*.json`, shared with the window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Type, thiserror::Error)]
#[error("{}", self.raw())]
pub struct Problem {
    /// What is wrong.
    pub code: Code,
    /// What the `{placeholders}` of the sentence stand for.
    pub details: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Words {
    sentence: String,
    next: String,
}

type Catalogue = BTreeMap<String, Words>;

static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| catalogue(include_str!("../messages/problems.en.json")));
static JAPANESE: LazyLock<Catalogue> = LazyLock::new(|| catalogue(include_str!("../messages/problems.ja.json")));

fn catalogue(text: &str) -> Catalogue {
    // Compiled in and read by a test: an unreadable one never ships.
    serde_json::from_str(text).unwrap_or_default()
}

impl Problem {
    /// A problem without details.
    pub fn new(code: Code) -> Self {
        Self { code, details: BTreeMap::new() }
    }

    /// Adds what a `{placeholder}` stands for. A `reason` may come as a library or the system says it: beside it stands what it means in every language, as far as it is known.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        let mut value = value.to_string();
        if name == REASON {
            for language in Language::ALL {
                let place = reason_in(language).to_owned();
                match reason::in_words(&value, language) {
                    Some(words) => self.details.insert(place, words),
                    None => self.details.remove(&place),
                };
            }
            value = reason::without_source(value);
        }
        self.details.insert(name.to_owned(), value);
        self
    }

    /// What is wrong, one plain sentence.
    pub fn sentence(&self, language: Language) -> String {
        self.words(language).map_or_else(|| self.code.to_string(), |words| self.fill(&words.sentence, Some(language)))
    }

    /// What to do next, one plain sentence.
    pub fn next_step(&self, language: Language) -> String {
        self.words(language).map_or_else(String::new, |words| self.fill(&words.next, Some(language)))
    }

    /// The sentence for logs: the reason as it came.
    fn raw(&self) -> String {
        self.words(Language::English).map_or_else(|| self.code.to_string(), |words| self.fill(&words.sentence, None))
    }

    fn words(&self, language: Language) -> Option<&'static Words> {
        match language {
            Language::English => ENGLISH.get(self.code.as_str()),
            Language::Japanese => JAPANESE.get(self.code.as_str()),
        }
    }

    /// What stands in the place of `{name}`.
    fn detail(&self, name: &str, language: Option<Language>) -> &str {
        let in_words = language.filter(|_| name == REASON).and_then(|language| self.details.get(reason_in(language)));
        in_words.or_else(|| self.details.get(name)).map_or("?", String::as_str)
    }

    fn fill(&self, template: &str, language: Option<Language>) -> String {
        let text = reason::filled(template, |name| self.detail(name, language));
        // Names and reasons come from files of strangers: none of them commands the terminal.
        text.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
    }
}

/// The problem of a folder that cannot be written because of `error`; `variable` of the environment names another one.
pub fn folder_unwritable(folder: &Path, error: &dyn fmt::Display, variable: &str) -> Problem {
    // The name of a file that was never finished helps nobody.
    let error = error.to_string();
    let reason = match folder.ancestors().find(|ancestor| ancestor.exists()) {
        // The system calls it "not a directory", of a path that should become one.
        Some(file) if !file.is_dir() => format!("there is a file at {}", file.display()),
        _ => error.split(" at path ").next().unwrap_or_default().to_owned(),
    };
    let problem = Problem::new(Code::FolderUnwritable).with("path", folder.display());
    problem.with("reason", reason).with("variable", variable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect()
    }

    #[test]
    fn every_code_has_words_in_both_languages_and_none_are_left_over() {
        for (language, catalogue) in [("en", &*ENGLISH), ("ja", &*JAPANESE)] {
            let have: BTreeSet<&str> = catalogue.keys().map(String::as_str).collect();
            let want: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
            assert_eq!(have, want, "{language}");
            for (code, words) in catalogue {
                assert!(!words.sentence.is_empty() && !words.next.is_empty(), "{language}: {code}");
                let (en, here) = (&ENGLISH[code], words);
                let all = |w: &Words| format!("{}{}", w.sentence, w.next);
                assert_eq!(placeholders(&all(en)), placeholders(&all(here)), "{code}: same details in every language");
            }
        }
    }

    #[test]
    fn a_code_is_spelled_the_same_in_json_and_in_the_catalogue() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{}\"", code.as_str()));
        }
    }

    #[test]
    fn a_reason_is_said_in_the_language_of_the_sentence_and_kept_as_it_came() {
        let problem = Problem::new(Code::DownloadFailed)
            .with("name", "A")
            .with("reason", "io: Connection refused (os error 111)");
        assert!(problem.sentence(Language::Japanese).contains("サーバーが接続を拒否しました"));
        assert!(problem.sentence(Language::English).contains("(the server refuses connections)"), "{problem:?}");
        assert!(problem.to_string().contains("os error 111"), "logs have it as it came");
        assert_eq!(problem.details["reason"], "io: Connection refused (os error 111)");
        let other = problem.with("reason", "something odd");
        assert!(other.sentence(Language::Japanese).contains("something odd"), "{other:?}");
    }

    #[test]
    fn a_file_in_the_way_of_a_folder_is_named() {
        let program = std::env::current_exe().unwrap();
        let reason = |folder: &Path| folder_unwritable(folder, &"os error 20", "X").details["reason"].clone();
        assert_eq!(reason(&program.join("data/deep")), format!("there is a file at {}", program.display()));
        assert_eq!(reason(&program.with_file_name("no-such-folder")), "os error 20");
    }

    #[test]
    fn details_fill_the_sentence_and_are_never_filled_themselves() {
        let problem = Problem::new(Code::NoSuchLadder).with("name", "{known}").with("known", "a, b");
        let sentence = problem.sentence(Language::English);
        assert!(sentence.contains("{known}"), "the user's braces stay as typed: {sentence}");
        assert!(!problem.next_step(Language::English).contains('{'));
        let hostile = Problem::new(Code::NoSuchLadder).with("name", "\u{1b}[2J\u{7}").with("known", "a\nb");
        let sentence = hostile.sentence(Language::English);
        assert!(sentence.contains("\u{fffd}[2J\u{fffd}") && !sentence.contains('\u{1b}'), "{sentence:?}");
    }
}
