use cascade::policy::CostCurve;

use super::*;
use protocol::ladder::CacheType;

const TEXT: [Token; 9] = [1, 504, 8212, 282, 260, 7, 30, 1250, 19];

#[test]
fn other_threads_go_on_with_what_is_held() {
    let (llama, weights) = crate::llama::for_tests();
    for (exact, cache) in [(true, CacheType::F16), (false, CacheType::F16), (false, CacheType::Q8)] {
        let threads = |count| Threads { single: count, wide: count };
        let mode = Mode { exact, cache };
        let mut steady = weights.context(llama, 256, threads(2), mode).unwrap();
        let mut moved = weights.context(llama, 256, threads(2), mode).unwrap();
        steady.let_branch(!exact);
        moved.let_branch(!exact);
        for model in [&mut steady, &mut moved] {
            model.extend(&TEXT, 1).unwrap();
            if !exact {
                // A branch is no part of what is held.
                model.extend_with(&[5, 6], 2, &[Branch { at: 1, token: 9 }]).unwrap();
                model.truncate(TEXT.len()).unwrap();
            }
        }
        moved.reopen(llama, threads(1)).unwrap();
        assert_eq!(moved.len(), TEXT.len());
        let row = |model: &mut LlamaRung<'_>| model.extend(&[77], 1).unwrap().row(0).unwrap().to_vec();
        let (steady, moved) = (row(&mut steady), row(&mut moved));
        if exact {
            assert!(steady.iter().zip(&moved).all(|(a, b)| a.to_bits() == b.to_bits()), "threads change no bit");
        }
        let most = steady.iter().zip(&moved).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(most < 0.05, "exact {exact}: off by {most}");
    }
}

#[test]
fn passes_that_are_filled_up_say_the_same_and_leave_nothing_behind() {
    let (llama, weights) = crate::llama::for_tests();
    let threads = Threads { single: 2, wide: 2 };
    let mut curve = CostCurve::default();
    for (width, seconds) in [(1, 1.0), (2, 1.9), (4, 2.0), (8, 3.0)] {
        curve.measured(width, seconds);
    }
    curve.fill_up();
    let mut plain = weights.context(llama, 256, threads, Mode::default()).unwrap();
    let mut filled = weights.context(llama, 256, threads, Mode::default()).unwrap();
    filled.fill_up(curve.fills());
    assert_eq!([filled.filled(3, 3), filled.filled(2, 1), filled.filled(9, 9)], [Some(4), Some(4), None]);
    assert_eq!([filled.filled(8, 1), filled.filled(8, 0)], [Some(8), None], "a long piece of a prompt");
    let mut say = |tokens: &[Token], rows: usize| {
        let [plainly, filled_up] = [&mut plain, &mut filled].map(|model| {
            let logits = model.extend(tokens, rows).unwrap();
            (0..rows).flat_map(|row| logits.row(row).unwrap().to_vec()).collect::<Vec<f32>>()
        });
        assert_eq!(plain.len(), filled.len());
        let most = plainly.iter().zip(&filled_up).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(most < 0.05, "{tokens:?}: off by {most}");
    };
    say(&TEXT, 1);
    for (from, to, rows) in [(0, 3, 3), (3, 4, 1), (4, 6, 1), (0, 5, 5), (2, 9, 7), (0, 8, 8)] {
        say(&TEXT[from..to], rows);
    }
    // Up to the last place: what would be filled up beyond it is left as it is.
    while plain.capacity() - plain.len() >= 3 {
        plain.extend(&TEXT[..3], 3).unwrap();
        filled.extend(&TEXT[..3], 3).unwrap();
        assert_eq!(plain.len(), filled.len());
    }
    assert!(matches!(filled.extend(&TEXT[..3], 3), Err(LlamaError::Full { .. })));
}

#[test]
fn passes_that_are_held_up_take_fewer_threads_and_go_on() {
    let (llama, weights) = crate::llama::for_tests();
    let threads = |count| Threads { single: count, wide: count };
    let mut steady = weights.context(llama, 256, threads(1), Mode::default()).unwrap();
    let mut moved = weights.context(llama, 256, threads(4), Mode::default()).unwrap();
    steady.extend(&TEXT, 1).unwrap();
    moved.extend(&TEXT, 1).unwrap();
    // Nothing is as fast as this.
    let mut impossible = CostCurve::default();
    impossible.measured(1, 1e-9);
    moved.let_fall_back(llama, impossible.clone(), |_| false);
    let until = |model: &mut LlamaRung<'_>, count| {
        for _ in 0..20_000 {
            model.extend(&[77], 1).unwrap();
            model.truncate(TEXT.len()).unwrap();
            if model.threads() == threads(count) || count == 0 && model.fallback.as_ref().unwrap().is_due {
                return true;
            }
        }
        false
    };
    assert!(until(&mut moved, 0), "it is noticed");
    moved.extend(&[77], 1).unwrap();
    assert_eq!(moved.threads(), threads(4), "without room for another context they stay");
    moved.truncate(TEXT.len()).unwrap();
    moved.fallback = None;
    moved.let_fall_back(llama, impossible, |_| true);
    for fewer in [2, 1] {
        assert!(until(&mut moved, fewer), "{fewer} threads");
    }
    assert_eq!(moved.len(), TEXT.len());
    let row = |model: &mut LlamaRung<'_>| model.extend(&[77], 1).unwrap().row(0).unwrap().to_vec();
    let (steady, moved) = (row(&mut steady), row(&mut moved));
    let most = steady.iter().zip(&moved).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(most < 0.05, "off by {most}");
}

