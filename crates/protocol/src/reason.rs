//! Why something went wrong, in the user's language: what libraries and the system say of it, and what this program says of files. The one place that knows these texts;
//! whoever meets a problem hands the text on as it is.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::Language;

/// Reasons that are known; the first that fits counts. This program's own stand before those of libraries and the system, which pass over much.
static KNOWN: LazyLock<Vec<Known>> =
    // Compiled in and read by a test: an unreadable one never ships.
    LazyLock::new(|| serde_json::from_str(include_str!("../messages/reasons.json")).unwrap_or_default());

/// How deep reasons may stand in one another.
const DEEPEST: usize = 4;

/// A reason under all the texts that it comes in.
#[derive(Debug, Deserialize)]
struct Known {
    /// As they come, with `{name}` for what is taken over, `{because}` and `{where}` for what has words of its own and `{*}` for what is
    /// passed over: at the beginning only what ends with a colon, as a path may hold anything. A `{where}` has to be known.
    texts: Vec<String>,
    /// Whether it counts only behind the line and column of a file: its texts could begin anything.
    #[serde(default)]
    placed: bool,
    /// In English; as it came, if that can be shown.
    en: Option<String>,
    ja: String,
}

/// What `raw` means, in `language`; None if it is not known.
pub(crate) fn in_words(raw: &str, language: Language) -> Option<String> {
    words(raw.trim(), language, false, 0)
}

/// A reason without the line of a file that TOML's errors show: a password may stand in it, and reasons stand in logs.
pub(crate) fn without_source(raw: String) -> String {
    if !raw.contains("TOML parse error at") {
        return raw;
    }
    let shown = |line: &&str| {
        let (number, behind) = line.trim_start().split_once('|').unwrap_or(("-", ""));
        !number.trim().chars().all(|c| c.is_ascii_digit()) || behind.is_empty() && number == "-"
    };
    raw.lines().filter(shown).collect::<Vec<_>>().join("\n")
}

fn words(raw: &str, language: Language, placed: bool, depth: usize) -> Option<String> {
    if depth > DEEPEST {
        return None;
    }
    let inner = |raw: &str, placed: bool| words(raw.trim(), language, placed, depth + 1);
    // Several, one for each place that was tried.
    if let Some((first, rest)) = raw.split_once("; ")
        && let Some(first) = inner(first, false)
    {
        let between = match language {
            Language::English => "; ",
            Language::Japanese => "。",
        };
        return Some(format!("{first}{between}{}", inner(rest, false).unwrap_or_else(|| rest.to_owned())));
    }
    let fits = |known: &Known| {
        let found = known.texts.iter().find_map(|text| taken(text, raw))?;
        let words = match language {
            Language::English => known.en.as_deref(),
            Language::Japanese => Some(known.ja.as_str()),
        };
        let template = words.unwrap_or_else(|| known.texts.first().map_or("", String::as_str));
        // What was passed over can be shown by itself only.
        if words.is_none() && template.contains("{*}") {
            return Some(raw.to_owned());
        }
        let placed = found.iter().any(|(name, _)| *name == "line");
        let found = found.into_iter().map(|(name, value)| match name {
            "because" => Some((name, inner(value, placed).unwrap_or_else(|| value.to_owned()))),
            // Much begins like a place; only those that are known are one.
            "where" => Some((name, inner(value, placed)?)),
            _ => Some((name, value.to_owned())),
        });
        let found = found.collect::<Option<Vec<_>>>()?;
        Some(filled(template, |name| found.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)))
    };
    KNOWN.iter().filter(|known| placed || !known.placed).find_map(fits)
}

/// `template` with what its placeholders stand for, in one pass: a value with braces is never read as a placeholder.
pub(crate) fn filled<'v>(template: &str, value: impl Fn(&str) -> &'v str) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once('{') {
        filled.push_str(literal);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(value(name));
        rest = after;
    }
    filled + rest
}

