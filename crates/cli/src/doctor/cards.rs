//! Graphics cards that the system lists and the engine does not use: why, and what to do.

use protocol::Language;
use protocol::worker::{Device, DeviceKind, Hardware};

use super::machine::{Card, Machine};
use super::modules::for_cards;
use crate::output::either;

/// Makers of cards, with what their drivers are called and through what llama.cpp uses the cards, the best first.
const MAKERS: [(&str, &[&str], &[&str]); 3] = [
    ("NVIDIA", &["nvidia"], &["cuda", "vulkan"]),
    ("AMD", &["amdgpu", "radeon"], &["hip", "vulkan"]),
    ("Intel", &["i915", "xe"], &["sycl", "vulkan"]),
];

/// What is for cards of any maker, by its file's name, and where all that it asks for comes from.
const VULKAN: &str = "ggml-vulkan";
const VULKAN_FROM: &str =
    "the system's packages have it, in Debian and Ubuntu libvulkan1 and mesa-vulkan-drivers, NVIDIA's driver its own";
const VULKAN_FROM_JA: &str =
    "Debian や Ubuntu では libvulkan1 と mesa-vulkan-drivers、NVIDIA では専用ドライバーに含まれています";

/// What would have unused cards used, one line for each maker. `packaged`: there is no source beside this program to build from.
pub(super) fn unused(machine: &Machine, hardware: &Hardware, packaged: bool, language: Language) -> Vec<String> {
    // Of an engine that did not start nobody knows what it would use.
    if hardware.modules.is_none() {
        return Vec::new();
    }
    let advice = |(maker, drivers, through): &(&str, &[&str], &[&str])| {
        let cards: Vec<&Card> = machine.cards.iter().filter(|card| card.maker == *maker).collect();
        let used = hardware.devices.iter().filter(|device| is_of(maker, device)).count();
        let (card, unused) = (cards.first()?, cards.len().saturating_sub(used));
        if unused == 0 {
            return None;
        }
        let which = match (unused, cards.len()) {
            (1, 1) => {
                either(language, format!("The {maker} card is not used"), format!("{maker} のカードを使っていません"))
            }
            (unused, all) => either(
                language,
                format!("Of {all} {maker} cards {unused} are not used"),
                format!("{maker} のカード {all} 枚のうち {unused} 枚を使っていません"),
            ),
        };
        let is_driven = card.driver.as_deref().is_some_and(|driver| drivers.contains(&driver));
        let why = if is_driven {
            through_modules(maker, through, card, hardware, packaged, language)
        } else {
            without_driver(maker, card, language)
        };
        Some(either(language, format!("{which}: {why}"), format!("{which}。{why}")))
    };
    MAKERS.iter().filter_map(advice).collect()
}

/// Whether the engine's device is a card of this maker.
fn is_of(maker: &str, device: &Device) -> bool {
    let (backend, name) = (device.backend.to_lowercase(), device.description.to_lowercase());
    let is_its = match maker {
        "NVIDIA" => backend.starts_with("cuda") || name.contains("nvidia"),
        "AMD" => backend.starts_with("rocm") || name.contains("amd") || name.contains("radeon"),
        _ => backend.starts_with("sycl") || name.contains(&maker.to_lowercase()),
    };
    is_its && device.kind != DeviceKind::Remote
}

fn without_driver(maker: &str, card: &Card, language: Language) -> String {
    let now = card.driver.as_deref().map_or_else(
        || either(language, "it has none".to_owned(), "今はドライバーがありません".to_owned()),
        |driver| either(language, format!("it has {driver}"), format!("今のドライバーは {driver} です")),
    );
    either(
        language,
        format!("it needs {maker}'s own driver, and {now}."),
        format!("{maker} のドライバーが必要です（{now}）。"),
    )
}

