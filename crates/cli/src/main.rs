//! `taki`: the assistant and its tools in the terminal.

mod args;
mod bench;
mod called;
mod chat;
mod chats;
mod check;
mod costs;
mod doctor;
mod earlier;
mod inspect;
mod interrupt;
mod lab;
mod ladders;
mod learned;
mod lend;
mod lines;
mod models;
mod moment;
mod output;
mod prove;
mod result;
mod setup;
mod shrink;
mod suite;
mod table;
mod terminal;

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser;
use output::Output;
use protocol::{Code, Problem};

fn main() -> ExitCode {
    // The worker and the reader of documents are this same program: they must hand over before anything else is set up.
    match std::env::args_os().nth(1) {
        Some(first) if first == "worker" => {
            log_to_standard_error();
            std::process::exit(engine::worker_main())
        }
        Some(first) if first == documents::ARGUMENT => std::process::exit(documents::child_main()),
        _ => {}
    }
    log_to_standard_error();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return wrong_use(&error),
    };
    let output = Output::new(args.json());
    let result = match args.command {
        Command::Chat(args) => chat::run(&args, &output),
        Command::Chats { command } => chats::run(&command, &output),
        Command::Models { command } => models::run(&command, &output),
        Command::Ladders { command } => ladders::run(&command, &output),
        Command::Prove(args) => prove::run(&args, &output),
        Command::Bench(args) => bench::run(&args, &output),
        Command::Lab { command } => lab::run(&command, &output),
        Command::Learned { command } => learned::run(&command, &output),
        Command::Table { command } => table::run(&command, &output),
        Command::Doctor(args) => doctor::run(&args, &output),
        Command::RpcServer(args) => lend::run(&args, &output),
    };
    let status = match result.and_then(|()| output.check()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            output.problem(&problem);
            ExitCode::FAILURE
        }
    };
    // Whoever stopped it must not take what there is for the whole.
    interrupt::told().map_or(status, |told| ExitCode::from(told.status()))
}

fn log_to_standard_error() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("TAKI_LOG").unwrap_or_else(|_| "error".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

/// Says in plain words what cannot be understood, or prints help if that was asked for.
fn wrong_use(error: &clap::Error) -> ExitCode {
    let code = ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
    let json = std::env::args_os().any(|argument| argument == "--json");
    let output = Output::new(json);
    if let Some(reason) = args::misunderstood(error, output.language) {
        output.problem(&Problem::new(Code::WrongUse).with("reason", reason));
        return code;
    }
    match error.print().and_then(|()| io::stdout().flush()) {
        // A reader that went away is no reason to fail.
        Err(lost) if lost.kind() != ErrorKind::BrokenPipe => {
            output.problem(&Problem::new(Code::OutputFailed).with("reason", lost));
            ExitCode::FAILURE
        }
        _ => code,
    }
}
