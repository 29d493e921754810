//! `taki learned`: what was measured and learned of ladders on this computer, and which chats are copied from.

use cascade::policy::Knowledge;
use protocol::Problem;
use protocol::chat::EarlierChats;
use protocol::ladder::CacheType;
use protocol::learned::Learned;
use serde_json::json;
use store::{ChatsFrom, Store, now_ms};

use crate::args::Learned as Command;
use crate::output::Output;
use crate::setup::Setup;

pub(crate) fn run(command: &Command, output: &Output) -> Result<(), Problem> {
    let setup = Setup::new()?;
    let (folder, from) = (setup.learned(), ChatsFrom::of(&setup.places));
    match command {
        Command::Show { .. } => {
            let all = folder.all();
            for learned in &all {
                for line in in_words(learned, output) {
                    output.line(line);
                }
            }
            if all.is_empty() {
                output.note(output.either(
                    "Nothing was learned yet. It begins with the first answer.",
                    "まだ何も学習していません。最初の回答から始まります。",
                ));
            }
            let chats = EarlierChats::of(&setup.earlier(true, output).texts());
            let size = protocol::bytes_in_words(chats.bytes as u64);
            let count = chats.messages;
            output.line(output.either(
                format_args!("Earlier chats to copy from: {count} messages, {size}"),
                format_args!("高速化に使う過去の会話：メッセージ {count} 件、{size}"),
            ));
            output.json(&json!({ "learned": all, "earlier_chats": chats }));
        }
        Command::Erase { .. } => {
            let erased = folder.erase()?;
            if from.any() {
                from.begin_anew(&Store::open_beside(&setup.places)?, now_ms())?;
            }
            let records = if erased == 1 { "1 record".to_owned() } else { format!("{erased} records") };
            output.line(output.either(
                format_args!(
                    "Erased {records}. Everything will be measured and learned anew, and no chat up to now is copied from. \
                     Conversations stay."
                ),
                format_args!(
                    "{erased} 件の記録を消去しました。これからは測定も学習も初めからやり直し、これまでの会話は下書きに使いません。\
                     会話そのものは残っています。"
                ),
            ));
            output.json(&json!({ "erased": erased }));
        }
    }
    Ok(())
}

/// How long passes of a model take that are worth telling: single tokens and two sizes of review.
const WIDTHS: [usize; 3] = [1, 4, 8];

/// How sure a draft is of the tokens that are told of.
const SURE: [f64; 2] = [0.5, 0.9];

/// Lengths of matches that are told of.
const MATCHED: [usize; 3] = [1, 4, 16];

/// What it holds for, then what is known of each model and of Max-Gram.
fn in_words(learned: &Learned, output: &Output) -> Vec<String> {
    let (conditions, threads) = (&learned.conditions, learned.lessons.threads);
    let (ladder, processor) = (&learned.ladder, &conditions.processor);
    let exact = if conditions.exact { output.either(" in exact mode", "、厳密モード") } else { "" };
    let asked = if conditions.threads.is_some() {
        output.either(" with threads as asked for", "、スレッド数は指定どおり")
    } else {
        ""
    };
    let (single, wide) = (threads.single, threads.wide);
    let held = kept_in(conditions.cache, output);
    let devices = on_devices(conditions.gpu_layers, learned.lessons.on_devices, output);
    let mut lines = vec![output.either(
        format!(
            "{ladder}{exact}{asked}{held}{devices} on {processor}: {} for one token, {wide} for more",
            count(single, "thread")
        ),
        format!(
            "{ladder}（{processor}{exact}{asked}{held}{devices}）：1 トークンには {single} スレッド、2 トークン以上には {wide} スレッド"
        ),
    )];
    let known = serde_json::from_value::<Knowledge>(learned.lessons.policy.clone()).ok();
    let Some(knowledge) = known.filter(|known| known.check(conditions.files.len()).is_ok()) else {
        lines.push(
            output
                .either("  nothing that this version can read", "  このバージョンで読み取れる内容はありません")
                .to_owned(),
        );
        return lines;
    };
    for (rung, file) in conditions.files.iter().enumerate() {
        let passes = knowledge.curve(rung).map(|curve| WIDTHS.map(|width| curve.at(width).map(|time| (width, time))));
        let passes = passes.into_iter().flatten().flatten();
        let passes = passes.map(|(width, time)| {
            let time = 1000.0 * time;
            output
                .either(format!("{} {time:.1} ms", count(width, "token")), format!("{width} トークン {time:.1} ミリ秒"))
        });
        let kept = SURE.map(|sure| knowledge.kept(rung, sure).map(|kept| (sure, kept))).into_iter().flatten();
        let kept = kept.map(|(sure, kept)| {
            let (kept, sure) = (100.0 * kept, 100.0 * sure);
            output.either(
                format!("{kept:.0} of 100 kept where it is {sure:.0}% sure"),
                format!("確信度 {sure:.0}% の下書きは 100 のうち {kept:.0} を採用"),
            )
        });
        let what = match rung {
            0 => output.either("target", "回答するモデル").to_owned(),
            _ => output.either(format!("draft {rung}"), format!("下書きモデル {rung}")),
        };
        let (file, told) = (short(&file.name), output.joined(&passes.chain(kept).collect::<Vec<_>>()));
        lines.push(output.either(format!("  {what} ({file}): {told}"), format!("  {what}（{file}）：{told}")));
    }
    let copied = MATCHED.map(|length| knowledge.copied(length).map(|kept| (length, kept))).into_iter().flatten();
    let copied = copied.map(|(length, kept)| {
        let kept = 100.0 * kept;
        output.either(
            format!("{kept:.0} of 100 behind {}", count(length, "matching token")),
            format!("{length} トークン一致した後は 100 のうち {kept:.0}"),
        )
    });
    let copied = output.joined(&copied.collect::<Vec<_>>());
    if !copied.is_empty() {
        lines.push(output.either(
            format!("  Max-Gram's copies: kept {copied}"),
            format!("  Max-Gram が再利用した文の採用：{copied}"),
        ));
    }
    lines
}

/// What keys and values are held in, where it is not what is usual.
fn kept_in(cache: CacheType, output: &Output) -> &'static str {
    match cache {
        CacheType::F16 => "",
        CacheType::Q8 => output.either(", keys and values in 8 bits", "、キーと値は 8 ビット"),
        CacheType::Q4 => output.either(", keys and values in 4 bits", "、キーと値は 4 ビット"),
    }
}

/// How much was asked to be on devices, and whether anything was.
fn on_devices(layers: Option<u16>, any: bool, output: &Output) -> String {
    match layers {
        Some(0) => output.either(", without graphics cards as asked for", "、指定によりグラフィックスなし").to_owned(),
        Some(layers) => output.either(
            format!(", {} on graphics cards as asked for", count(layers, "layer")),
            format!("、指定により {layers} 層をグラフィックスで計算"),
        ),
        None if any => output.either(", with graphics cards", "、グラフィックスも使用").to_owned(),
        None => String::new(),
    }
}

fn count<N: Into<usize>>(number: N, what: &str) -> String {
    match number.into() {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    }
}

/// A file of the model store is named by its checksum, of which the beginning will do.
fn short(name: &str) -> &str {
    if name.len() > 64 { name.get(..12).unwrap_or(name) } else { name }
}
