use std::path::PathBuf;

use cascade::{FixedPolicy, KError};
use protocol::Problem;
use protocol::chat::Settings;
use protocol::ladder::{CacheType, EngineSettings};
use store::Rules;

use super::setting;

/// Type of keys and values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum KvType {
    /// 16 bits
    F16,
    /// About half of that
    #[value(name = "q8_0")]
    Q8,
    /// About a quarter of that
    #[value(name = "q4_0")]
    Q4,
}

impl KvType {
    fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Q8 => "q8_0",
            Self::Q4 => "q4_0",
        }
    }

    fn cache(self) -> CacheType {
        match self {
            Self::F16 => CacheType::F16,
            Self::Q8 => CacheType::Q8,
            Self::Q4 => CacheType::Q4,
        }
    }
}

/// How the engine is run. What is not said here of a chat is as the window's settings have it; measurements run alike whatever these are.
#[derive(Debug, clap::Args)]
pub(crate) struct Running {
    /// A ladder of the list, or the path of a .gguf file [default: the one chosen in the window]
    #[arg(long)]
    pub(crate) ladder: Option<String>,
    /// A .gguf file as a draft model in place of the ladder's; can be given again, the largest first
    #[arg(long, value_name = "FILE")]
    pub(crate) draft: Vec<PathBuf>,
    /// Let draft models whose tokens are others than the target's draft by text, which is slower
    #[arg(long)]
    pub(crate) by_text: bool,
    /// Context length in tokens
    #[arg(long)]
    context: Option<u32>,
    /// Type of keys and values that models hold of a text: smaller ones save memory, and cost time and some exactness [default: f16, or what
    /// the settings have for chats]
    #[arg(long, value_enum)]
    kv: Option<KvType>,
    /// Threads to compute with [default: the fastest, found by trying]
    #[arg(long)]
    threads: Option<u32>,
    /// Layers of the target on graphics cards, the output counted as one; 0 leaves everything to the processor [default: as many as answers
    /// are soonest with]
    #[arg(long, allow_negative_numbers = true)]
    gpu_layers: Option<u16>,
    /// Keep drafts with the processor, wherever the target goes: where that has a card for itself, the largest drafts ahead while the target
    /// looks
    #[arg(long)]
    drafts_on_processor: bool,
}

impl Running {
    /// How a chat runs: as `settings` have it where the command line says nothing. `exact` is what that says of exact mode.
    ///
    /// # Errors
    /// [`Code::SettingInvalid`](protocol::Code::SettingInvalid), those of [`counts`].
    pub(crate) fn chatting(
        &self,
        exact: Option<bool>,
        settings: &Settings,
        rules: &Rules,
    ) -> Result<EngineSettings, Problem> {
        let exact = counts(rules, ("exact", "--exact"), exact, settings.exact)?;
        self.engine(exact, settings.running(), rules)
    }

    /// How a measurement runs: alike for everybody where the command line says nothing, but within what the administrator has laid down.
    ///
    /// # Errors
    /// As [`chatting`](Self::chatting).
    pub(crate) fn measuring(&self, exact: bool, rules: &Rules) -> Result<EngineSettings, Problem> {
        self.engine(exact, rules.limit(EngineSettings::default()), rules)
    }

    /// What is said on the command line, in place of what `stands`.
    fn engine(&self, exact: bool, stands: EngineSettings, rules: &Rules) -> Result<EngineSettings, Problem> {
        let refuse = |name: &str, value: u32, reason: &str| Err(setting(name, value, reason));
        if let Some(context @ ..64) = self.context {
            return refuse("--context", context, "an answer needs at least 64 tokens");
        }
        let threads = match self.threads {
            Some(0) => return refuse("--threads", 0, "at least one is needed"),
            Some(threads @ 513..) => return refuse("--threads", threads, "the engine can use 512 at most"),
            threads => threads.and_then(|threads| u16::try_from(threads).ok()),
        };
        if let Some(kv) = self.kv.filter(|kv| exact && *kv != KvType::F16) {
            return Err(setting("--kv", kv.name(), "exact mode knows 16 bits only"));
        }
        let (context, gpu_layers) = (self.context.map(Some), self.gpu_layers.map(Some));
        Ok(EngineSettings {
            exact,
            threads: counts(rules, ("threads", "--threads"), threads.map(Some), stands.threads)?,
            context: counts(rules, ("context", "--context"), context, stands.context)?,
            cache: counts(rules, ("cache", "--kv"), self.kv.map(KvType::cache), stands.cache)?,
            gpu_layers: counts(rules, ("gpuLayers", "--gpu-layers"), gpu_layers, stands.gpu_layers)?,
            drafts_on_processor: self.drafts_on_processor,
        })
    }
}

