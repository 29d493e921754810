//! The ways of answering that are compared.

use protocol::{Code, Problem};

/// What stands before the names of another program's ways.
const SERVER: &str = "llama-server/";

/// How llama-server may draft, by its own names.
const SPECULATIONS: [&str; 6] = ["none", "draft-simple", "ngram-simple", "ngram-map-k", "ngram-mod", "ngram-cache"];

/// Behind the name of a way in which drafts never go ahead.
const WAITING: &str = "-waiting";

/// Behind the name of a way in which the target never looks at second choices.
const IN_LINE: &str = "-line";

/// The one that needs a draft model.
const WITH_DRAFT: &str = "draft-simple";

/// Who answers, and how.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Way {
    /// Our engine.
    Ours {
        /// False: the target alone.
        cascade: bool,
        /// A K matrix to be played; None leaves it to the engine.
        k: Option<Vec<Vec<u32>>>,
        /// Whether drafts wait while the target looks, even where they could draft ahead.
        waits: bool,
        /// Whether the target looks at no second choices beside what was proposed.
        in_line: bool,
    },
    /// A llama-server with this `--spec-type`.
    Server(&'static str),
}

/// One way of answering and its name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Config {
    pub(super) name: String,
    pub(super) way: Way,
}

/// What ways there can be: the shape of the ladder, and whether another program is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Possible<'a> {
    /// Draft models of the ladder.
    pub(super) drafts: usize,
    /// Draft models and, perhaps, Max-Gram.
    pub(super) size: usize,
    /// Its K matrix.
    pub(super) k: &'a [Vec<u32>],
    /// Whether there is a llama-server to measure.
    pub(super) server: bool,
}

impl Config {
    /// All that are to be measured, the target alone first. If there is a server and `names` has none of its ways, all of
    /// them are added.
    pub(super) fn all(names: &[String], possible: Possible<'_>) -> Result<Vec<Self>, Problem> {
        let off = Way::Ours { cascade: false, k: None, waits: false, in_line: false };
        let mut configs = vec![Self { name: "off".to_owned(), way: off }];
        for name in names {
            if configs.iter().all(|config| config.name != *name) {
                configs.push(Self::named(name, possible)?);
            }
        }
        if possible.server && !configs.iter().any(|config| matches!(config.way, Way::Server(_))) {
            let fits = |kind: &&str| *kind != WITH_DRAFT || possible.drafts > 0;
            configs.extend(SPECULATIONS.into_iter().filter(fits).map(Self::of_server));
        }
        Ok(configs)
    }

    fn of_server(speculation: &'static str) -> Self {
        Self { name: format!("{SERVER}{speculation}"), way: Way::Server(speculation) }
    }