/// What `template` takes over from `text`, by name; None if the one is not the other's.
fn taken<'t>(template: &'t str, text: &'t str) -> Option<Vec<(&'t str, &'t str)>> {
    let (whole, mut template, mut text, mut found) = (text, template, text, Vec::new());
    while let Some((literal, rest)) = template.split_once('{') {
        text = text.strip_prefix(literal)?;
        let (name, after) = rest.split_once('}')?;
        let next = after.split('{').next().unwrap_or_default();
        let passes = |end: &usize| name != "*" || text.len() < whole.len() || *end == 0 || text[..*end].ends_with(": ");
        let end = if next.len() == after.len() {
            text.strip_suffix(next)?.len()
        } else {
            text.match_indices(next).map(|(end, _)| end).find(passes)?
        };
        found.push((name, &text[..end]));
        (text, template) = (&text[end..], after);
    }
    (template == text).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn both(raw: &str) -> (String, String) {
        (in_words(raw, Language::English).unwrap(), in_words(raw, Language::Japanese).unwrap())
    }

    #[test]
    fn what_the_system_and_libraries_say_is_said_in_the_users_language() {
        use std::io::{Error, ErrorKind};
        for (raw, en, ja) in [
            ("io: Connection refused (os error 111)", "refuses connections", "拒否"),
            ("failed to lookup address information: Temporary failure in name resolution", "found", "見つかりません"),
            ("timeout: global", "too long", "時間内"),
            ("rustls: invalid peer certificate: UnknownIssuer", "not trusted", "信頼"),
            ("rustls: invalid peer certificate: Expired", "time", "時刻"),
            ("invalid peer certificate: certificate not valid for name \"a\"", "another name", "別の名前"),
            ("no connection within 5 s", "within 5 s", "5 秒以内"),
            ("the file is not there any more (404)", "(404)", "（404）"),
            ("database or disk is full", "no space", "空き容量"),
            ("EOF while parsing a value at line 3 column 7", "line 3, column 7: it ends", "3 行目の 7 文字目：途中"),
            ("Couldn't access platform storage: org.freedesktop.DBus.Error.ServiceUnknown", "locked", "ロック"),
        ] {
            let said = both(raw);
            assert!(said.0.contains(en) && said.1.contains(ja), "{raw}: {said:?}");
        }
        for code in [2, 13, 28] {
            let raw = Error::from_raw_os_error(code).to_string();
            assert!(in_words(&raw, Language::Japanese).is_some(), "{raw}");
        }
        for kind in [ErrorKind::UnexpectedEof, ErrorKind::TimedOut, ErrorKind::ConnectionReset] {
            let raw = Error::from(kind).to_string();
            assert!(in_words(&raw, Language::Japanese).is_some(), "{raw}");
        }
        assert_eq!(in_words("what nobody has seen yet", Language::Japanese), None);
    }

    #[test]
    fn reasons_stand_in_one_another_and_beside_each_other() {
        let toml = "it is no recipe: TOML parse error at line 2, column 9\n  |\n2 | rungs = 3\n  |         ^\ninvalid type: integer `3`, expected a sequence\n";
        assert_eq!(
            both(toml),
            (
                "it is no recipe: line 2, column 9: a value is of the wrong kind".to_owned(),
                "レシピとして読み取れません：2 行目の 9 文字目：値の種類が違います".to_owned()
            )
        );
        let tried = "Hugging Face: the server cannot be found; Python packages: pip failed: something odd";
        assert_eq!(in_words(tried, Language::English).unwrap(), tried);
        assert_eq!(
            in_words(tried, Language::Japanese).unwrap(),
            "Hugging Face：サーバーが見つかりません。Python パッケージ：pip が失敗しました：something odd"
        );
        // Whatever a file is called, it cannot go on for ever.
        assert!(in_words(&"“a”: ".repeat(10_000), Language::Japanese).is_some());
    }

    #[test]
    fn a_path_is_no_reason_by_itself() {
        let raw = "/media/usb certificate/my-certificate.gguf is shorter than it should be";
        assert_eq!(
            in_words(raw, Language::Japanese).unwrap(),
            "/media/usb certificate/my-certificate.gguf が途中で切れています"
        );
        let raw = "/usb/a.gguf cannot be read: Permission denied (os error 13)";
        assert!(in_words(raw, Language::Japanese).unwrap().starts_with("/usb/a.gguf を読み取れません："));
    }

    #[test]
    fn whatever_a_file_is_called_it_is_no_reason() {
        let japanese = |raw: &str| in_words(raw, Language::Japanese);
        for name in
            ["my-certificate.gguf", "timed out", "Permission denied", "already exists: b", "x certificate: Expired"]
        {
            let said = japanese(&format!("/{name}/usb is shorter than it should be")).unwrap();
            assert_eq!(said, format!("/{name}/usb が途中で切れています"));
            assert_eq!(japanese(&format!("the odd thing /{name}/usb does")), None);
        }
        for odd in ["missing dog", "invalid day", "expected rain", "extra time"] {
            assert_eq!(japanese(odd), None, "{odd}");
            assert_eq!(
                japanese(&format!("{odd} at line 1 column 2")).unwrap(),
                "1 行目の 2 文字目：書き方が正しくありません"
            );
        }
        assert_eq!(japanese("“{because}”: it is no text").unwrap(), "「{because}」：テキストではありません");
        assert_eq!(
            japanese("it is the first of {file} parts of a model, and {count} is not beside it").unwrap(),
            "{file} 個に分かれたモデルの 1 番目ですが、同じフォルダーに {count} がありません"
        );
    }

    #[test]
    fn fields_of_a_file_are_named_in_both_languages() {
        for (raw, ja) in [
            ("in the tensor “a: b”: it is of the unknown type 4", "テンソル「a: b」：型 4 は知られていません"),
            ("in the key “general.name”: it stands there twice", "キー「general.name」：同じものが二度書かれています"),
            ("in the name of key 3: it is empty or far too long", "3 番目のキーの名前：空か、長すぎます"),
            ("it ends in the middle of the key “a”", "キー「a」の途中で終わっています"),
            ("it ends in the middle of the keys, said to be 9", "9 個あるはずのキーの途中で終わっています"),
        ] {
            assert_eq!(both(raw), (raw.to_owned(), ja.to_owned()));
        }
    }

    #[test]
    fn no_line_of_a_file_stands_in_a_reason() {
        let error = "it is no recipe: TOML parse error at line 12, column 9\n   |\n12 | proxy = \"http://me:secret@here\n   |         ^\ninvalid basic string\n";
        let problem = crate::Problem::new(crate::Code::FileUnusable).with("path", "a.toml").with("reason", error);
        let all = serde_json::to_string(&problem).unwrap();
        assert!(!all.contains("secret") && all.contains("TOML parse error at line 12, column 9"), "{all}");
        assert!(!problem.to_string().contains("secret"));
        // Handed on, it says the same.
        let again = crate::Problem::new(crate::Code::FileUnusable).with("reason", &problem.details["reason"]);
        assert_eq!(again.details.get("reason_ja"), problem.details.get("reason_ja"));
        assert!(again.details.contains_key("reason_ja"));
        assert_eq!(without_source("a | b".to_owned()), "a | b");
    }

    #[test]
    fn every_reason_has_words_and_takes_over_only_what_all_its_texts_have() {
        let names = |text: &str| -> BTreeSet<String> {
            text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name.to_owned()).collect()
        };
        assert!(KNOWN.len() > 100, "they are read");
        for known in KNOWN.iter() {
            let mut words = names(&known.ja);
            words.extend(names(known.en.as_deref().unwrap_or_default()));
            assert!(!known.ja.is_empty() && !words.contains("*"), "{known:?}");
            for text in &known.texts {
                assert!(words.is_subset(&names(text)), "{text} does not give all of {words:?}");
                assert!(!text.contains("}{"), "{text} cannot be taken apart");
            }
        }
    }

    #[test]
    fn every_text_finds_its_own_words() {
        // What passes over something may well be found by words that pass over less.
        for known in KNOWN.iter().filter(|known| !known.placed) {
            for text in known.texts.iter().filter(|text| !text.contains("{*}")) {
                let raw = filled(text, |name| if name == "where" { "the weights" } else { "7" });
                let ja = filled(&known.ja, |name| if name == "where" { "モデル本体（重み）" } else { "7" });
                assert_eq!(in_words(&raw, Language::Japanese), Some(ja), "{text}");
            }
        }
        assert_eq!(in_words("in a moment: it is no text", Language::Japanese), None);
    }
}
