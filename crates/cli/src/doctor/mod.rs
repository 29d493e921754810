//! `taki doctor`: what is there, what is used, what could be better.

mod advice;
mod bundle;
mod machine;

use std::path::Path;

use catalog::UpdateSource;
use engine::{Engine, Launch};
use protocol::chat::Settings;
use protocol::worker::{Device, DeviceKind, Hardware, Modules};
use protocol::{Problem, bytes_in_words};
use serde_json::json;

use crate::args::Doctor;
use crate::output::Output;
use crate::setup::{self, Setup};
use machine::Machine;

pub(crate) fn run(args: &Doctor, output: &Output) -> Result<(), Problem> {
    let setup = Setup::new()?;
    let settings = setup::settings(&setup.places, output);
    output.progress("Looking at this computer …");
    let machine = Machine::here();
    let engine = Engine::new(Launch::this_program()?);
    engine.compute_with(setup.places.rules.workers(&settings));
    let hardware = engine.hardware();
    output.progress_done();
    // An engine that does not even start is the first thing to know.
    let (hardware, failed) = match hardware {
        Ok(hardware) => (hardware, None),
        Err(problem) => (Hardware::default(), Some(problem)),
    };
    let reads = engine::bytes_a_second(&setup.learned().all(), &|ladder| setup.catalog.is_dense(ladder));
    let ladder = catalog::resolve(&setup.catalog, &setup.models, &settings.ladder);
    let wrong: Vec<Problem> = ladder.err().into_iter().collect();
    let advice = advice::advice(&machine, &hardware, settings.gpu_layers, &wrong, output.language);
    tell(&machine, &hardware, &settings, setup.places.rules.path.as_deref(), reads, output);
    if let Some(problem) = &failed {
        output.warning(problem);
    }
    output.line("");
    match (advice.len(), &failed) {
        (0, None) => output.line("Nothing to improve was found."),
        (0, Some(_)) => {}
        _ => output.line("What could be better:"),
    }
    for line in &advice {
        output.line(format_args!("  {line}"));
    }
    let report = json!({
        "version": env!("CARGO_PKG_VERSION"), "machine": machine, "engine": hardware, "engine_problem": failed,
        "engine_reads": reads, "ladder": settings.ladder, "exact": settings.exact, "threads": settings.threads,
        "gpu_layers": settings.gpu_layers, "advice": advice,
        "locked": setup.places.rules.locked(),
    });
    if let Some(path) = &args.bundle {
        bundle::write(path, &bundle::bundle(&setup, settings, &report))?;
        output.note(format_args!(
            "Written to {}: figures and settings, no conversations, no instructions, no addresses. Read it before you send it.",
            path.display()
        ));
    }
    output.json(&report);
    Ok(())
}

/// One line for each thing, in plain words.
fn tell(
    machine: &Machine,
    hardware: &Hardware,
    settings: &Settings,
    rules: Option<&Path>,
    reads: Option<f64>,
    output: &Output,
) {
    let line = |name: &str, what: String| output.line(format_args!("{name:<18}{what}"));
    let bytes = |bytes: Option<u64>| bytes.map_or_else(|| "unknown".to_owned(), bytes_in_words);
    let speed = |bytes: f64| format!("{} a second", bytes_in_words(bytes as u64));
    line("System", format!("{}, kernel {}", machine.system, machine.kernel));
    line("Processor", format!("{}, {} cores, {} threads", machine.processor, machine.cores, machine.threads));
    line("  used of it", hardware.processor.join(" "));
    if let Some(module) = &hardware.processor_module {
        line("  computed by", module.file.clone());
    }
    line("Memory", format!("{}, {} free", bytes(machine.memory), bytes(machine.free)));
    if let Some(measured) = machine.reads {
        line("  read at", format!("{} by a plain program, measured now", speed(measured)));
    }
    if let Some(reads) = reads {
        line(
            "  read at",
            format!("{} by the largest model that ran here: a word takes it once through all of a model", speed(reads)),
        );
    }
    line("Display", machine.display.clone().unwrap_or_else(|| "none: only the terminal program works".to_owned()));
    if hardware.devices.is_empty() {
        line("Graphics", "nothing that the engine can use; the processor computes".to_owned());
    }
    for device in &hardware.devices {
        line(if device.kind == DeviceKind::Remote { "Computer" } else { "Graphics" }, told(device));
    }
    for card in &machine.cards {
        line("  card", format!("{}, driver {}", card.maker, card.driver.as_deref().unwrap_or("none")));
    }
    if let Some(Modules { folder, .. }) = &hardware.modules {
        // Those for processors and for other computers come with the program.
        let for_cards = |file: &&String| !["ggml-cpu", "ggml-rpc"].iter().any(|part| file.contains(part));
        let files = hardware.module_files.iter().filter(for_cards).map(String::as_str).collect::<Vec<_>>().join(" ");
        let files = if files.is_empty() { "none, which is fine without a graphics card" } else { &files };
        line("Card modules", format!("{files} (looked for in {})", folder.display()));
    }
    if let Some(rules) = rules {
        line("Administrator", format!("rules in {}", rules.display()));
    }
    if let Ok(Some(updates)) = UpdateSource::parse(&settings.updates) {
        line("Updates", updates.to_string());
    }
    let automatic = |asked: Option<u16>| asked.map_or_else(|| "automatic".to_owned(), |asked| asked.to_string());
    let mode = if settings.exact { "exact" } else { "fast" };
    line(
        "Used",
        format!(
            "ladder {}, {mode} mode, threads {}, layers on the graphics card {}",
            settings.ladder,
            automatic(settings.threads),
            automatic(settings.gpu_layers)
        ),
    );
}

fn told(device: &Device) -> String {
    let kind = match device.kind {
        DeviceKind::Card => "card",
        DeviceKind::Integrated => "shares the main memory",
        DeviceKind::Remote => "another computer",
    };
    let (total, free) = (bytes_in_words(device.total), bytes_in_words(device.free));
    format!("{} ({}, {kind}): {total}, {free} free", device.description, device.backend)
}