/// Why a card with its driver is not used.
fn through_modules(
    maker: &str,
    through: &[&str],
    card: &Card,
    hardware: &Hardware,
    packaged: bool,
    language: Language,
) -> String {
    let is_for_it = |file: &&str| through.iter().any(|way| file.contains(&format!("ggml-{way}")));
    let files: Vec<&str> = for_cards(hardware).into_iter().filter(is_for_it).collect();
    let Some(file) = files.first() else { return without_module(maker, hardware, packaged, language) };
    let mut refused = hardware.modules.iter().flat_map(|modules| &modules.refused);
    if let Some(module) = refused.find(|module| files.contains(&module.file.as_str())) {
        let (file, reason) = (&module.file, &module.reason);
        let (from, from_ja) = if file.contains(VULKAN) {
            (VULKAN_FROM, VULKAN_FROM_JA)
        } else {
            (
                "it comes with the card's driver, or with its maker's other packages",
                "カードのドライバーかメーカーのほかのパッケージに含まれています",
            )
        };
        return either(
            language,
            format!("{file} is there, but the system does not load it ({reason}). Install what is missing: {from}."),
            format!(
                "{file} はありますが、システムが読み込めません（{reason}）。足りないものをインストールしてください（{from_ja}）。"
            ),
        );
    }
    let driver = driver(card, language);
    let (no_card, no_card_ja) = if hardware.devices.iter().any(|device| is_of(maker, device)) {
        ("no other card", "ほかに使えるカードが見つかりません")
    } else {
        ("no card", "使えるカードが見つかりません")
    };
    if file.contains(VULKAN) {
        return either(
            language,
            format!(
                "{file} is there and finds {no_card} that it can use. What lets Vulkan use it may be missing ({VULKAN_FROM}), its driver \
                 ({driver}) or the card may be too old for Vulkan 1.2, or this user may not use the card."
            ),
            format!(
                "{file} はありますが、{no_card_ja}。Vulkan 用のドライバーがないか（{VULKAN_FROM_JA}）、ドライバー（{driver}）やカードが Vulkan 1.2 には\
                 古いか、このユーザーにカードを使う権限がない可能性があります。"
            ),
        );
    }
    either(
        language,
        format!(
            "{file} is there and finds {no_card} that it can use. Its driver ({driver}) may be too old for it, the module may be for other \
             cards, or this user may not use the card."
        ),
        format!(
            "{file} はありますが、{no_card_ja}。ドライバー（{driver}）が古いか、モジュールが別のカード向けか、このユーザーにカードを使う権限がない\
             可能性があります。"
        ),
    )
}

fn without_module(maker: &str, hardware: &Hardware, packaged: bool, language: Language) -> String {
    let folder = hardware.modules.as_ref().map(|modules| modules.folder.display().to_string()).unwrap_or_default();
    match (maker, packaged) {
        ("NVIDIA", false) => either(
            language,
            "`make cuda` in Taki's source builds the module for it (with NVIDIA's nvcc; 4 minutes on 16 cores, half an hour on 2).".to_owned(),
            "Taki のソースで「make cuda」を実行すると、必要なモジュールができます（NVIDIA の nvcc が必要。16 コアで 4 分、2 コアで 30 分ほど）。"
                .to_owned(),
        ),
        ("NVIDIA", true) => either(
            language,
            format!(
                "this package has no module for it. libggml-cuda.so, built with `scripts/cuda.sh` from the source of this very version, belongs \
                 into {folder}."
            ),
            format!(
                "このパッケージにはカード用のモジュールがありません。同じバージョンのソースから `scripts/cuda.sh` で作った libggml-cuda.so を \
                 {folder} に置いてください。"
            ),
        ),
        (_, false) => either(
            language,
            "`make vulkan` in Taki's source builds the module for it (7 minutes on 2 cores).".to_owned(),
            "Taki のソースで「make vulkan」を実行すると、必要なモジュールができます（2 コアで 7 分ほど）。".to_owned(),
        ),
        (_, true) => either(
            language,
            format!(
                "this package has no module for it. libggml-vulkan.so, built with `scripts/vulkan.sh` from the source of this very version, belongs \
                 into {folder}."
            ),
            format!(
                "このパッケージにはカード用のモジュールがありません。同じバージョンのソースから `scripts/vulkan.sh` で作った libggml-vulkan.so を \
                 {folder} に置いてください。"
            ),
        ),
    }
}

