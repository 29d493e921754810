//! The list of ladders, and which of them suits this computer.

use catalog::{READING, begun};
use protocol::chat::{Fits, LadderCard};
use protocol::{Problem, bytes_in_words};
use serde_json::json;

use crate::output::Output;
use crate::setup::Setup;

pub(super) fn list(setup: &Setup, output: &Output) -> Result<(), Problem> {
    setup.tell_unread(output);
    let mut rows = Vec::new();
    for card in setup.cards_of(&setup.catalog, setup.device_memory())? {
        let missing = bytes_in_words(card.missing_bytes as u64);
        let there = begun(&setup.catalog, &setup.models, &card.id).map_or(0, |(there, _)| there);
        let models = setup.catalog.models_of(&card.id).unwrap_or_default();
        let damaged: u64 = models.iter().map(|model| setup.models.bytes_aside(&model.sha256)).sum();
        let lost: Vec<_> = setup.models.lost(&models).map(|model| model.name.as_str()).collect();
        let (id, rungs) = (&card.id, card.rungs.join(" ← "));
        let state = match (card.missing_bytes > 0.0, card.offered) {
            (false, _) => output.either("ready", "準備完了").to_owned(),
            (true, _) if !card.fetchable && (lost.is_empty() || !card.to_make.is_empty()) => output.either(
                format!("{missing} are missing, not all of it in the folder that models come from"),
                format!("{missing} が不足、一部は取得元フォルダーにありません"),
            ),
            (true, _) if !card.to_make.is_empty() => {
                let to_make = output.joined(&card.to_make);
                output.either(
                    format!("{missing} to fetch or make, {to_make} of it here: taki models fetch {id}"),
                    format!("{missing} を入手または作成、うち {to_make} はこのパソコンで作成：taki models fetch {id}"),
                )
            }
            (true, _) if !lost.is_empty() => {
                let lost = output.joined(&lost);
                output.either(
                    format!("without its file, to be made or added again: {lost}"),
                    format!("{lost} のファイルがないため作成し直すか追加が必要"),
                )
            }
            (true, false) if there > 0 => {
                let there = bytes_in_words(there);
                output.either(
                    format!("{missing} to fetch, {there} of it are here"),
                    format!("要ダウンロード {missing}、うち {there} は取得済み"),
                )
            }
            (true, false) => output.either(format!("{missing} to fetch"), format!("要ダウンロード {missing}")),
            (true, true) => output
                .either(format!("offered, about {missing} to fetch"), format!("公開中、要ダウンロード 約 {missing}")),
        };
        let comes = damaged > 0 && card.missing_bytes > 0.0;
        let also = [
            (comes, ", once more, for what was here before was damaged", "、以前のファイルが壊れていたため取得し直し"),
            (card.by_text, ", drafts by text where tokens differ", "、区切り方が違うモデルは文章を介して下書き"),
            (card.own, ", your own", "、自分の組み合わせ"),
            (card.suggested, ", suggested for this computer", "、このパソコンにおすすめ"),
        ];
        let [anew, by_text, whose, suggested] =
            also.map(|(is_so, english, japanese)| if is_so { output.either(english, japanese) } else { "" });
        let memory = memory(&card, output);
        let pace = card
            .pace
            .map(in_figures)
            .map(|pace| output.either(format!(", about {pace} tokens/s"), format!("、毎秒約 {pace} トークン")));
        let pace = pace.unwrap_or_default();
        output.line(output.either(
            format_args!("{id:<18} {rungs}  ({state}{anew}, {memory}{pace}{by_text}{whose}{suggested})"),
            format_args!("{id:<18} {rungs}  （{state}{anew}、{memory}{pace}{by_text}{whose}{suggested}）"),
        ));
        let about = output.either(&card.about.en, &card.about.ja);
        output.line(format_args!("{:<18} {}", "", if about.is_empty() { &card.name } else { about }));
        let k = setup.catalog.ladder(id).ok().or_else(|| setup.catalog.offered(id)).map(|ladder| &ladder.k);
        rows.push(json!({
            "id": id, "name": card.name, "rungs": card.rungs, "missing_bytes": card.missing_bytes as u64, "partial_bytes": there, "k": k,
            "own": card.own, "by_text": card.by_text, "offered": card.offered, "memory_bytes": card.memory_bytes as u64, "fits": card.fits,
            "pace": card.pace, "suggested": card.suggested, "checked": card.checked,
            "fetchable": card.fetchable, "to_make": card.to_make, "damaged_bytes": damaged,
        }));
    }
    output.json(&json!({ "ladders": rows }));
    Ok(())
}

