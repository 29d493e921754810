//! What `taki doctor` found, one line for each thing, in plain words.

use std::path::Path;

use catalog::UpdateSource;
use protocol::chat::Settings;
use protocol::worker::{Device, DeviceKind, Hardware};
use protocol::{Language, bytes_in_words};

use super::cards;
use super::machine::Machine;
use super::modules;
use super::used::Used;
use crate::output::either;

/// Columns of the names before what is told.
const NAMES: usize = 18;

/// All that there is to tell.
pub(super) struct Seen<'a> {
    pub(super) machine: &'a Machine,
    pub(super) hardware: &'a Hardware,
    pub(super) settings: &'a Settings,
    /// The file of an administrator's rules.
    pub(super) rules: Option<&'a Path>,
    /// Bytes of models that were read in a second here.
    pub(super) reads: Option<f64>,
    pub(super) used: &'a Used,
}

/// What was seen, for a person.
pub(super) fn lines(seen: &Seen<'_>, language: Language) -> Vec<String> {
    let mut told = Told { language, lines: Vec::new() };
    told.computer(seen);
    told.graphics(seen.machine, seen.hardware);
    if let Some(rules) = seen.rules {
        let rules = rules.display();
        told.line(["Administrator", "管理者"], &[format!("rules in {rules}"), format!("ルール：{rules}")]);
    }
    if let Ok(Some(updates)) = UpdateSource::parse(&seen.settings.updates) {
        told.same(["Updates", "更新"], &updates.to_string());
    }
    let mut used = seen.used.lines(seen.settings, language).into_iter();
    told.same(["Used", "使うもの"], &used.next().unwrap_or_default());
    for line in used {
        told.same(["", ""], &line);
    }
    told.lines
}

/// Lines that were told so far.
struct Told {
    language: Language,
    lines: Vec<String>,
}

impl Told {
    /// In English or in Japanese.
    fn line(&mut self, names: [&str; 2], what: &[String; 2]) {
        let [english, japanese] = what;
        let what = either(self.language, english, japanese);
        self.same(names, what);
    }

    /// What is in the reader's language already.
    fn same(&mut self, [english, japanese]: [&str; 2], what: &str) {
        let name = either(self.language, english, japanese);
        let room = " ".repeat(NAMES.saturating_sub(columns(name)).max(1));
        self.lines.push(format!("{name}{room}{what}"));
    }

    fn computer(&mut self, Seen { machine, hardware, reads, .. }: &Seen<'_>) {
        let language = self.language;
        let (system, kernel) = (&machine.system, &machine.kernel);
        self.line(
            ["System", "システム"],
            &[format!("{system}, kernel {kernel}"), format!("{system}、カーネル {kernel}")],
        );
        let Machine { processor, cores, threads, .. } = machine;
        self.line(
            ["Processor", "プロセッサー"],
            &[
                format!("{processor}, {cores} cores, {threads} threads"),
                format!("{processor}、{cores} コア、{threads} スレッド"),
            ],
        );
        self.same(["  used of it", "  使う機能"], &hardware.processor.join(" "));
        if let Some(module) = &hardware.processor_module {
            self.same(["  computed by", "  モジュール"], &modules::of_processor(module, language));
        }
        let unknown = || either(language, "unknown", "不明").to_owned();
        let bytes = |bytes: Option<u64>| bytes.map_or_else(unknown, bytes_in_words);
        let (memory, free) = (bytes(machine.memory), bytes(machine.free));
        self.line(["Memory", "メモリ"], &[format!("{memory}, {free} free"), format!("{memory}（空き {free}）")]);
        let speed = |bytes: f64| bytes_in_words(bytes as u64);
        let names = ["  read at", "  読み取り"];
        if let Some(measured) = machine.reads.map(speed) {
            self.line(
                names,
                &[
                    format!("{measured} a second by a plain program, measured now"),
                    format!("毎秒 {measured}（単純なプログラムで測定）"),
                ],
            );
        }
        if let Some(reads) = reads.map(speed) {
            self.line(
                names,
                &[
                    format!(
                        "{reads} a second by the largest model that ran here: a word takes it once through all of a model"
                    ),
                    format!("毎秒 {reads}（ここで動いた最大のモデル。1 語ごとにモデル全体を 1 回読みます）"),
                ],
            );
        }
        let display = machine.display.clone().unwrap_or_else(|| {
            either(language, "none: only the terminal program works", "なし（ターミナルのプログラムだけが使えます）")
                .to_owned()
        });
        let shown: Vec<&str> = std::iter::once(&display).chain(&machine.screens).map(String::as_str).collect();
        self.same(["Display", "画面"], &shown.join(either(language, ", ", "、")));
    }

    fn graphics(&mut self, machine: &Machine, hardware: &Hardware) {
        let language = self.language;
        let names = ["Graphics", "グラフィック"];
        if hardware.devices.is_empty() {
            self.line(
                names,
                &[
                    "nothing that the engine can use; the processor computes".to_owned(),
                    "エンジンが使える装置なし（プロセッサーで計算します）".to_owned(),
                ],
            );
        }
        for device in &hardware.devices {
            let names = if device.kind == DeviceKind::Remote { ["Computer", "コンピューター"] } else { names };
            self.same(names, &of_device(device, language));
        }
        for card in &machine.cards {
            let (maker, driver) = (&card.maker, cards::driver(card, language));
            self.line(
                ["  card", "  カード"],
                &[format!("{maker}, driver {driver}"), format!("{maker}（ドライバー {driver}）")],
            );
        }
        let has_card = !machine.cards.is_empty() || !hardware.devices.is_empty();
        if let Some(modules) = modules::of_cards(hardware, has_card, language) {
            self.same(["Card modules", "カード用"], &modules);
        }
    }
}

/// How many columns of a terminal a text takes: Japanese characters take two.
fn columns(text: &str) -> usize {
    text.chars().map(|character| if character.is_ascii() { 1 } else { 2 }).sum()
}

fn of_device(device: &Device, language: Language) -> String {
    let kind = match device.kind {
        DeviceKind::Card => either(language, "card", "カード"),
        DeviceKind::Integrated => either(language, "shares the main memory", "メインメモリを共有"),
        DeviceKind::Remote => either(language, "another computer", "ほかのコンピューター"),
    };
    let Device { description, backend, .. } = device;
    let (total, free) = (bytes_in_words(device.total), bytes_in_words(device.free));
    either(
        language,
        format!("{description} ({backend}, {kind}): {total}, {free} free"),
        format!("{description}（{backend}、{kind}）：{total}（空き {free}）"),
    )
}