/// What counts of a setting: what is `said` on the command line, or else what `stands`. The names are those of the setting and of its option.
///
/// # Errors
/// [`Code::SettingLocked`](protocol::Code::SettingLocked): the administrator has laid down what stands, and something else is said.
pub(crate) fn counts<T: PartialEq>(
    rules: &Rules,
    (name, option): (&str, &str),
    said: Option<T>,
    stands: T,
) -> Result<T, Problem> {
    match said {
        Some(said) if said != stands => rules.leaves_open(name, option).map(|()| said),
        _ => Ok(stands),
    }
}

/// How much is drafted where that is fixed.
#[derive(Debug, clap::Args)]
pub(crate) struct Fixed {
    /// How many tokens each model drafts for each reviewer (bench: in the way called cascade; lab swi: in one called given): rows of a K
    /// matrix, as in `4,4;0,4`
    #[arg(long, value_name = "ROWS")]
    k: Option<String>,
}

impl Fixed {
    /// The K matrix that was asked for, for these drafters.
    ///
    /// # Errors
    /// As [`matrix`].
    pub(crate) fn k(&self, drafters: &[&str]) -> Result<Option<Vec<Vec<u32>>>, Problem> {
        self.k.as_deref().map(|text| matrix(text, drafters)).transpose()
    }
}

/// The names of what drafts for the target: the models below it, the largest first, and perhaps Max-Gram.
pub(crate) fn drafters<'n>(models: impl IntoIterator<Item = &'n str>, max_gram: bool) -> Vec<&'n str> {
    models.into_iter().skip(1).chain(max_gram.then_some("Max-Gram")).collect()
}