/// A card's driver, with its version where it has one of its own.
pub(super) fn driver(card: &Card, language: Language) -> String {
    match (&card.driver, &card.version) {
        (Some(driver), Some(version)) => format!("{driver} {version}"),
        (Some(driver), None) => {
            either(language, format!("{driver}, the kernel's own"), format!("{driver}、カーネル付属"))
        }
        (None, _) => either(language, "none".to_owned(), "なし".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::worker::{Modules, RefusedModule};

    fn machine(cards: &[(&str, Option<&str>)]) -> Machine {
        let card = |(maker, driver): &(&str, Option<&str>)| Card {
            maker: (*maker).to_owned(),
            driver: driver.map(str::to_owned),
            version: None,
        };
        Machine { cards: cards.iter().map(card).collect(), ..Machine::default() }
    }

    fn hardware(files: &[&str]) -> Hardware {
        let modules = Some(Modules { folder: "/usr/lib/taki/modules".into(), refused: Vec::new() });
        Hardware { modules, module_files: files.iter().map(|file| (*file).to_owned()).collect(), ..Hardware::default() }
    }

    fn device(backend: &str, description: &str) -> Device {
        let (name, backend) = (format!("{backend}0"), backend.to_owned());
        let description = description.to_owned();
        Device { name, description, backend, kind: DeviceKind::Card, total: 8 << 30, free: 7 << 30 }
    }

    fn told(machine: &Machine, hardware: &Hardware, packaged: bool) -> Vec<String> {
        unused(machine, hardware, packaged, Language::English)
    }

    #[test]
    fn a_card_without_a_module_is_told_what_can_be_done_where_the_program_is() {
        let nvidia = machine(&[("NVIDIA", Some("nvidia"))]);
        let built = told(&nvidia, &hardware(&["libggml-rpc.so"]), false);
        assert!(built.len() == 1 && built[0].contains("`make cuda` in Taki's source builds"), "{built:?}");
        let packaged = told(&nvidia, &hardware(&["libggml-cpu-sse42.so", "libggml-rpc.so"]), true);
        assert!(packaged[0].contains("this package") && packaged[0].contains("/usr/lib/taki/modules"), "{packaged:?}");
        for (maker, driver) in [("AMD", "amdgpu"), ("Intel", "i915")] {
            let other = machine(&[(maker, Some(driver))]);
            let packaged = told(&other, &hardware(&[]), true);
            assert!(packaged.len() == 1 && packaged[0].contains(maker), "{packaged:?}");
            assert!(packaged[0].contains("libggml-vulkan.so") && !packaged[0].contains("make vulkan"), "{packaged:?}");
            let built = told(&other, &hardware(&[]), false);
            assert!(built[0].contains("`make vulkan` in Taki's source builds"), "{built:?}");
        }
    }

    #[test]
    fn a_module_that_is_there_while_no_card_answers_is_not_to_be_built_again() {
        let mut nvidia = machine(&[("NVIDIA", Some("nvidia"))]);
        nvidia.cards[0].version = Some("470.57.02".to_owned());
        let mut there = hardware(&["libggml-cuda.so"]);
        let silent = told(&nvidia, &there, false);
        assert!(silent[0].contains("470.57.02") && !silent[0].contains("make cuda"), "{silent:?}");
        let refused = RefusedModule { file: "libggml-cuda.so".to_owned(), reason: "libcuda.so.1: gone".to_owned() };
        there.modules.as_mut().unwrap().refused.push(refused);
        let refused = told(&nvidia, &there, true);
        assert!(refused[0].contains("libcuda.so.1: gone") && !refused[0].contains("make cuda"), "{refused:?}");
        let amd = told(&machine(&[("AMD", Some("amdgpu"))]), &there, true);
        assert!(amd[0].contains("no module for it"), "NVIDIA's is none of AMD's: {amd:?}");
    }

    #[test]
    fn what_vulkan_asks_for_is_the_systems_to_bring() {
        let amd = machine(&[("AMD", Some("amdgpu"))]);
        let mut there = hardware(&["libggml-vulkan.so"]);
        let silent = told(&amd, &there, true);
        assert!(silent[0].contains("no card") && silent[0].contains("mesa-vulkan-drivers"), "{silent:?}");
        let refused = RefusedModule { file: "libggml-vulkan.so".to_owned(), reason: "libvulkan.so.1: gone".to_owned() };
        there.modules.as_mut().unwrap().refused.push(refused);
        let refused = told(&amd, &there, true);
        assert!(refused[0].contains("libvulkan.so.1: gone") && refused[0].contains("libvulkan1 and"), "{refused:?}");
    }

    #[test]
    fn a_second_card_is_told_of_although_another_one_is_used() {
        let both = machine(&[("NVIDIA", Some("nvidia")), ("AMD", Some("amdgpu"))]);
        let mut seen = hardware(&["libggml-cuda.so"]);
        seen.devices.push(device("CUDA", "NVIDIA GeForce RTX 4060"));
        let one = told(&both, &seen, true);
        assert!(one.len() == 1 && one[0].starts_with("The AMD card"), "{one:?}");
        let two = told(&machine(&[("NVIDIA", Some("nvidia")), ("NVIDIA", Some("nvidia"))]), &seen, true);
        assert!(two[0].starts_with("Of 2 NVIDIA cards 1 are not used") && two[0].contains("no other card"), "{two:?}");
        seen.devices.push(device("Vulkan", "AMD Radeon RX 6600 (RADV NAVI23)"));
        assert!(told(&both, &seen, true).is_empty());
    }

    #[test]
    fn a_card_without_its_makers_driver_needs_that_first_and_unknown_ones_nothing() {
        let nouveau = told(&machine(&[("NVIDIA", Some("nouveau"))]), &hardware(&[]), true);
        assert!(nouveau[0].contains("own driver") && nouveau[0].contains("nouveau"), "{nouveau:?}");
        let bare = unused(&machine(&[("NVIDIA", None)]), &hardware(&[]), true, Language::Japanese);
        assert!(bare[0].contains("ドライバーが必要"), "{bare:?}");
        assert!(told(&machine(&[("0x1a03", Some("ast"))]), &hardware(&[]), true).is_empty());
        let engineless = Hardware::default();
        assert!(told(&machine(&[("AMD", Some("amdgpu"))]), &engineless, true).is_empty());
    }
}