    fn named(name: &str, possible: Possible<'_>) -> Result<Self, Problem> {
        let Possible { drafts, size, k, server } = possible;
        let refuse = |reason: &str| {
            // Nothing at all would leave a gap in the sentence.
            let value = if name.is_empty() { "“”" } else { name };
            Err(Problem::new(Code::SettingInvalid)
                .with("name", "--configs")
                .with("value", value)
                .with("reason", reason))
        };
        if let Some(kind) = name.strip_prefix(SERVER) {
            return match SPECULATIONS.into_iter().find(|known| *known == kind) {
                _ if !server => refuse("it needs --peers with the path of a llama-server"),
                Some(WITH_DRAFT) if drafts == 0 => refuse("the ladder has no draft model"),
                Some(kind) => Ok(Self::of_server(kind)),
                None => refuse(&format!("llama-server is measured with {}", SPECULATIONS.join(", "))),
            };
        }
        let only = |column: usize, tokens: u32| {
            let mut k = vec![vec![0; size]; size];
            k[0][column] = tokens;
            k
        };
        let (way, waits) = name.strip_suffix(WAITING).map_or((name, false), |way| (way, true));
        let (way, in_line) = way.strip_suffix(IN_LINE).map_or((way, false), |way| (way, true));
        let k = match way.rsplit_once('-').map_or((way, None), |(kind, count)| (kind, count.parse().ok())) {
            ("adaptive", None) => None,
            _ if in_line => return refuse("only adaptive looks at second choices, which -line leaves out"),
            ("cascade", None) if size == 0 => return refuse("the ladder has nothing that drafts"),
            ("cascade", None) => Some(k.to_vec()),
            ("speculative", Some(_)) if drafts == 0 => return refuse("the ladder has no draft model"),
            ("speculative", Some(tokens @ 1..=64)) => Some(only(0, tokens)),
            ("max-gram", Some(_)) if size == drafts => return refuse("the ladder has no Max-Gram"),
            ("max-gram", Some(tokens @ 1..=64)) => Some(only(size - 1, tokens)),
            _ => {
                return refuse(&format!(
                    "known are off, adaptive, cascade, speculative-N and max-gram-N with N from 1 to 64, each with {WAITING} too, adaptive{IN_LINE}, and with --peers {}",
                    SPECULATIONS.map(|kind| format!("{SERVER}{kind}")).join(", ")
                ));
            }
        };
        Ok(Self { name: name.to_owned(), way: Way::Ours { cascade: true, k, waits, in_line } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn possible(k: &[Vec<u32>], drafts: usize, size: usize, server: bool) -> Possible<'_> {
        Possible { drafts, size, k, server }
    }

    fn names(asked: &[&str], possible: Possible<'_>) -> Vec<String> {
        let asked: Vec<String> = asked.iter().map(|name| (*name).to_owned()).collect();
        Config::all(&asked, possible).unwrap().into_iter().map(|config| config.name).collect()
    }

    #[test]
    fn names_become_matrices_and_nonsense_is_refused() {
        let k = vec![vec![1, 2], vec![0, 3]];
        let named = |name: &str, drafts, size| Config::named(name, possible(&k, drafts, size, false)).map(|c| c.way);
        let ours = |k: Option<Vec<Vec<u32>>>| Way::Ours { cascade: true, k, waits: false, in_line: false };
        assert_eq!(named("speculative-3", 1, 2).unwrap(), ours(Some(vec![vec![3, 0], vec![0, 0]])));
        assert_eq!(named("max-gram-4", 1, 2).unwrap(), ours(Some(vec![vec![0, 4], vec![0, 0]])));
        assert_eq!(named("cascade", 1, 2).unwrap(), ours(Some(k.clone())));
        assert_eq!(named("adaptive", 1, 2).unwrap(), ours(None));
        let waiting = |k| Way::Ours { cascade: true, k, waits: true, in_line: false };
        assert_eq!(named("adaptive-waiting", 1, 2).unwrap(), waiting(None));
        assert_eq!(named("max-gram-4-waiting", 1, 2).unwrap(), waiting(Some(vec![vec![0, 4], vec![0, 0]])));
        let in_line = |waits| Way::Ours { cascade: true, k: None, waits, in_line: true };
        assert_eq!(named("adaptive-line", 1, 2).unwrap(), in_line(false));
        assert_eq!(named("adaptive-line-waiting", 1, 2).unwrap(), in_line(true));
        for (name, drafts, size) in [
            ("fast", 1, 2),
            ("cascade-line", 1, 2),
            ("speculative-3-line", 1, 2),
            ("off-line", 1, 2),
            ("speculative-0", 1, 2),
            ("speculative-99", 1, 2),
            ("speculative-3", 0, 1),
            ("max-gram-3", 1, 1),
            ("llama-server/none", 1, 2),
            ("off-waiting", 1, 2),
            ("-waiting", 1, 2),
        ] {
            assert_eq!(named(name, drafts, size).unwrap_err().code, Code::SettingInvalid, "{name}");
        }
        for name in ["", "fast", "speculative-0"] {
            let said = named(name, 1, 2).unwrap_err().details["reason"].clone();
            for known in
                ["off", "adaptive", "max-gram-N", "with --peers", "llama-server/none", "llama-server/ngram-cache"]
            {
                assert!(said.contains(known), "{name}: {said}");
            }
        }
    }

    #[test]
    fn off_comes_first_and_nothing_twice() {
        assert_eq!(names(&["adaptive", "off", "adaptive"], possible(&[], 0, 1, false)), ["off", "adaptive"]);
        assert_eq!(names(&[], possible(&[], 0, 1, false)), ["off"]);
    }

    #[test]
    fn a_server_is_measured_in_every_way_that_fits_unless_some_are_named() {
        let all = names(&["adaptive"], possible(&[], 1, 2, true));
        assert_eq!(all.len(), 2 + SPECULATIONS.len());
        assert_eq!(all[2..4], ["llama-server/none", "llama-server/draft-simple"]);
        assert!(!names(&[], possible(&[], 0, 1, true)).contains(&"llama-server/draft-simple".to_owned()));
        let one = ["llama-server/ngram-mod", "adaptive"];
        assert_eq!(names(&one, possible(&[], 0, 1, true)), ["off", "llama-server/ngram-mod", "adaptive"]);
        for name in ["llama-server/draft-simple", "llama-server/eagle"] {
            let refused = Config::named(name, possible(&[], 0, 1, true)).unwrap_err();
            assert_eq!(refused.code, Code::SettingInvalid, "{name}");
        }
    }
}
