//! What the chosen ladder would run on if it were loaded now.

use engine::Engine;
use protocol::chat::Settings;
use protocol::ladder::Ladder;
use protocol::learned::Threads;
use protocol::worker::{DeviceShare, Hardware, RungShare};
use protocol::{Language, bytes_in_words};
use serde_json::{Value, json};

use crate::output::either;
use crate::setup::Setup;

/// How the chosen ladder would be run.
#[derive(Debug)]
pub(super) struct Used {
    /// The fastest threads, where they were tried here.
    threads: Option<Threads>,
    place: Place,
}

/// What computes.
#[derive(Debug)]
enum Place {
    /// The processor alone, for every bit to be the target's own.
    Exact,
    /// The processor alone, by the settings.
    LeftAlone,
    /// The processor alone: there is nothing else.
    NoDevice,
    /// Nobody can tell: the ladder is not here, or the engine did not answer.
    Unknown,
    /// So much of it on each device, and the rest with the processor.
    Devices(Vec<DeviceShare>),
}

impl Used {
    /// By the figures of `hardware` and, where there are devices, by asking the engine where it would put the models.
    pub(super) fn of(
        setup: &Setup,
        engine: &Engine,
        hardware: &Hardware,
        settings: &Settings,
        ladder: Option<&Ladder>,
    ) -> Self {
        let running = settings.running();
        let learned = ladder.and_then(|ladder| setup.learned().recall(&engine::conditions(ladder, running)));
        let place = match ladder {
            _ if running.exact => Place::Exact,
            _ if !running.uses_devices() => Place::LeftAlone,
            // An engine that did not start.
            _ if hardware.modules.is_none() => Place::Unknown,
            _ if hardware.devices.is_empty() => Place::NoDevice,
            Some(ladder) => {
                engine.begin().and_then(|mut call| call.foresee(ladder, running)).map_or(Place::Unknown, Place::Devices)
            }
            None => Place::Unknown,
        };
        Self { threads: learned.map(|learned| learned.lessons.threads), place }
    }

    /// Lines for a person, the most important first.
    pub(super) fn lines(&self, settings: &Settings, language: Language) -> Vec<String> {
        let mut lines = vec![self.mode(settings, language)];
        let processor = match &self.place {
            Place::Exact => {
                either(language, "the processor alone, in exact mode", "プロセッサーだけで計算（厳密モード）")
            }
            Place::LeftAlone => {
                either(language, "the processor alone, as the settings have it", "プロセッサーだけで計算（設定による）")
            }
            Place::NoDevice => either(
                language,
                "the processor alone: nothing else that computes was found",
                "プロセッサーだけで計算（ほかに計算できる装置なし）",
            ),
            Place::Unknown => either(
                language,
                "where it would compute is not known before the ladder is here and the engine answers",
                "計算する場所は、組み合わせがここにあってエンジンが応答するまでわかりません",
            ),
            Place::Devices(shares) => {
                lines.extend(shares.iter().map(|share| told(share, language)));
                either(language, "the processor has all else", "そのほかはすべてプロセッサーで計算")
            }
        };
        lines.push(processor.to_owned());
        lines
    }

    fn mode(&self, settings: &Settings, language: Language) -> String {
        let ladder = &settings.ladder;
        let mode = if settings.exact {
            either(language, "exact mode", "厳密モード")
        } else {
            either(language, "fast mode", "通常モード")
        };
        let threads = match (settings.threads.filter(|asked| *asked > 0), self.threads) {
            (Some(asked), _) => {
                either(language, format!("{asked} threads, as set"), format!("スレッド数 {asked}（設定による）"))
            }
            (None, Some(Threads { single, wide })) => either(
                language,
                format!("{single} threads for single words and {wide} for reading, found by trying"),
                format!("スレッド数は 1 語ずつの計算に {single}、読み取りに {wide}（試して決定）"),
            ),
            (None, None) => either(
                language,
                "threads that the first load tries out".to_owned(),
                "スレッド数は最初の読み込みで試して決定".to_owned(),
            ),
        };
        let layers = settings.gpu_layers.filter(|layers| *layers > 0).map(|layers| {
            either(
                language,
                format!(", {layers} of the target's layers on devices, as set"),
                format!("、回答するモデルの {layers} 層を装置に載せる（設定による）"),
            )
        });
        let layers = layers.unwrap_or_default();
        either(
            language,
            format!("ladder {ladder}, {mode}, {threads}{layers}"),
            format!("組み合わせ {ladder}、{mode}、{threads}{layers}"),
        )
    }

