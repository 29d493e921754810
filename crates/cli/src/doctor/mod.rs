//! `taki doctor`: what is there, what is used and why, what could be better.

mod advice;
mod bundle;
mod cards;
mod machine;
mod modules;
mod told;
mod used;

use engine::{Engine, Launch};
use protocol::worker::Hardware;
use protocol::{Language, Problem};
use serde_json::json;

use crate::args::Doctor;
use crate::output::Output;
use crate::setup::{self, Setup};
use machine::Machine;
use told::Seen;
use used::Used;

pub(crate) fn run(args: &Doctor, output: &Output) -> Result<(), Problem> {
    let setup = Setup::new()?;
    let settings = setup::settings(&setup.places, output);
    output.progress(output.either("Looking at this computer …", "このパソコンを調べています…"));
    let machine = Machine::here();
    let engine = Engine::new(Launch::this_program()?);
    engine.compute_with(setup.places.rules.workers(&settings));
    let hardware = engine.hardware();
    // An engine that does not even start is the first thing to know.
    let (hardware, failed) = match hardware {
        Ok(hardware) => (hardware, None),
        Err(problem) => (Hardware::default(), Some(problem)),
    };
    let reads = engine::bytes_a_second(&setup.learned().all(), &|ladder| setup.catalog.is_dense(ladder));
    let ladder = catalog::resolve(&setup.catalog, &setup.models, &settings.ladder);
    let used = Used::of(&setup, &engine, &hardware, &settings, ladder.as_ref().ok());
    output.progress_done();
    let wrong: Vec<Problem> = ladder.err().into_iter().collect();
    let advice_in = |language| advice::advice(&machine, &hardware, settings.gpu_layers, &wrong, language);
    let advice = advice_in(output.language);
    let rules = setup.places.rules.path.as_deref();
    let seen = Seen { machine: &machine, hardware: &hardware, settings: &settings, rules, reads, used: &used };
    for line in told::lines(&seen, output.language) {
        output.line(line);
    }
    if let Some(problem) = &failed {
        output.warning(problem);
    }
    output.line("");
    match (advice.len(), &failed) {
        (0, None) => {
            output.line(output.either("Nothing to improve was found.", "改善できる点は見つかりませんでした。"));
        }
        (0, Some(_)) => {}
        _ => output.line(output.either("What could be better:", "改善できる点：")),
    }
    for line in &advice {
        output.line(format_args!("  {line}"));
    }
    // For programs it is the same everywhere.
    let report = json!({
        "version": env!("CARGO_PKG_VERSION"), "machine": machine, "engine": hardware, "engine_problem": failed,
        "engine_reads": reads, "ladder": settings.ladder, "exact": settings.exact, "threads": settings.threads,
        "threads_found": used.threads(), "gpu_layers": settings.gpu_layers, "foreseen": used.shares(),
        "advice": advice_in(Language::English), "locked": setup.places.rules.locked(),
    });
    if let Some(path) = &args.bundle {
        bundle::write(path, &bundle::bundle(&setup, settings, &report))?;
        let path = path.display();
        output.note(output.either(
            format_args!(
                "Written to {path}: figures and settings, no conversations, no instructions, no addresses. Read it before you send it."
            ),
            format_args!(
                "{path} に書き出しました。数値と設定だけで、会話・指示・アドレスは含みません。送る前に中身を確認してください。"
            ),
        ));
    }
    output.json(&report);
    Ok(())
}