/// The K matrix that somebody wrote for these drafters.
///
/// # Errors
/// [`Code::SettingInvalid`](protocol::Code::SettingInvalid): something in it is no number, or it makes no sense for them.
pub(crate) fn matrix(text: &str, drafters: &[&str]) -> Result<Vec<Vec<u32>>, Problem> {
    let invalid = |reason: &str| setting("--k", text, reason);
    let count = drafters.len();
    let entry = |row: usize, column: usize| if column < row { "0" } else { "4" };
    let row = |row: usize| (0..count).map(|column| entry(row, column)).collect::<Vec<_>>().join(",");
    let example = (0..count).map(row).collect::<Vec<_>>().join(";");
    let rows = text.split(';').map(|row| row.split(',').map(|entry| entry.trim().parse()).collect());
    let rows: Result<Vec<Vec<u32>>, std::num::ParseIntError> = rows.collect();
    let k = rows.map_err(|_| invalid("it must be rows of whole numbers, as in 4,4;0,4"))?;
    let names = drafters.join(", ");
    let reason = match FixedPolicy::new(&k) {
        Ok(_) if k.len() == count => return Ok(k),
        Ok(_) | Err(KError::NotSquare { .. }) => match count {
            0 => "the ladder has nothing that drafts".into(),
            1 => format!("there is one drafter, {names}, so it must be a single number, as in {example}"),
            _ => format!(
                "there are {count} drafters, {names}, so it must be {count} rows of {count} numbers, as in {example}"
            ),
        },
        Err(KError::UpsideDown { row, .. }) => {
            let (number, zeros) = (row + 1, vec!["0"; row].join(","));
            format!(
                "row {number} must begin with {zeros}, as in {example}: no model drafts for itself or a smaller one"
            )
        }
        Err(KError::TooMany { most, .. }) => format!("no number in it may be above {most}"),
    };
    Err(invalid(&reason))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use protocol::{Code, Language};

    use super::*;

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        running: Running,
    }

    fn running(args: &[&str]) -> Running {
        Only::try_parse_from(std::iter::once(&"taki").chain(args)).unwrap().running
    }

    /// The rules of a file with these settings.
    fn rules(settings: &str) -> Rules {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        std::fs::write(&path, format!("[settings]\n{settings}")).unwrap();
        Rules::first_of([Some(path)]).unwrap()
    }

    #[test]
    fn what_is_said_counts_before_the_settings_and_these_before_what_is_usual() {
        let (open, window) = (Rules::default(), Settings { exact: true, threads: Some(3), ..Settings::default() });
        let window = Settings { context: Some(2048), cache: CacheType::Q8, gpu_layers: Some(0), ..window };
        let unsaid = running(&[]).chatting(None, &window, &open).unwrap();
        assert_eq!(unsaid, window.running());
        let args = ["--threads", "5", "--context", "1024", "--kv", "q4_0", "--gpu-layers", "7"];
        let said = running(&args).chatting(Some(false), &window, &open).unwrap();
        assert_eq!((said.exact, said.threads, said.context), (false, Some(5), Some(1024)));
        assert_eq!((said.cache, said.gpu_layers), (CacheType::Q4, Some(7)));
        let measured = running(&[]).measuring(false, &open).unwrap();
        assert_eq!(measured, EngineSettings::default(), "a measurement runs alike for everybody");
        let refused = running(&["--kv", "q8_0"]).chatting(None, &window, &open).unwrap_err();
        assert_eq!(refused.code, Code::SettingInvalid, "the settings say exact");
    }

    #[test]
    fn what_is_laid_down_holds_and_cannot_be_said_otherwise() {
        let rules = rules("exact = false\nthreads = 2\ncontext = 4096\ncache = \"q8\"\ngpuLayers = 0\n");
        let settings = rules.apply(Settings::default());
        let held = running(&[]).chatting(None, &settings, &rules).unwrap();
        assert_eq!((held.threads, held.context), (Some(2), Some(4096)));
        assert_eq!((held.cache, held.gpu_layers), (CacheType::Q8, Some(0)));
        let same = running(&["--threads", "2", "--kv", "q8_0"]);
        assert_eq!(same.chatting(Some(false), &settings, &rules).unwrap(), held);
        for (option, value) in [("--threads", "3"), ("--context", "512"), ("--kv", "f16"), ("--gpu-layers", "9")] {
            let other = running(&[option, value]);
            for refused in [other.chatting(None, &settings, &rules), other.measuring(true, &rules)] {
                let refused = refused.unwrap_err();
                assert_eq!((refused.code, refused.details["name"].as_str()), (Code::SettingLocked, option));
            }
        }
        let refused = running(&[]).chatting(Some(true), &settings, &rules).unwrap_err();
        assert_eq!((refused.code, refused.details["setting"].as_str()), (Code::SettingLocked, "exact"));
        let measured = running(&[]).measuring(true, &rules).unwrap();
        assert_eq!(measured, EngineSettings { exact: true, ..held }, "nobody is given the answers of a measurement");
    }

    #[test]
    fn a_matrix_is_for_its_drafters_and_what_is_wrong_is_told_with_one_that_is_right() {
        let (one, two) = (drafters(["big"], true), drafters(["big", "small"], true));
        assert_eq!((&one[..], &two[..]), (&["Max-Gram"][..], &["small", "Max-Gram"][..]));
        assert_eq!(drafters(["big"], false).len(), 0);
        assert_eq!(matrix("4", &one), Ok(vec![vec![4]]));
        assert_eq!(matrix("8, 16; 0, 64", &two), Ok(vec![vec![8, 16], vec![0, 64]]));
        for (text, drafters, said) in [
            ("4;4", &one, "one drafter, Max-Gram, so it must be a single number, as in 4"),
            ("4,4;0,4", &one, "one drafter"),
            ("9,9,9;1", &two, "2 drafters, small, Max-Gram, so it must be 2 rows of 2 numbers, as in 4,4;0,4"),
            ("4", &two, "2 rows of 2 numbers"),
            ("4,4;4,4", &two, "row 2 must begin with 0, as in 4,4;0,4"),
            ("65", &one, "above 64"),
            ("4;x", &one, "whole numbers"),
            ("", &one, "whole numbers"),
            ("4", &Vec::new(), "nothing that drafts"),
        ] {
            let refused = matrix(text, drafters).unwrap_err();
            assert_eq!(refused.code, Code::SettingInvalid, "{text}");
            assert!(refused.sentence(Language::English).contains(said), "{text}: {refused}");
            assert!(refused.next_step(Language::English).contains("--k"), "{refused}");
            assert!(refused.details.contains_key("reason_ja"), "{refused}");
        }
    }
}
