//! What could be better on a computer, and how.

use protocol::worker::{DeviceKind, Hardware};
use protocol::{Language, Problem, bytes_in_words};

use super::cards;
use super::machine::Machine;
use crate::output::either;

/// Less memory than this is too little for anything but the smallest ladder.
const LITTLE: u64 = 1 << 30;

/// Whether this program came in a package, without the source to build from.
const PACKAGED: bool = cfg!(feature = "dynamic-backends");

/// What to do, one thing each, the most telling first: what is `wrong` with the ladder before anything else.
pub(super) fn advice(
    machine: &Machine,
    hardware: &Hardware,
    gpu_layers: Option<u16>,
    wrong: &[Problem],
    language: Language,
) -> Vec<String> {
    let in_words = |problem: &Problem| format!("{} {}", problem.sentence(language), problem.next_step(language));
    let mut all: Vec<String> = wrong.iter().map(in_words).collect();
    let has_card = hardware.devices.iter().any(|device| device.kind != DeviceKind::Remote);
    if has_card && gpu_layers == Some(0) {
        all.push(
            either(
                language,
                "A graphics card is there and the settings leave it alone: set “Graphics card” back to “As much as is fastest”.",
                "グラフィックカードがありますが、設定で使わないことになっています。「グラフィックカード」を「最も速くなるように使う」に戻してください。",
            )
            .to_owned(),
        );
    }
    all.extend(cards::unused(machine, hardware, PACKAGED, language));
    if let Some(free) = machine.free.filter(|free| *free < LITTLE).map(bytes_in_words) {
        all.push(either(
            language,
            format!("Only {free} of memory are free: close other programs, or choose a smaller ladder."),
            format!(
                "メモリの空きが {free} しかありません。ほかのアプリを閉じるか、より小さい組み合わせを選んでください。"
            ),
        ));
    }
    let Machine { load, cores, .. } = machine;
    // This very program is one of those that wait.
    if *load > *cores as f64 + 1.0 {
        all.push(either(
            language,
            format!(
                "Other programs keep the processor busy ({load:.1} wait for {cores} cores): answers take longer until they are done."
            ),
            format!(
                "ほかのアプリがプロセッサーを使っています（{cores} コアに対して {load:.1} が待機中）。終わるまで回答に時間がかかります。"
            ),
        ));
    }
    if machine.on_battery == Some(true) {
        all.push(
            either(
                language,
                "It runs from its battery, which most computers make slower: plug it in for long answers.",
                "バッテリーで動いているため、遅くなることがあります。長い回答のときは電源につないでください。",
            )
            .to_owned(),
        );
    }
    if machine.large_pages == Some(false) {
        all.push(
            either(
                language,
                "The system gives no large pages, which makes answers a tenth to a fifth slower: `echo madvise | sudo tee \
                 /sys/kernel/mm/transparent_hugepage/enabled` turns them on until the next start.",
                "システムが大きなメモリページを使わせないため、回答が 1～2 割遅くなります。次に起動するまで有効にするには \
                 `echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled` を実行してください。",
            )
            .to_owned(),
        );
    }
    for left in &hardware.left_out {
        all.push(in_words(&left.problem));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Code;
    use protocol::worker::{Device, LeftOut, Modules};

    use super::super::machine::Card;

    fn advice(machine: &Machine, hardware: &Hardware, gpu_layers: Option<u16>) -> Vec<String> {
        super::advice(machine, hardware, gpu_layers, &[], Language::English)
    }

    #[test]
    fn what_is_wrong_with_the_ladder_comes_first_and_says_what_to_do() {
        let wrong = [Problem::new(Code::NoSuchModel).with("name", "gone")];
        let machine = Machine { cores: 4, on_battery: Some(true), ..Machine::default() };
        let told = super::advice(&machine, &Hardware::default(), None, &wrong, Language::English);
        assert!(told.len() == 2 && told[0].contains("gone"), "{told:?}");
    }

    fn card(maker: &str, driver: Option<&str>) -> Card {
        Card { maker: maker.to_owned(), driver: driver.map(str::to_owned), version: None }
    }

    fn hardware() -> Hardware {
        let modules = Some(Modules { folder: "modules".into(), refused: Vec::new() });
        Hardware { modules, ..Hardware::default() }
    }

    fn device(kind: DeviceKind) -> Device {
        let (name, description, backend) = ("CUDA0".to_owned(), "A card".to_owned(), "CUDA".to_owned());
        Device { name, description, backend, kind, total: 8 << 30, free: 7 << 30 }
    }

    #[test]
    fn a_quiet_computer_needs_nothing() {
        let machine = Machine { cores: 4, load: 1.0, free: Some(8 << 30), ..Machine::default() };
        assert!(advice(&machine, &Hardware::default(), None).is_empty());
    }

    #[test]
    fn everything_that_slows_answers_is_named_once() {
        let machine = Machine {
            cores: 2,
            load: 5.0,
            free: Some(1 << 29),
            on_battery: Some(true),
            large_pages: Some(false),
            cards: vec![card("NVIDIA", Some("nvidia")), card("0x1234", None)],
            ..Machine::default()
        };
        let problem = Problem::new(Code::RemoteUnusable).with("address", "10.0.0.2:1").with("reason", "closed");
        let left_out = vec![LeftOut { rung: "10.0.0.2:1".to_owned(), problem }];
        let told = advice(&machine, &Hardware { left_out, ..hardware() }, None);
        for part in ["NVIDIA card", "537 MB", "busy", "battery", "large pages", "10.0.0.2"] {
            assert_eq!(told.iter().filter(|line| line.contains(part)).count(), 1, "{part}: {told:?}");
        }
        assert_eq!(told.len(), 6);
    }

    #[test]
    fn nothing_is_left_in_english_where_the_reader_is_japanese() {
        let machine = Machine {
            cores: 2,
            load: 5.0,
            free: Some(1 << 29),
            on_battery: Some(true),
            large_pages: Some(false),
            cards: vec![card("AMD", Some("amdgpu"))],
            ..Machine::default()
        };
        let hardware = Hardware { devices: vec![device(DeviceKind::Card)], ..hardware() };
        let told = super::advice(&machine, &hardware, Some(0), &[], Language::Japanese);
        assert_eq!(told.len(), 6);
        assert!(told.iter().all(|line| line.contains('。')), "{told:?}");
    }

    #[test]
    fn a_card_that_works_is_only_mentioned_where_it_is_left_alone() {
        let machine = Machine { cores: 4, cards: vec![card("NVIDIA", Some("nvidia"))], ..Machine::default() };
        let used = Hardware { devices: vec![device(DeviceKind::Card)], ..hardware() };
        assert!(advice(&machine, &used, None).is_empty());
        assert!(advice(&machine, &used, Some(0))[0].contains("As much as is fastest"));
    }
}
