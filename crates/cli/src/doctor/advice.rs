//! What could be better on a computer, and how.

use protocol::worker::{DeviceKind, Hardware};
use protocol::{Language, Problem, bytes_in_words};

use super::machine::{Card, Machine};

/// Less memory than this is too little for anything but the smallest ladder.
const LITTLE: u64 = 1 << 30;

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
    let cards = hardware.devices.iter().filter(|device| device.kind != DeviceKind::Remote).count();
    if cards > 0 && gpu_layers == Some(0) {
        all.push("A graphics card is there and the settings leave it alone: set “Layers on the graphics card” back to automatic.".to_owned());
    }
    if cards == 0 {
        all.extend(machine.cards.iter().filter_map(without_use));
    }
    if let Some(free) = machine.free.filter(|free| *free < LITTLE) {
        all.push(format!(
            "Only {} of memory are free: close other programs, or choose a smaller ladder.",
            bytes_in_words(free)
        ));
    }
    // This very program is one of those that wait.
    if machine.load > machine.cores as f64 + 1.0 {
        all.push(format!(
            "Other programs keep the processor busy ({:.1} wait for {} cores): answers take longer until they are done.",
            machine.load, machine.cores
        ));
    }
    if machine.on_battery == Some(true) {
        all.push("It runs from its battery, which most computers make slower: plug it in for long answers.".to_owned());
    }
    if machine.large_pages == Some(false) {
        all.push(
            "The system gives no large pages, which makes answers a tenth to a fifth slower: `echo madvise | sudo tee \
             /sys/kernel/mm/transparent_hugepage/enabled` turns them on until the next start."
                .to_owned(),
        );
    }
    for left in &hardware.left_out {
        all.push(in_words(&left.problem));
    }
    all
}

/// What is missing for a card to be used.
fn without_use(card: &Card) -> Option<String> {
    let Card { maker, driver } = card;
    match (maker.as_str(), driver.as_deref()) {
        ("NVIDIA", Some("nvidia")) => Some(
            "The NVIDIA card is not used: `scripts/cuda.sh` builds what is needed for it (with NVIDIA's nvcc, in about ten minutes)."
                .to_owned(),
        ),
        ("NVIDIA", _) => Some("The NVIDIA card is not used: it needs NVIDIA's own driver.".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Code;
    use protocol::worker::{Device, LeftOut};

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
        Card { maker: maker.to_owned(), driver: driver.map(str::to_owned) }
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
        let told = advice(&machine, &Hardware { left_out, ..Hardware::default() }, None);
        for part in ["cuda.sh", "537 MB", "busy", "battery", "large pages", "10.0.0.2"] {
            assert_eq!(told.iter().filter(|line| line.contains(part)).count(), 1, "{part}: {told:?}");
        }
        assert_eq!(told.len(), 6);
    }

    #[test]
    fn a_card_that_works_is_only_mentioned_where_it_is_left_alone() {
        let machine = Machine { cores: 4, cards: vec![card("NVIDIA", Some("nvidia"))], ..Machine::default() };
        let hardware = Hardware { devices: vec![device(DeviceKind::Card)], ..Hardware::default() };
        assert!(advice(&machine, &hardware, None).is_empty());
        assert!(advice(&machine, &hardware, Some(0))[0].contains("automatic"));
        let nouveau = Machine { cards: vec![card("NVIDIA", Some("nouveau"))], ..machine };
        assert!(advice(&nouveau, &Hardware::default(), None)[0].contains("own driver"));
    }
}
