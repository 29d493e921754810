//! `taki models inspect`: what model files are, and whether they go together.

use std::path::Path;

use catalog::{Header, Kind, SLOW, Tokens, check_header, in_one_line, look, look_for, match_up_by_text};
use protocol::{Code, Problem, bytes_in_words};
use serde_json::{Value, json};

use crate::output::Output;
use crate::setup::Setup;

pub(crate) fn run(setup: &Setup, files: &[String], output: &Output) -> Result<(), Problem> {
    // One that cannot be read keeps nobody from the others.
    let (mut known, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        match header(setup, file) {
            Ok(header) => known.push((file, header)),
            Err(problem) => problems.push(problem),
        }
    }
    if known.is_empty() {
        return output.last_of(problems);
    }
    let mut rows = Vec::new();
    for (at, (file, header)) in known.iter().enumerate() {
        let (first, first_header) = &known[0];
        for line in in_words(file, header, output) {
            output.line(line);
        }
        let mut row = as_json(file, header);
        if at > 0 {
            let (of_first, summary) = (first_header.summary(), header.summary());
            let verdict = match_up_by_text(&of_first, &summary, file);
            let told = match &verdict {
                Ok(Tokens::Same) => {
                    output.either(format!("It can draft for {first}."), format!("{first} の下書きモデルにできます。"))
                }
                Ok(Tokens::Nearly(shared)) => output.either(
                    format!("It can draft for {first}: all but a few of its tokens are the same ({shared} at least)."),
                    format!("{first} の下書きモデルにできます。単語の区切り方がほぼ同じです（少なくとも {shared} トークンが共通）。"),
                ),
                Ok(Tokens::ByText) => output.either(
                    format!("It can draft for {first} by text only (--by-text), which is slower: its tokens are others."),
                    format!("{first} の下書きモデルにできますが、単語の区切り方が違うため、文章を介した下書き（--by-text）だけで、遅くなります。"),
                ),
                Err(problem) => {
                    let why = problem.sentence(output.language);
                    output.either(
                        format!("It cannot draft for {first}: {why}"),
                        format!("{first} の下書きモデルにはできません：{why}"),
                    )
                }
            };
            output.line(format_args!("  {told}"));
            let reads = summary.reads_beside(&of_first);
            // A part of a model is no measure of it.
            let whole = first_header.part.is_none() && header.part.is_none();
            if let Some(slow) = verdict.as_ref().ok().filter(|_| whole).and_then(|_| slow(first, reads, output)) {
                output.line(format_args!("  {slow}"));
            }
            row["reads_beside_first"] = json!(whole.then_some(reads));
            // Not unless somebody asks for it.
            let by_text = verdict == Ok(Tokens::ByText);
            let differ = || Problem::new(Code::TokenizersDiffer).with("rung", file);
            let verdict = if by_text { Err(differ()) } else { verdict };
            row["drafts_for_first"] = json!(verdict.is_ok());
            row["drafts_by_text"] = json!(by_text);
            row["problem"] = verdict.err().map_or(Value::Null, |problem| json!(problem));
        }
        rows.push(row);
    }
    output.json(&json!({ "models": rows, "problems": problems }));
    output.last_of(problems)
}

/// What is to be said of a draft that reads this share of what `target` reads for each token, if it is too much to be of use.
pub(crate) fn slow(target: &str, reads: f64, output: &Output) -> Option<String> {
    let share = 100.0 * reads;
    if reads >= 1.0 {
        return Some(output.either(
            format!(
                "It reads {share:.0}% of what {target} reads for each token: drafting with it is slower, unless it lies on a faster device."
            ),
            format!(
                "1 語ごとに読み込む量が {target} の {share:.0}% です。より速い装置で動かさない限り、下書きさせるとかえって遅くなります。"
            ),
        ));
    }
    (reads >= SLOW).then(|| {
        output.either(
            format!(
                "It reads {share:.0}% of what {target} reads for each token: drafting with it can hardly be faster."
            ),
            format!(
                "1 語ごとに読み込む量が {target} の {share:.0}% に達します。下書きさせても、ほとんど速くなりません。"
            ),
        )
    })
}

/// By its path, its address, or the id of a model of the list: from the store if it is there, else from where it is to come from.
fn header(setup: &Setup, file: &str) -> Result<Header, Problem> {
    if file.contains("://") {
        return look(file, &setup.fetch_options()?);
    }
    let path = Path::new(file);
    let known = setup.catalog.model(file).ok();
    let is_listed = known.is_some() || setup.catalog.offers().any(|offer| offer.id == file);
    if path.exists() || !is_listed {
        return check_header(path);
    }
    match known.and_then(|model| setup.models.path_of(model)) {
        Some(stored) => check_header(&stored),
        None => look_for(&setup.catalog, file, &setup.fetch_options()?),
    }
}

