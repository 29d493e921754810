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
        for line in in_words(file, header) {
            output.line(line);
        }
        let mut row = as_json(file, header);
        if at > 0 {
            let (of_first, summary) = (first_header.summary(), header.summary());
            let verdict = match_up_by_text(&of_first, &summary, file);
            let told = match &verdict {
                Ok(Tokens::Same) => format!("It can draft for {first}."),
                Ok(Tokens::Nearly(shared)) => {
                    format!("It can draft for {first}: all but a few of its tokens are the same ({shared} at least).")
                }
                Ok(Tokens::ByText) => {
                    format!(
                        "It can draft for {first} by text only (--by-text), which is slower: its tokens are others."
                    )
                }
                Err(problem) => format!("It cannot draft for {first}: {}", problem.sentence(output.language)),
            };
            output.line(format_args!("  {told}"));
            let reads = summary.reads_beside(&of_first);
            // A part of a model is no measure of it.
            let whole = first_header.part.is_none() && header.part.is_none();
            if let Some(slow) = verdict.as_ref().ok().filter(|_| whole).and_then(|_| slow(first, reads)) {
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
pub(crate) fn slow(target: &str, reads: f64) -> Option<String> {
    let share = 100.0 * reads;
    if reads >= 1.0 {
        return Some(format!(
            "It reads {share:.0}% of what {target} reads for each token: drafting with it is slower, unless it lies on a faster device."
        ));
    }
    (reads >= SLOW).then(|| {
        format!("It reads {share:.0}% of what {target} reads for each token: drafting with it can hardly be faster.")
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

fn in_words(file: &str, header: &Header) -> Vec<String> {
    // A file may say anything: nothing of it is to command the terminal.
    let name = in_one_line(header.name.as_deref().unwrap_or(file));
    let what = match header.kind {
        Kind::Writes => "writes text",
        Kind::Recurrent => "writes text, but can take no token back: it answers without drafts",
        Kind::Diffuses => "writes a whole text at once, over and over, which Taki does not do",
        Kind::Embeds => "turns text into numbers for searching, and writes none",
        Kind::Projects => "the eyes or ears of another model, without which it is nothing",
        Kind::Speaks => "turns text into speech, and writes none",
        Kind::Rewrites => {
            "reads a text with one half of itself to write another with the other half, which Taki does not do"
        }
        Kind::DraftsInside => "drafts inside of the model it was made for only",
    };
    let mut lines = vec![
        format!(
            "{name}: {} {}, {}",
            in_one_line(&header.architecture),
            header.mix.unwrap_or("of no named mix"),
            bytes_in_words(header.file_bytes)
        ),
        format!("  {what}"),
    ];
    let mut also = |line: Option<String>| lines.extend(line.map(|line| format!("  {line}")));
    let context = header.context_length.map(|tokens| format!("context of {tokens} tokens"));
    let layers = header.layers.map(|layers| format!("{layers} layers"));
    let cache =
        header.cache_bytes.map(|bytes| format!("keys and values take {} a token (16 bits)", bytes_in_words(bytes)));
    let sizes: Vec<_> = [context, layers, cache].into_iter().flatten().collect();
    also(Some(sizes.join(", ")).filter(|sizes| !sizes.is_empty()));
    also(header.tokenizer.as_ref().map(|tokenizer| {
        let kind =
            [&tokenizer.model, &tokenizer.pre].into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("/");
        let kind = in_one_line(&kind);
        format!("tokenizer {kind} of {} tokens, identity {}", tokenizer.size, &tokenizer.hash.as_str()[..12])
    }));
    let all: u64 = header.types.iter().map(|(_, bytes)| bytes).sum();
    let share = |bytes: u64| 100.0 * bytes as f64 / all.max(1) as f64;
    let types: Vec<_> = header.types.iter().map(|(name, bytes)| format!("{name} {:.1}%", share(*bytes))).collect();
    also(Some(format!("{} tensors: {}", header.tensor_count, types.join(", "))));
    also(header.part.map(|(part, count)| format!("file {part} of {count}: `taki models add` joins them")));
    also(
        header
            .drafts_itself
            .then(|| "brings layers that draft by themselves (MTP), which Taki does not use".to_owned()),
    );
    also(
        (!header.chat_template)
            .then(|| "without a chat template: made to go on with a text rather than to talk".to_owned()),
    );
    also(Some(format!("licence: {}", header.licence.as_deref().map_or_else(|| "not told".to_owned(), in_one_line))));
    lines
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
