//! `taki models`: model files.

use std::io::{self, BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use catalog::{
    Catalog, FetchProgress, MadeFrom, ModelEntry, RecipeModel, SourceKind, discardable, partial, without_further_parts,
};
use protocol::{Code, Problem, bytes_in_words};
use serde_json::{Value, json};

use crate::args::{Models, mixes};
use crate::check;
use crate::inspect;
use crate::interrupt::stoppable;
use crate::output::Output;
use crate::setup::Setup;
use crate::shrink;

/// No token is longer, in bytes.
const LONGEST_TOKEN: u64 = 4096;

pub(crate) fn run(command: &Models, output: &Output) -> Result<(), Problem> {
    let mut setup = Setup::new()?;
    match command {
        Models::List { .. } => {
            list(&setup, output);
            Ok(())
        }
        Models::Fetch { names, .. } => {
            // Before minutes are spent on the first.
            let names = names.iter().map(|name| known(&mut setup, name, output)).collect::<Result<Vec<_>, _>>()?;
            let fetched =
                names.iter().map(|name| fetch_one(&mut setup, name, output)).collect::<Result<Vec<_>, _>>()?;
            output.json(&match &*fetched {
                [one] => one.clone(),
                all => json!({ "fetched": all }),
            });
            Ok(())
        }
        Models::Token { remove, .. } => token(*remove, output),
        Models::Check { names, .. } => check::run(&setup, names, output),
        Models::Verify { name, .. } => verify(&setup, name, output),
        Models::Add { files, .. } => add(&setup, files, output),
        Models::Shrink { model, to, ladder, no_probe, .. } => shrink::run(
            &setup,
            &shrink::Wanted { model, to: &mixes(to)?, ladder: ladder.as_deref(), probe: !no_probe },
            output,
        ),
        Models::Remove { name, .. } => remove(&setup, name, output),
        Models::Inspect { files, .. } => inspect::run(&setup, files, output),
    }
}

fn list(setup: &Setup, output: &Output) {
    setup.tell_unread(output);
    let mut rows = Vec::new();
    let offered = setup.catalog.offers().map(|offer| {
        let size = bytes_in_words(offer.about_bytes);
        let state = output.either("offered, about that large", "公開中、サイズは目安");
        output.line(format_args!("{:<22} {:>7}  {:<10} {state}", offer.id, size, offer.licence.spdx));
        json!({
            "id": offer.id, "name": offer.name, "bytes": offer.about_bytes, "licence": offer.licence.spdx, "offered": true,
        })
    });
    for model in setup.catalog.models() {
        let path = setup.models.path_of(model);
        let size = bytes_in_words(model.bytes);
        let there = if path.is_some() { 0 } else { partial(model, &setup.models) };
        let state = match (&path, there) {
            (Some(_), _) => output.either("installed", "保存済み").to_owned(),
            (None, 0) => output.either("not installed", "未ダウンロード").to_owned(),
            (None, there) => {
                let there = bytes_in_words(there);
                output.either(
                    format!("not installed, {there} of {size} are here"),
                    format!("未ダウンロード、{size} のうち {there} は取得済み"),
                )
            }
        };
        let bad = setup.models.bytes_aside(&model.sha256);
        let aside = (bad > 0).then(|| bytes_in_words(bad)).map(|bad| {
            output.either(
                format!(", a wrong file of {bad} is set aside"),
                format!("、内容の正しくないファイル（{bad}）を隔離済み"),
            )
        });
        let aside = aside.unwrap_or_default();
        output.line(format_args!("{:<22} {:>7}  {:<10} {state}{aside}", model.id, size, model.licence.spdx));
        rows.push(json!({
            "id": model.id, "name": model.name, "bytes": model.bytes, "licence": model.licence.spdx,
            "sha256": model.sha256.as_str(), "path": path, "partial_bytes": there, "aside_bytes": bad,
        }));
    }
    rows.extend(offered);
    output.json(&json!({ "models": rows, "folder": setup.models.root() }));
}

/// The name of a ladder or model that is to be fetched; what an address leads to is a ladder of its own from now on.
fn known(setup: &mut Setup, name: &str, output: &Output) -> Result<String, Problem> {
    if name.contains("://") { setup.settle_at(name, output) } else { setup.knows(name).map(|()| name.to_owned()) }
}

/// Fetches what the ladder or model `name` lacks, telling how far it is.
pub(crate) fn fetch(setup: &mut Setup, name: &str, output: &Output) -> Result<(), Problem> {
    fetch_one(setup, name, output).map(|fetched| output.json(&fetched))
}

fn fetch_one(setup: &mut Setup, name: &str, output: &Output) -> Result<Value, Problem> {
    let cancel = Arc::new(AtomicBool::new(false));
    let (mut told, mut anew) = (None, false);
    let mut on = |progress: FetchProgress| {
        if progress.anew && !anew {
            output.progress_done();
            let model = &progress.model;
            output.note(output.either(
                format_args!("What had come in of {model} was damaged: all of it is fetched once more."),
                format_args!("{model} のファイルが途中で壊れたため、初めからダウンロードし直しています。"),
            ));
        }
        anew = progress.anew;
        output.progress(in_words(&progress, output));
        // A log gets a line for every tenth of what is read or fetched.
        let tenth = progress.done_bytes.saturating_mul(10) / progress.total_bytes.max(1);
        if !output.terminal && told != Some((tenth, progress.interrupted.is_some())) {
            told = Some((tenth, progress.interrupted.is_some()));
            output.note(in_words(&progress, output));
        }
    };
    setup.settle(name, output, &mut on)?;
    let options = setup.fetch_options()?;
    let flag = Arc::clone(&cancel);
    let result = stoppable(
        move || flag.store(true, Ordering::Release),
        || catalog::fetch(&setup.catalog, &setup.models, name, &options, &cancel, &mut on),
    );
    output.progress_done();
    if let Err(problem) = result {
        setup.recipes.doubt(name, &problem)?;
        return Err(problem);
    }
    shrink::remake(setup, name, output)?;
    let models = setup.catalog.models_named(name)?;
    // What was made of a single model may not be the same byte for byte: then it is another one.
    let path = |model: &&ModelEntry| setup.models.path_of(model).ok_or_else(|| model.missing(name));
    let paths = models.iter().map(path).collect::<Result<Vec<_>, _>>()?;
    output.note(output.either(format_args!("{name} is ready."), format_args!("{name} の準備ができました。")));
    Ok(json!({ "name": name, "paths": paths }))
}

/// Keeps the token that comes in, or forgets the one that is kept.
fn token(remove: bool, output: &Output) -> Result<(), Problem> {
    if remove {
        store::forget_token()?;
        output.line(output.either("No token is kept any more.", "アクセストークンは保存されていません。"));
    } else {
        if io::stdin().is_terminal() {
            output.prompt(output.either(
                "Token of the model repository (it stays visible here): ",
                "モデル配布元のアクセストークン（入力した文字は画面に残ります）：",
            ));
        }
        let mut token = String::new();
        let read = io::stdin().lock().take(LONGEST_TOKEN).read_line(&mut token);
        read.map_err(|error| Problem::new(Code::Internal).with("reason", error))?;
        store::keep_token(&token)?;
        output.line(output.either(
            "The token is in this computer's keyring. `taki models token --remove` forgets it.",
            "アクセストークンを、このパソコンのパスワード保管機能（キーリング）に保存しました。「taki models token --remove」で削除できます。",
        ));
    }
    output.json(&json!({ "token": !remove }));
    Ok(())
}

fn add(setup: &Setup, files: &[PathBuf], output: &Output) -> Result<(), Problem> {
    setup.catalog.open_to_others()?;
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for file in without_further_parts(files) {
        match take_in(setup, file, None, output) {
            Ok(model) => {
                let (id, name) = (&model.id, &model.name);
                output.line(output.either(
                    format_args!("{name} is in the list as {id}."),
                    format_args!("{name} を {id} として一覧に載せました。"),
                ));
                rows.push(as_json(&model));
            }
            Err(problem) => problems.push(problem),
        }
        if problems.last().is_some_and(|problem| problem.code == Code::Cancelled) {
            break;
        }
    }
    output.json(&json!({ "added": rows, "problems": problems }));
    output.last_of(problems)
}

/// A model as JSON has it.
pub(crate) fn as_json(model: &RecipeModel) -> Value {
    json!({ "id": model.id, "name": model.name, "bytes": model.bytes, "sha256": model.sha256.as_str() })
}

/// Takes a file in, telling how far it is; the model's id is the one that the list has it under.
pub(crate) fn take_in(
    setup: &Setup,
    file: &Path,
    made_from: Option<MadeFrom>,
    output: &Output,
) -> Result<RecipeModel, Problem> {
    setup.catalog.open_to_others()?;
    let mut model =
        reading(output, &reads(file, output), |cancel, on| setup.models.take_in(file, made_from, cancel, on))?;
    let (catalog, _) = Catalog::builtin().with_own(&setup.models, &setup.recipes);
    if let Some(listed) = catalog.models().iter().find(|listed| listed.sha256 == model.sha256) {
        model.id.clone_from(&listed.id);
    }
    Ok(model)
}

/// That a file is being read.
pub(crate) fn reads(file: &Path, output: &Output) -> String {
    let file = file.display();
    output.either(format!("Reading {file}"), format!("{file} を読み込んでいます"))
}

/// Reads or copies files, telling `what` is done and how far it is, until it is stopped.
pub(crate) fn reading<T>(
    output: &Output,
    what: &str,
    work: impl FnOnce(&AtomicBool, &mut dyn FnMut(u64, u64)) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let cancel = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancel);
    let mut on = |done: u64, all: u64| {
        let (space, percent) = (output.either(" ", ""), 100.0 * done as f64 / all.max(1) as f64);
        output.progress(format_args!("{what}{space}… {percent:.0}%"));
    };
    let result = stoppable(move || flag.store(true, Ordering::Release), || work(&cancel, &mut on));
    output.progress_done();
    result
}

