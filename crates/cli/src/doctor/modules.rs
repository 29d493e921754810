//! Files of llama.cpp that compute, in words: which were chosen, and why.

use protocol::Language;
use protocol::worker::{Hardware, Modules, ProcessorModule};

use crate::output::either;

/// What is for no card, by parts of the files' names.
const FOR_NO_CARD: [&str; 2] = ["ggml-cpu", "ggml-rpc"];

/// The processor's, and why it is that one.
pub(super) fn of_processor(module: &ProcessorModule, language: Language) -> String {
    let ProcessorModule { file, rated } = module;
    match rated.len() {
        0 => either(
            language,
            format!(
                "{file}, a part of this build, made for the processor of the computer that built it: no modules to choose from"
            ),
            format!("{file}（ビルドしたパソコンのプロセッサー向けに組み込まれたもの。選べるモジュールはなし）"),
        ),
        1 => either(
            language,
            format!("{file}, the only module for processors in its folder"),
            format!("{file}（フォルダーにあるプロセッサー用のモジュールはこれだけ）"),
        ),
        all => {
            let lacking: Vec<&str> =
                rated.iter().filter(|module| module.score == 0).map(|module| short(&module.file)).collect();
            let suit = all - lacking.len();
            let why = either(
                language,
                format!(
                    "{file}: of {all} modules for processors {suit} suit this one, and none of them uses more of it"
                ),
                format!(
                    "{file}（プロセッサー用の {all} 個のうち、ここで使えるのは {suit} 個。その中で機能を最も多く使うもの）"
                ),
            );
            if lacking.is_empty() {
                return why;
            }
            let names = lacking.join(either(language, ", ", "、"));
            either(language, format!("{why}; it lacks what {names} need"), format!("{why}。使えないもの：{names}"))
        }
    }
}

/// The generation of processors that a module is for.
fn short(file: &str) -> &str {
    let name = file.split_once("ggml-cpu-").map_or(file, |(_, name)| name);
    name.rsplit_once('.').map_or(name, |(name, _)| name)
}

/// Those for cards that are there, and what is wrong with them.
pub(super) fn of_cards(hardware: &Hardware, has_card: bool, language: Language) -> Option<String> {
    let Modules { folder, refused } = hardware.modules.as_ref()?;
    let folder = folder.display();
    let files = for_cards(hardware);
    if files.is_empty() {
        let fine = if has_card {
            ""
        } else {
            either(language, ", which is fine without a graphics card", "（グラフィックカードがなければ不要）")
        };
        return Some(either(
            language,
            format!("none{fine} (looked for in {folder})"),
            format!("なし{fine}（探した場所：{folder}）"),
        ));
    }
    let told = files.iter().map(|file| {
        let why = refused.iter().find(|module| module.file == *file).map(|module| module.reason.as_str());
        why.map_or_else(
            || (*file).to_owned(),
            |why| {
                either(
                    language,
                    format!("{file}, which the system does not load: {why}"),
                    format!("{file}（システムが読み込めない：{why}）"),
                )
            },
        )
    });
    let told = told.collect::<Vec<_>>().join(either(language, "; ", "、"));
    Some(either(language, format!("{told} (looked for in {folder})"), format!("{told}（探した場所：{folder}）")))
}

/// The files of modules that are for cards.
pub(super) fn for_cards(hardware: &Hardware) -> Vec<&str> {
    // Those for processors and for other computers come with the program.
    let is_for_one = |file: &&str| !FOR_NO_CARD.iter().any(|part| file.contains(part));
    hardware.module_files.iter().map(String::as_str).filter(is_for_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::worker::{RatedModule, RefusedModule};

    fn rated(scores: &[(&str, u32)]) -> Vec<RatedModule> {
        let module =
            |(name, score): &(&str, u32)| RatedModule { file: format!("libggml-cpu-{name}.so"), score: *score };
        scores.iter().map(module).collect()
    }

    #[test]
    fn the_processors_module_is_told_with_what_else_there_was_and_what_it_lacks() {
        let all = rated(&[("zen4", 1983), ("haswell", 64), ("sse42", 5), ("sapphirerapids", 0)]);
        let module = ProcessorModule { file: "libggml-cpu-zen4.so".to_owned(), rated: all };
        let told = of_processor(&module, Language::English);
        assert!(told.contains("zen4") && told.contains("of 4 modules") && told.contains(" 3 suit"), "{told}");
        assert!(told.contains("lacks what sapphirerapids need"), "{told}");
        let japanese = of_processor(&module, Language::Japanese);
        assert!(japanese.contains("4 個のうち") && japanese.contains("sapphirerapids"), "{japanese}");
    }

    #[test]
    fn where_there_is_nothing_to_choose_from_that_is_said() {
        let own = ProcessorModule { file: "libggml-cpu.so.0".to_owned(), rated: Vec::new() };
        assert!(of_processor(&own, Language::English).contains("no modules to choose from"));
        let only = ProcessorModule { file: "libggml-cpu-sse42.so".to_owned(), rated: rated(&[("sse42", 5)]) };
        assert!(of_processor(&only, Language::English).contains("the only module"));
    }

    #[test]
    fn a_module_that_the_system_refuses_is_told_with_its_reason_and_no_module_is_fine_only_without_a_card() {
        let folder = "/usr/lib/taki/modules".into();
        let refused =
            vec![RefusedModule { file: "libggml-cuda.so".to_owned(), reason: "libcuda.so.1: gone".to_owned() }];
        let files = ["libggml-cpu-sse42.so", "libggml-cuda.so", "libggml-rpc.so"].map(str::to_owned).to_vec();
        let hardware =
            Hardware { modules: Some(Modules { folder, refused }), module_files: files, ..Hardware::default() };
        let told = of_cards(&hardware, true, Language::English).unwrap();
        assert!(told.starts_with("libggml-cuda.so, which the system does not load: libcuda.so.1: gone"), "{told}");
        let bare = Hardware { module_files: Vec::new(), ..hardware };
        assert!(of_cards(&bare, false, Language::English).unwrap().contains("fine without"));
        assert!(!of_cards(&bare, true, Language::English).unwrap().contains("fine"));
        assert_eq!(of_cards(&Hardware::default(), true, Language::English), None);
    }
}