    /// The fastest threads found, for programs.
    pub(super) fn threads(&self) -> Option<Threads> {
        self.threads
    }

    /// What each device would hold, for programs; nothing where nobody asked or could tell.
    pub(super) fn shares(&self) -> Value {
        let Place::Devices(shares) = &self.place else { return Value::Null };
        let row = |DeviceShare { device, bytes, rungs }: &DeviceShare| json!({ "kind": device.kind, "description": device.description, "bytes": bytes, "free": device.free, "rungs": rungs });
        shares.iter().map(row).collect()
    }
}

fn told(DeviceShare { device, bytes, rungs }: &DeviceShare, language: Language) -> String {
    let (name, free) = (&device.description, bytes_in_words(device.free));
    if *bytes == 0 {
        return either(
            language,
            format!(
                "{name}: nothing; there is no room for a part of it in {free}, or answers would take longer with it"
            ),
            format!("{name}：使わない（空き {free} に載らないか、使うとかえって遅くなるため）"),
        );
    }
    let bytes = bytes_in_words(*bytes);
    let layers = |of: &RungShare| of_model(of, language);
    let layers = rungs.iter().map(layers).collect::<Vec<_>>().join(either(language, "; ", "、"));
    either(
        language,
        format!("{name}: about {bytes}, if it is loaded now ({free} free): {layers}"),
        format!("{name}：今読み込むと約 {bytes}（空き {free}）。{layers}"),
    )
}

/// How much of a model it is.
fn of_model(RungShare { rung, layers, of }: &RungShare, language: Language) -> String {
    if layers == of {
        return either(language, format!("all {of} layers of {rung}"), format!("{rung} の全 {of} 層"));
    }
    either(language, format!("{layers} of the {of} layers of {rung}"), format!("{rung} の {of} 層のうち {layers} 層"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::worker::{Device, DeviceKind};

    fn share(name: &str, bytes: u64) -> DeviceShare {
        let device = Device {
            name: "CUDA0".to_owned(),
            description: name.to_owned(),
            backend: "CUDA".to_owned(),
            kind: DeviceKind::Card,
            total: 8_000_000_000,
            free: 7_000_000_000,
        };
        let rung = |rung: &str, layers| RungShare { rung: rung.to_owned(), layers, of: 29 };
        let rungs = if bytes > 0 { vec![rung("Big", 12), rung("Small", 29)] } else { Vec::new() };
        DeviceShare { device, bytes, rungs }
    }

    #[test]
    fn what_each_device_would_hold_is_told_and_why_one_would_hold_nothing() {
        let shares = vec![share("A card", 4_200_000_000), share("An old card", 0)];
        let used = Used { threads: Some(Threads { single: 2, wide: 4 }), place: Place::Devices(shares) };
        let settings = Settings { ladder: "qwen-coder".to_owned(), ..Settings::default() };
        let told = used.lines(&settings, Language::English);
        assert!(told[0].contains("qwen-coder") && told[0].contains("2 threads for single words and 4"), "{told:?}");
        assert!(told[1].contains("A card: about 4.2 GB") && told[2].contains("An old card: nothing"), "{told:?}");
        assert!(told[1].ends_with("12 of the 29 layers of Big; all 29 layers of Small"), "{told:?}");
        let japanese = used.lines(&settings, Language::Japanese);
        assert!(japanese[1].ends_with("Big の 29 層のうち 12 層、Small の全 29 層"), "{japanese:?}");
        let shares = used.shares();
        assert_eq!(
            (&shares[0]["bytes"], &shares[1]["description"]),
            (&json!(4_200_000_000_u64), &json!("An old card"))
        );
        assert_eq!(shares[0]["rungs"][0], json!({ "rung": "Big", "layers": 12, "of": 29 }));
    }

    #[test]
    fn threads_and_layers_that_were_set_are_told_as_set() {
        let used = Used { threads: Some(Threads { single: 2, wide: 4 }), place: Place::NoDevice };
        let settings = Settings { threads: Some(3), gpu_layers: Some(12), ..Settings::default() };
        let told = used.lines(&settings, Language::English);
        assert!(told[0].contains("3 threads, as set") && told[0].contains("12 of the target's layers"), "{told:?}");
        assert!(told[1].contains("nothing else") && used.shares() == Value::Null, "{told:?}");
        let japanese = used.lines(&settings, Language::Japanese);
        assert!(japanese[0].contains("スレッド数 3") && japanese[1].contains("プロセッサー"), "{japanese:?}");
    }
}
