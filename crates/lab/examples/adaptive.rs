//! What the adaptive policy reaches on the recorded trace, on the even questions (the 1st, 3rd, …) and on the
//! others, and what could be reached: `cargo run --release -p lab --example adaptive`.

#![allow(clippy::print_stdout)]

use std::error::Error;
use std::path::Path;

use lab::{Costs, Plan, Played, Trace, least_cost, play};

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
        let least: Vec<f64> = trace.questions.iter().map(|question| least_cost(question, &costs)).collect();
        println!("{name} (fixed: {k} tokens)");
        let halves: [(&str, &dyn Fn(usize) -> bool); 3] =
            [("all", &|_| true), ("even", &|i| i % 2 == 0), ("odd", &|i| i % 2 == 1)];
        for (half, keep) in halves {
            let (adaptive, fixed) = (rate(&all, keep), rate(&fixed, keep));
            let bound: f64 = least.iter().enumerate().filter(|(i, _)| keep(*i)).map(|(_, cost)| cost).sum();
            let bound = sum(&off, keep) / bound;
            let ratio = adaptive / fixed;
            println!(
                "  {half:9} adaptive {adaptive:.3}, fixed {fixed:.3}, ratio {ratio:.3}, with hindsight {bound:.3}"
            );
        }
    }
    Ok(())
}