fn remove(setup: &Setup, name: &str, output: &Output) -> Result<(), Problem> {
    let model = match setup.catalog.model(name) {
        Err(_) if setup.catalog.offers_named(name) => return Err(Problem::new(Code::ModelNotHere).with("name", name)),
        found => found?,
    };
    let is_here = setup.models.file_of(&model.sha256).is_some();
    let rest = || discardable(&setup.models, &model.sha256);
    let before = rest();
    if !is_here && before == 0 {
        return Err(model.not_here());
    }
    // What is no whole file no ladder needs.
    if is_here {
        setup.places.rules.let_go(&model.name)?;
        setup.catalog.let_go(&setup.recipes, model, store::chosen_ladder(&setup.places).as_deref())?;
    }
    setup.models.remove(&model.sha256)?;
    let stays = rest();
    let freed = before.saturating_sub(stays);
    if stays > 0 {
        let size = bytes_in_words(stays);
        output.note(output.either(
            format_args!("{size} stay: another program is fetching it now."),
            format_args!("{size} は残っています。ほかのプログラムが今ダウンロードしています。"),
        ));
    }
    let had = if is_here { setup.recipes.had(&model.sha256) } else { Vec::new() };
    if !had.is_empty() {
        let ladders = output.joined(&had);
        let again = if model.sources.is_empty() {
            output.either("made or added", "作成または追加")
        } else {
            output.either("downloaded", "ダウンロード")
        };
        output.note(output.either(
            format_args!(
                "Earlier versions, or ladders that were removed, have it: {ladders}. Once brought back, they need it {again} again."
            ),
            format_args!(
                "以前のバージョンか、削除した組み合わせで使われています：{ladders}。元に戻すときは、もう一度{again}する必要があります。"
            ),
        ));
    }
    let name = &model.name;
    if is_here {
        output.line(
            output.either(
                format_args!("The file of {name} is deleted."),
                format_args!("{name} のファイルを削除しました。"),
            ),
        );
    }
    if freed > 0 {
        let size = bytes_in_words(freed);
        output.line(output.either(
            format_args!("What was not whole of {name}, {size}, is deleted."),
            format_args!("{name} の不完全なファイル（{size}）を削除しました。"),
        ));
    }
    output.json(&json!({ "removed": model.id, "earlier": had, "not_whole_bytes": freed }));
    Ok(())
}

