//! Exact mode: at which widths a review gives the very bits that decoding one token at a time gives.
//!
//! It depends on the weights' type, the kernels of the build and the processor, so it is measured at load.

use cascade::{LanguageModel, Token};

/// Widths that are tried. Wider reviews lose on processors that compute exactly.
const WIDTHS: std::ops::RangeInclusive<usize> = 2..=8;

/// Tokens in front, so that the attention has something to look at.
const LEAD: usize = 24;

/// Tokens that are scored in both ways: every width passes over them at least twice.
const SCORED: usize = 16;

/// The widths at which `model` computes the same bits as one token at a time; 1 is always among them.
///
/// Costs about 20 passes of one token and 30 wider ones. The model holds nothing afterwards.
///
/// # Errors
/// The model's.
pub(crate) fn identical_widths<M: LanguageModel>(model: &mut M) -> Result<Vec<usize>, M::Error> {
    let size = model.vocab().size;
    // Any tokens do; these are spread over the vocabulary and the same every time.
    let text: Vec<Token> = (0..LEAD + SCORED).map(|i| ((i * 7919 + 13) % size.max(1)) as Token).collect();
    model.truncate(0)?;
    model.extend(&text[..LEAD], 0)?;
    let mut alone = Vec::new();
    for token in &text[LEAD..] {
        read(model, std::slice::from_ref(token), &mut alone)?;
    }
    let mut widths = vec![1];
    for width in WIDTHS {
        model.truncate(LEAD)?;
        let mut wide = Vec::with_capacity(alone.len());
        // A single token at the end shows whether the wide passes left the same keys and values behind.
        let (scored, last) = text[LEAD..].split_at(SCORED - 1);
        for piece in scored.chunks(width) {
            read(model, piece, &mut wide)?;
        }
        read(model, last, &mut wide)?;
        if alone == wide {
            widths.push(width);
        }
    }
    model.truncate(0)?;
    Ok(widths)
}

/// Appends the bits of every row's scores, folded: a whole vocabulary per row would be tens of megabytes.
fn read<M: LanguageModel>(model: &mut M, tokens: &[Token], rows: &mut Vec<u64>) -> Result<(), M::Error> {
    let logits = model.extend(tokens, tokens.len())?;
    for row in 0..tokens.len() {
        let bits = logits.row(row).unwrap_or_default().iter();
        rows.push(bits.fold(0xcbf2_9ce4_8422_2325, |hash: u64, score| {
            (hash ^ u64::from(score.to_bits())).wrapping_mul(0x0000_0100_0000_01b3)
        }));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use cascade::toy::{Broke, Toy};
    use cascade::{Logits, VocabId};

    use super::*;

    /// A toy whose last bit depends on the width of the pass, from a width on.
    struct Coarse {
        toy: Toy,
        from: usize,
        scores: Vec<f32>,
    }

    impl LanguageModel for Coarse {
        type Error = Broke;
        fn vocab(&self) -> &VocabId {
            self.toy.vocab()
        }
        fn capacity(&self) -> usize {
            self.toy.capacity()
        }
        fn len(&self) -> usize {
            self.toy.len()
        }
        fn truncate(&mut self, len: usize) -> Result<(), Broke> {
            self.toy.truncate(len)
        }
        fn extend(&mut self, tokens: &[Token], rows: usize) -> Result<Logits<'_>, Broke> {
            let size = self.toy.vocab().size;
            let logits = self.toy.extend(tokens, rows)?;
            self.scores = (0..rows).flat_map(|row| logits.row(row).unwrap_or_default().to_vec()).collect();
            if tokens.len() >= self.from && rows > 0 {
                self.scores[0] = f32::from_bits(self.scores[0].to_bits() ^ 1);
            }
            Ok(Logits::new(&self.scores, size))
        }
    }

    #[test]
    fn one_flipped_bit_rules_a_width_out() {
        for from in 2..=9 {
            let mut model = Coarse { toy: Toy::new(50, 3), from, scores: Vec::new() };
            let widths = identical_widths(&mut model).unwrap();
            assert_eq!(widths, (1..from).collect::<Vec<_>>());
            assert_eq!(model.len(), 0);
        }
    }
}