fn in_words(file: &str, header: &Header, output: &Output) -> Vec<String> {
    // A file may say anything: nothing of it is to command the terminal.
    let name = in_one_line(header.name.as_deref().unwrap_or(file));
    let architecture = in_one_line(&header.architecture);
    let (mix, size) =
        (header.mix.unwrap_or(output.either("of no named mix", "重みの種類は不明")), bytes_in_words(header.file_bytes));
    let mut lines = vec![
        output
            .either(format!("{name}: {architecture} {mix}, {size}"), format!("{name}：{architecture}、{mix}、{size}")),
        format!("  {}", does(header.kind, output)),
    ];
    let mut also = |line: Option<String>| lines.extend(line.map(|line| format!("  {line}")));
    let context = header.context_length.map(|tokens| {
        output.either(format!("context of {tokens} tokens"), format!("会話の最大の長さ {tokens} トークン"))
    });
    let layers = header.layers.map(|layers| output.either(format!("{layers} layers"), format!("{layers} 層")));
    let cache = header.cache_bytes.map(bytes_in_words).map(|size| {
        output.either(
            format!("keys and values take {size} a token (16 bits)"),
            format!("会話の記憶に 1 トークンあたり {size}（16 ビット）"),
        )
    });
    let sizes: Vec<_> = [context, layers, cache].into_iter().flatten().collect();
    also(Some(output.joined(&sizes)).filter(|sizes| !sizes.is_empty()));
    also(header.tokenizer.as_ref().map(|tokenizer| {
        let kind =
            [&tokenizer.model, &tokenizer.pre].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("/");
        let (kind, tokens, hash) = (in_one_line(&kind), tokenizer.size, &tokenizer.hash.as_str()[..12]);
        let before = if kind.is_empty() { "" } else { "、" };
        output.either(
            format!("tokenizer {kind} of {tokens} tokens, identity {hash}"),
            format!("トークナイザー：{kind}{before}{tokens} トークン、識別子 {hash}"),
        )
    }));
    let all: u64 = header.types.iter().map(|(_, bytes)| bytes).sum();
    let share = |bytes: u64| 100.0 * bytes as f64 / all.max(1) as f64;
    let types: Vec<_> = header.types.iter().map(|(name, bytes)| format!("{name} {:.1}%", share(*bytes))).collect();
    let (count, types) = (header.tensor_count, output.joined(&types));
    also(Some(output.either(format!("{count} tensors: {types}"), format!("テンソル {count} 個：{types}"))));
    also(header.part.map(|(part, count)| {
        output.either(
            format!("file {part} of {count}: `taki models add` joins them"),
            format!("{count} 個に分かれたモデルの {part} 番目：「taki models add」で一つにまとめられます"),
        )
    }));
    let itself = output.either(
        "brings layers that draft by themselves (MTP), which Taki does not use",
        "自分で下書きする層（MTP）を含みますが、Taki では使いません",
    );
    also(header.drafts_itself.then(|| itself.to_owned()));
    let untaught = output.either(
        "without a chat template: made to go on with a text rather than to talk",
        "会話形式（チャットテンプレート）なし：会話ではなく、文章の続きを書くためのモデルです",
    );
    also((!header.chat_template).then(|| untaught.to_owned()));
    let licence = header.licence.as_deref().map(in_one_line);
    let licence = licence.unwrap_or_else(|| output.either("not told", "記載なし").to_owned());
    also(Some(output.either(format!("licence: {licence}"), format!("ライセンス：{licence}"))));
    lines
}

/// What a model of this kind does.
fn does(kind: Kind, output: &Output) -> &'static str {
    let (english, japanese) = match kind {
        Kind::Writes => ("writes text", "文章を書くモデルです"),
        Kind::Recurrent => (
            "writes text, but can take no token back: it answers without drafts",
            "文章を書くモデルですが、書いたトークンを取り消せないため、下書きモデルなしで回答します",
        ),
        Kind::Diffuses => (
            "writes a whole text at once, over and over, which Taki does not do",
            "語を順に書くのではなく、全体を繰り返し書き直すモデルで、Taki では使えません",
        ),
        Kind::Embeds => (
            "turns text into numbers for searching, and writes none",
            "検索用に文章を数値に変えるモデルで、文章は書きません",
        ),
        Kind::Projects => (
            "the eyes or ears of another model, without which it is nothing",
            "ほかのモデルに画像や音声を渡すための部品で、単独では使えません",
        ),
        Kind::Speaks => ("turns text into speech, and writes none", "文章を音声に変えるモデルで、文章は書きません"),
        Kind::Rewrites => (
            "reads a text with one half of itself to write another with the other half, which Taki does not do",
            "前半で読んだ文章を後半で別の文章に書き換える種類のモデルで、Taki では使えません",
        ),
        Kind::DraftsInside => {
            ("drafts inside of the model it was made for only", "専用のモデルの内部でだけ下書きするものです")
        }
    };
    output.either(english, japanese)
}

fn as_json(file: &str, header: &Header) -> Value {
    let tokenizer = header.tokenizer.as_ref().map(|tokenizer| {
        let (model, pre, size) = (&tokenizer.model, &tokenizer.pre, tokenizer.size);
        json!({ "model": model, "pre": pre, "tokens": size, "hash": tokenizer.hash.as_str() })
    });
    let types: Vec<_> = header.types.iter().map(|(name, bytes)| json!({ "type": name, "bytes": bytes })).collect();
    json!({
        "file": file, "bytes": header.file_bytes, "architecture": header.architecture, "name": header.name,
        "kind": match header.kind {
            Kind::Writes => "writes",
            Kind::Recurrent => "recurrent",
            Kind::Diffuses => "diffuses",
            Kind::Embeds => "embeds",
            Kind::Projects => "projects",
            Kind::Speaks => "speaks",
            Kind::Rewrites => "rewrites",
            Kind::DraftsInside => "drafts_inside",
        },
        "mix": header.mix, "types": types, "context": header.context_length, "layers": header.layers,
        "cache_bytes_per_token": header.cache_bytes, "tokenizer": tokenizer, "chat_template": header.chat_template, "reads_per_token": header.reads,
        "licence": header.licence, "drafts_itself": header.drafts_itself,
        "part": header.part.map(|(part, count)| json!({ "number": part, "of": count })),
    })
}