fn verify(setup: &Setup, name: &str, output: &Output) -> Result<(), Problem> {
    if setup.catalog.offered(name).is_none() && setup.catalog.offers_named(name) {
        return Err(Problem::new(Code::ModelNotHere).with("name", name));
    }
    let models = setup.catalog.models_named(name)?;
    if let Some(missing) = models.iter().find(|model| setup.models.path_of(model).is_none()) {
        return Err(if missing.id == name { missing.not_here() } else { missing.missing(name) });
    }
    for model in &models {
        let name = &model.name;
        let what = output.either(format!("Checking {name}"), format!("{name} を確認しています"));
        reading(output, &what, |cancel, on| setup.models.verify(model, cancel, &mut |done| on(done, model.bytes)))?;
        output.line(format_args!("{:<22} {}", model.id, output.either("whole", "正常")));
    }
    let ids: Vec<_> = models.iter().map(|model| &model.id).collect();
    output.json(&json!({ "name": name, "whole": ids }));
    Ok(())
}

fn in_words(progress: &FetchProgress, output: &Output) -> String {
    let FetchProgress { model, mirror, source, .. } = progress;
    let (done, total) = (bytes_in_words(progress.done_bytes), bytes_in_words(progress.total_bytes));
    if progress.verifying {
        return output.either(
            format!("Checking {model} … {done} of {total}"),
            format!("{model} を確認しています… {total} のうち {done}"),
        );
    }
    if let Some(reason) = &progress.interrupted {
        let problem = Problem::new(Code::DownloadInterrupted).with("name", model).with("reason", reason);
        let sentence = problem.sentence(output.language);
        return output.either(
            format!("{sentence} Trying again … {done} of {total} are here"),
            format!("{sentence}まもなく再試行します… {total} のうち {done} 取得済み"),
        );
    }
    let from = match (mirror, source) {
        (Some(host), _) => output.either(format!(" from the mirror {host}"), format!("ミラー {host} から ")),
        (None, Some(source)) => {
            let japanese = match source {
                SourceKind::HuggingFace => "Hugging Face から ",
                SourceKind::PythonPackages => "Python パッケージから ",
                SourceKind::Folder => "フォルダーから ",
            };
            output.either(format!(" from {source}"), japanese.to_owned())
        }
        (None, None) => String::new(),
    };
    let left = progress.seconds_left.map(|seconds| time(seconds, output));
    let left = left.map(|time| output.either(format!(", about {time} left"), format!("、残り約 {time}")));
    let left = left.unwrap_or_default();
    output.either(
        format!("Fetching {model}{from} … {done} of {total}{left}"),
        format!("{from}{model} をダウンロードしています… {total} のうち {done}{left}"),
    )
}

fn time(seconds: f64, output: &Output) -> String {
    if seconds < 90.0 {
        return output.either(format!("{seconds:.0} s"), format!("{seconds:.0} 秒"));
    }
    let minutes = seconds / 60.0;
    output.either(format!("{minutes:.0} min"), format!("{minutes:.0} 分"))
}
