//! Model files and ladders.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use catalog::{FetchOptions, FetchProgress};
use protocol::{Code, Problem, bytes_in_words};
use serde_json::json;

use crate::args::Models;
use crate::inspect;
use crate::interrupt::stoppable;
use crate::output::Output;
use crate::setup::Setup;

pub(crate) fn run(command: &Models, output: &Output) -> Result<(), Problem> {
    let setup = Setup::new()?;
    match command {
        Models::List { .. } => {
            list(&setup, output);
            Ok(())
        }
        Models::Fetch { name, .. } => fetch(&setup, name, output),
        Models::Verify { name, .. } => verify(&setup, name, output),
        Models::Inspect { files, .. } => inspect::run(&setup, files, output),
    }
}

fn list(setup: &Setup, output: &Output) {
    let mut rows = Vec::new();
    for model in setup.catalog.models() {
        let path = setup.models.path_of(model);
        let state = if path.is_some() { "installed" } else { "not installed" };
        let size = bytes_in_words(model.bytes);
        output.line(format_args!("{:<22} {:>7}  {:<10} {state}", model.id, size, model.licence.spdx));
        rows.push(json!({
            "id": model.id, "name": model.name, "bytes": model.bytes, "licence": model.licence.spdx,
            "sha256": model.sha256.as_str(), "path": path,
        }));
    }
    output.json(&json!({ "models": rows, "folder": setup.models.root() }));
}

pub(crate) fn ladders(output: &Output) -> Result<(), Problem> {
    let setup = Setup::new()?;
    let mut rows = Vec::new();
    for ladder in setup.catalog.ladders() {
        let missing = setup.models.ready(&setup.catalog, &ladder.id)?;
        let mut rungs: Vec<&str> =
            setup.catalog.models_of(&ladder.id)?.into_iter().map(|model| model.name.as_str()).collect();
        if ladder.max_gram {
            rungs.push("Max-Gram");
        }
        let state = if missing == 0 { "ready".to_owned() } else { format!("{} to fetch", bytes_in_words(missing)) };
        output.line(format_args!("{:<12} {}  ({state})", ladder.id, rungs.join(" ← ")));
        output.line(format_args!("{:<12} {}", "", ladder.description.get(output.language)));
        rows.push(
            json!({ "id": ladder.id, "name": ladder.name, "rungs": rungs, "missing_bytes": missing, "k": ladder.k }),
        );
    }
    output.json(&json!({ "ladders": rows }));
    Ok(())
}

/// Fetches what the ladder or model `name` lacks, telling how far it is.
pub(crate) fn fetch(setup: &Setup, name: &str, output: &Output) -> Result<(), Problem> {
    let cancel = Arc::new(AtomicBool::new(false));
    let mut told = 0;
    let mut on = |progress: FetchProgress| {
        output.progress(in_words(&progress));
        // A log gets a line for every tenth.
        let tenth = progress.done_bytes.saturating_mul(10) / progress.total_bytes.max(1);
        if !output.terminal && (tenth > told || progress.done_bytes == 0) {
            told = tenth;
            output.note(in_words(&progress));
        }
    };
    let options = FetchOptions::from_env()?;
    let flag = Arc::clone(&cancel);
    let result = stoppable(
        move || flag.store(true, Ordering::Release),
        || catalog::fetch(&setup.catalog, &setup.models, name, &options, &cancel, &mut on),
    );
    output.progress_done();
    let paths = result?;
    output.note(format_args!("{name} is ready."));
    output.json(&json!({ "name": name, "paths": paths }));
    Ok(())
}

fn verify(setup: &Setup, name: &str, output: &Output) -> Result<(), Problem> {
    let models = setup.catalog.models_named(name)?;
    if models.iter().any(|model| setup.models.path_of(model).is_none()) {
        return Err(Problem::new(Code::NotInstalled).with("ladder", name));
    }
    for model in &models {
        output.progress(format_args!("Checking {} …", model.name));
        let result = setup.models.verify(model, &AtomicBool::new(false));
        output.progress_done();
        result?;
        output.line(format_args!("{:<22} whole", model.id));
    }
    let ids: Vec<_> = models.iter().map(|model| &model.id).collect();
    output.json(&json!({ "name": name, "whole": ids }));
    Ok(())
}

fn in_words(progress: &FetchProgress) -> String {
    let of = format!("{} of {}", bytes_in_words(progress.done_bytes), bytes_in_words(progress.total_bytes));
    if progress.verifying {
        return format!("Checking {} … {of}", progress.model);
    }
    let from = progress.source.map(|source| format!(" from {source}")).unwrap_or_default();
    let left = progress.seconds_left.map(|seconds| format!(", about {} left", time(seconds))).unwrap_or_default();
    format!("Fetching {}{from} … {of}{left}", progress.model)
}

fn time(seconds: f64) -> String {
    if seconds < 90.0 { format!("{seconds:.0} s") } else { format!("{:.0} min", seconds / 60.0) }
}
