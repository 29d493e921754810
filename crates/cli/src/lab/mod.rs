//! `taki lab`: recording what models say, and finding out on the record what drafting would bring.

mod record;
mod swi;

pub(crate) use record::recorded;

use std::path::Path;

use protocol::{Code, Problem};

use crate::args::Lab;
use crate::output::Output;

pub(crate) fn run(command: &Lab, output: &Output) -> Result<(), Problem> {
    match command {
        Lab::Record(args) => record::run(args, output),
        Lab::Costs(args) => record::costs(args, output),
        Lab::Swi(args) => swi::run(args, output),
    }
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::FileUnusable).with("path", path.display()).with("reason", reason)
}