#[test]
fn a_model_is_spoken_to_in_a_vocabulary_that_is_nearly_its_own() {
    let (llama, weights) = crate::llama::for_tests();
    let threads = Threads { single: 2, wide: 2 };
    let mode = Mode { exact: true, cache: CacheType::F16 };
    let mut own = weights.context(llama, 64, threads, mode).unwrap();
    let mut spoken_to = weights.context(llama, 64, threads, mode).unwrap();
    let size = weights.vocab().size;
    let (other, shared) = (VocabId { hash: 7, size: size + 128 }, size - 10);
    spoken_to.translate(other.clone(), shared);
    assert_eq!(spoken_to.vocab(), &other);
    own.extend(&TEXT, 1).unwrap();
    spoken_to.extend(&TEXT, 1).unwrap();
    // A token that it does not have is its first one to it.
    let strange = [77, (size + 5) as Token];
    let theirs: Vec<Vec<f32>> = {
        let rows = spoken_to.extend(&strange, 2).unwrap();
        (0..2).map(|row| rows.row(row).unwrap().to_vec()).collect()
    };
    let rows = own.extend(&[77, 0], 2).unwrap();
    for (row, theirs) in theirs.iter().enumerate() {
        let ours = rows.row(row).unwrap();
        assert_eq!(theirs.len(), other.size);
        assert!(ours[..shared].iter().zip(theirs).all(|(a, b)| a.to_bits() == b.to_bits()), "row {row}");
        assert!(theirs[shared..].iter().all(|score| *score == f32::NEG_INFINITY), "it never says what it has not");
    }
}

#[test]
fn a_model_shares_all_tokens_with_itself() {
    let (_, weights) = crate::llama::for_tests();
    assert_eq!(weights.shared_with(&weights), Some(weights.vocab().size));
}

#[test]
fn a_pass_on_a_thread_of_its_own_is_the_same_whatever_is_done_meanwhile() {
    let (llama, weights) = crate::llama::for_tests();
    let mode = Mode { exact: true, cache: CacheType::F16 };
    let open = || weights.context(llama, 64, Threads { single: 1, wide: 1 }, mode).unwrap();
    let (mut plain, mut beside) = (open(), open());
    assert!(!plain.computes_beside());
    beside.compute_beside();
    assert!(beside.computes_beside());
    let row = |logits: Logits<'_>| logits.row(0).unwrap().to_vec();
    let mut called = 0;
    for piece in TEXT.chunks(3) {
        let expected = row(plain.extend(piece, 1).unwrap());
        let found = beside.extend_beside(piece, 1, &[], &mut |is_done| {
            called += 1;
            // All of it goes by here, or nothing.
            while piece[0] == TEXT[0] && !is_done() {
                std::thread::yield_now();
            }
        });
        assert_eq!(row(found.unwrap()), expected);
    }
    assert_eq!(called, 3);
    // Who breaks off meanwhile leaves no pass behind that is still at work.
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = beside.extend_beside(&TEXT[..2], 1, &[], &mut |_| panic!("meanwhile"));
    }));
    assert!(broken.is_err());
    beside.truncate(0).unwrap();
    plain.truncate(0).unwrap();
    assert_eq!(row(beside.extend(&TEXT, 1).unwrap()), row(plain.extend(&TEXT, 1).unwrap()));
}

impl LlamaError {
    /// As Metal gives it back once a pass failed, and then every time (`GGML_STATUS_FAILED`).
    pub(crate) fn of_backend() -> Self {
        Self::Decode(llama_cpp_2::DecodeError::Unknown(-3))
    }
}

#[test]
fn only_an_error_of_what_computes_is_one_of_a_backend() {
    assert!(LlamaError::of_backend().is_of_backend());
    assert!(!LlamaError::Decode(llama_cpp_2::DecodeError::NoKvCacheSlot).is_of_backend());
    assert!(!LlamaError::NoRollBack.is_of_backend());
}
