//! What the adaptive policy reaches on a trace, on every second question and the others.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::Path;

use lab::{Costs, Plan, Played, Trace, play};

fn main() -> Result<(), Box<dyn Error>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data");
    let trace = Trace::load(&data.join("qwen-coder.trace.gz"))?;
    for (name, costs, k) in [
        ("flat", Costs::load(&data.join("flat.costs.json"))?, 4),
        ("two-cores", Costs::load(&data.join("two-cores.costs.json"))?, 1),
        ("1/.04", Costs::by_call(&[1.0, 0.04]), 8),
        ("1/.35", Costs::by_call(&[1.0, 0.35]), 2),
    ] {
        let off = play(&trace.questions, &costs, 1, &Plan::Off)?;
        let fixed = play(&trace.questions, &costs, 1, &Plan::Fixed { k: vec![vec![k, 0], vec![0, 0]], lenience: 1.0 })?;
        let all = play(&trace.questions, &costs, 1, &Plan::Adaptive)?;
        let sum = |of: &[Played], keep: &dyn Fn(usize) -> bool| -> f64 {
            of.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, p)| p.cost).sum()
        };
        let rate = |of: &[Played], keep: &dyn Fn(usize) -> bool| sum(&off, keep) / sum(of, keep);
        let mut played = Played::default();
        all.iter().for_each(|p| played.add(p));
        println!(
            "{name}: all {:.3} even {:.3} odd {:.3}; first 20 {:.3}; fixed {:.3} even {:.3} odd {:.3}; ratio {:.3} / {:.3} / {:.3}",
            rate(&all, &|_| true),
            rate(&all, &|i| i % 2 == 0),
            rate(&all, &|i| i % 2 == 1),
            rate(&all, &|i| i < 20),
            rate(&fixed, &|_| true),
            rate(&fixed, &|i| i % 2 == 0),
            rate(&fixed, &|i| i % 2 == 1),
            rate(&all, &|_| true) / rate(&fixed, &|_| true),
            rate(&all, &|i| i % 2 == 0) / rate(&fixed, &|i| i % 2 == 0),
            rate(&all, &|i| i % 2 == 1) / rate(&fixed, &|i| i % 2 == 1),
        );
        println!("   {played:?}");
    }
    Ok(())
}