/// About how much memory a ladder takes, and whether that is here.
pub(super) fn memory(card: &LadderCard, output: &Output) -> String {
    let room = match card.fits {
        Fits::Well => "",
        Fits::Tight => output.either(", which is tight here", "、このパソコンでは余裕が少ない"),
        Fits::Not => output.either(", more than there is here", "、このパソコンではメモリ不足"),
    };
    let size = bytes_in_words(card.memory_bytes as u64);
    output.either(format!("about {size} of memory{room}"), format!("メモリ約 {size}{room}"))
}

/// A speed in few figures.
pub(super) fn in_figures(pace: f64) -> String {
    if pace < 10.0 { format!("{pace:.1}") } else { format!("{pace:.0}") }
}

pub(super) fn suggest(setup: &Setup, output: &Output) -> Result<(), Problem> {
    let devices = setup.device_memory();
    let cards = setup.cards_of(&setup.catalog, devices)?;
    let Some(card) = cards.iter().find(|card| card.suggested) else {
        output.line(output.either(
            "None of the ladders fits into this computer's memory with room for other programs.",
            "ほかのアプリの分を残して、このパソコンのメモリに収まる組み合わせはありません。",
        ));
        output.json(&json!({ "ladder": null }));
        return Ok(());
    };
    let memory = bytes_in_words(card.memory_bytes as u64);
    let all = engine::memory_of_this_computer().map(|all| all.saturating_add(devices));
    let all = all.map(bytes_in_words).map(|all| output.either(format!(" of {all}"), format!(" {all}")));
    let all = all.unwrap_or_default();
    let counted = match (devices, setup.borrows()) {
        (0, _) => output.either("", " "),
        (_, false) => output.either(", that of graphics cards counted", "（グラフィックカードの分を含む）"),
        (_, true) => output.either(
            ", that of other computers and graphics cards counted",
            "（ほかのコンピューターとグラフィックカードの分を含む）",
        ),
    };
    let (id, rungs) = (&card.id, card.rungs.join(" ← "));
    output.line(output.either(format_args!("{id}: {rungs}"), format_args!("{id}：{rungs}")));
    output.line(output.either(
        format_args!("It takes {memory}{all} of memory{counted}, which leaves room for other programs."),
        format_args!("メモリ{all}{counted}のうち {memory} を使い、ほかのアプリにも十分な余裕が残ります。"),
    ));
    let pace = card.pace.map(in_figures).unwrap_or_default();
    output.line(match card.pace {
        Some(slow) if slow < READING => output.either(
            format!("Its target would write about {pace} tokens a second here. That is slow, but none is faster."),
            format!("回答するモデルは、このパソコンでは毎秒約 {pace} トークンで書く見込みです。速くはありませんが、これより速いものはありません。"),
        ),
        Some(_) => output.either(
            format!(
                "Its target would write about {pace} tokens a second here, as fast as one reads: of such ladders it is the largest."
            ),
            format!("回答するモデルは、このパソコンでは毎秒約 {pace} トークンと、読むのと同じくらいの速さで書く見込みです。そのような組み合わせの中で最も大きなものです。"),
        ),
        None => output.either(
            "It is the largest that writes as fast as one reads on most computers; nothing was measured here yet.",
            "多くのパソコンで、読むのと同じくらいの速さで書けるものの中で最も大きな組み合わせです。このパソコンでの速さはまだ測っていません。",
        ).to_owned(),
    });
    let next = if card.missing_bytes > 0.0 { "taki models fetch" } else { "taki ladders check" };
    output.note(output.either(format_args!("Next: {next} {id}"), format_args!("次のコマンド：{next} {id}")));
    output.json(
        &json!({ "ladder": card.id, "memory_bytes": card.memory_bytes as u64, "pace": card.pace, "fits": card.fits }),
    );
    Ok(())
}
