//! A model that takes no token back: it answers alone, and drafts for nobody.

use std::fs;
use std::path::Path;

use protocol::ladder::{Ladder, Rung};
use protocol::{Code, StoodAside};

use crate::PROMPT;
use crate::support::{answer, ask, engine, fast, greedy, ladder};

/// Width of the model, and what its family has of it.
const WIDTH: u64 = 32;
const INNER: u64 = 2 * WIDTH;
const CONVOLVED: u64 = 4;
const STATE: u64 = 16;
const STEP: u64 = 2;

fn text(value: &str) -> Vec<u8> {
    [&(value.len() as u64).to_le_bytes(), value.as_bytes()].concat()
}

fn number(file: &[u8], at: usize, bytes: usize) -> usize {
    file[at..at + bytes].iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}

/// Where the value of this kind that begins at `at` ends.
fn end(file: &[u8], kind: usize, at: usize) -> usize {
    match kind {
        0 | 1 | 7 => at + 1,
        2 | 3 => at + 2,
        4..=6 => at + 4,
        8 => at + 8 + number(file, at, 8),
        9 => (0..number(file, at + 4, 8)).fold(at + 12, |item, _| end(file, number(file, at, 4), item)),
        _ => at + 8,
    }
}

/// The key-value pairs of a GGUF file that tell of its tokenizer, and how many tokens that has.
fn tokenizer(file: &[u8]) -> (Vec<Vec<u8>>, u64) {
    let (mut pairs, mut tokens, mut at) = (Vec::new(), 0, 24);
    for _ in 0..number(file, 16, 8) {
        let value = at + 8 + number(file, at, 8) + 4;
        let key = &file[at + 8..value - 4];
        if key == b"tokenizer.ggml.tokens" {
            tokens = number(file, value + 4, 8) as u64;
        }
        let next = end(file, number(file, value - 4, 4), value);
        if key.starts_with(b"tokenizer.") {
            pairs.push(file[at..next].to_vec());
        }
        at = next;
    }
    (pairs, tokens)
}

/// A Mamba model of so many layers that learned nothing, with SmolLM2's tokenizer.
fn mamba(folder: &Path, name: &str, layers: u32) -> Rung {
    let (mut pairs, tokens) = tokenizer(&fs::read(&ladder("smollm2").rungs[0].path).unwrap());
    pairs.push([text("general.architecture"), 8_u32.to_le_bytes().to_vec(), text("mamba")].concat());
    for (key, value) in [
        ("context_length", 2048),
        ("embedding_length", WIDTH as u32),
        ("block_count", layers),
        ("feed_forward_length", 0),
        ("attention.head_count", 0),
        ("ssm.conv_kernel", CONVOLVED as u32),
        ("ssm.inner_size", INNER as u32),
        ("ssm.state_size", STATE as u32),
        ("ssm.time_step_rank", STEP as u32),
    ] {
        pairs.push([text(&format!("mamba.{key}")), [4, value].map(u32::to_le_bytes).concat()].concat());
    }
    let epsilon = [6_u32.to_le_bytes(), 1e-5_f32.to_le_bytes()].concat();
    pairs.push([text("mamba.attention.layer_norm_rms_epsilon"), epsilon].concat());
    let mut tensors =
        vec![("token_embd.weight".to_owned(), vec![WIDTH, tokens]), ("output_norm.weight".to_owned(), vec![WIDTH])];
    for layer in 0..layers {
        tensors.extend(
            [
                ("attn_norm.weight", vec![WIDTH]),
                ("ssm_in.weight", vec![WIDTH, 2 * INNER]),
                ("ssm_conv1d.weight", vec![CONVOLVED, INNER]),
                ("ssm_conv1d.bias", vec![INNER]),
                ("ssm_x.weight", vec![INNER, STEP + 2 * STATE]),
                ("ssm_dt.weight", vec![STEP, INNER]),
                ("ssm_dt.bias", vec![INNER]),
                ("ssm_a", vec![STATE, INNER]),
                ("ssm_d", vec![INNER]),
                ("ssm_out.weight", vec![INNER, WIDTH]),
            ]
            .map(|(name, sizes)| (format!("blk.{layer}.{name}"), sizes)),
        );
    }
    let counts = [tensors.len() as u64, pairs.len() as u64].map(u64::to_le_bytes).concat();
    let mut file = [b"GGUF".as_slice(), &3_u32.to_le_bytes(), &counts, &pairs.concat()].concat();
    let mut weights = 0_u64;
    for (name, sizes) in &tensors {
        file.extend(text(name));
        file.extend((sizes.len() as u32).to_le_bytes());
        file.extend(sizes.iter().flat_map(|size| size.to_le_bytes()));
        file.extend(0_u32.to_le_bytes());
        file.extend(weights.to_le_bytes());
        weights += 4 * sizes.iter().product::<u64>();
    }
    file.resize(file.len().next_multiple_of(32), 0);
    file.extend(0.01_f32.to_le_bytes().repeat(weights as usize / 4));
    let path = folder.join(format!("{name}.gguf"));
    fs::write(&path, file).unwrap();
    Rung { name: name.to_owned(), path }
}

#[test]
fn a_model_that_takes_no_token_back_answers_without_drafts_and_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let (large, small) = (mamba(folder.path(), "large", 2), mamba(folder.path(), "small", 1));
    let k = vec![vec![3, 2], vec![0, 2]];
    let alone = Ladder { rungs: vec![large, small.clone()], k: k.clone(), ..ladder("smollm2") };
    let engine = engine();
    let codes = |ladder: &Ladder| {
        let loaded = engine.load(ladder, fast(), &mut |_| {}).unwrap();
        loaded.left_out.into_iter().map(|left| (left.rung, left.problem.code)).collect::<Vec<_>>()
    };
    assert_eq!(codes(&alone), [("small".to_owned(), Code::TargetCannotRollBack)]);
    let told = answer(&engine, &ask(PROMPT, 4, &greedy(), true)).receipt;
    assert_eq!(told.stood_aside, Some(StoodAside::CannotRollBack));
    let mut beside = Ladder { k, ..ladder("smollm2") };
    beside.rungs.push(small);
    assert_eq!(codes(&beside), [("small".to_owned(), Code::DraftCannotRollBack)]);
}
