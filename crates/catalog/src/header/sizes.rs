//! How large a file would be in another mix, as llama.cpp chooses the types of its tensors.

use protocol::Mix;

/// Numbers in a block of the finest types with scales of scales (K): rows that are no whole blocks get another type.
const BLOCK: u64 = 256;

/// Bits of a number of what makes scores: `Q6_K`, or `Q8_0` where its rows are no whole blocks.
const FINER: [f64; 2] = [6.5625, 8.5];

/// How many numbers a model's tensors have, of each kind first those in rows of whole blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Weights {
    layers: [u64; 2],
    /// Where tokens are looked up; it makes scores as well where nothing else does.
    embedding: [u64; 2],
    output: [u64; 2],
    /// In vectors, which stay as they are.
    vectors: u64,
}

impl Weights {
    /// Adds a tensor of so many numbers.
    pub(super) fn add(&mut self, name: &str, dimensions: u32, row: u64, numbers: u64) {
        let kind = match name {
            _ if dimensions < 2 => {
                self.vectors = self.vectors.saturating_add(numbers);
                return;
            }
            "token_embd.weight" => &mut self.embedding,
            "output.weight" => &mut self.output,
            _ => &mut self.layers,
        };
        let place = &mut kind[usize::from(!row.is_multiple_of(BLOCK))];
        *place = place.saturating_add(numbers);
    }

    /// About how many bytes they take in `mix`.
    pub(super) fn bytes_as(&self, mix: Mix) -> f64 {
        let usual = [mix.bits(), in_short_rows(mix)];
        let finer = FINER.map(|bits| if mix == Mix::Q8_0 { 8.5 } else { bits });
        let (embedding, output) =
            if self.output == [0; 2] { ([0; 2], self.embedding) } else { (self.embedding, self.output) };
        let kinds = [(self.layers, usual), (embedding, usual), (output, finer), ([self.vectors, 0], [32.0; 2])];
        let bits = kinds.iter().map(|(numbers, bits)| numbers[0] as f64 * bits[0] + numbers[1] as f64 * bits[1]);
        bits.sum::<f64>() / 8.0
    }
}

/// About how many bits a number takes in rows that are no whole blocks of 256.
const fn in_short_rows(mix: Mix) -> f64 {
    match mix {
        Mix::Q8_0 | Mix::Q6K => 8.5,
        Mix::Q5KM | Mix::Q5KS => 6.1,
        Mix::Q4KM | Mix::Q4KS => 5.6,
        Mix::Q4_1 => 5.0,
        Mix::Q3KL | Mix::Q3KM => 4.7,
        Mix::Q4_0 | Mix::Iq4Nl | Mix::Iq4Xs | Mix::Q3KS | Mix::Q2K => 4.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a model like Llama's: width, keys' and values' width, inner width, layers, tokens.
    fn model([width, keys, inner, layers, tokens]: [u64; 5], own_output: bool) -> Weights {
        let mut weights = Weights::default();
        weights.add("token_embd.weight", 2, width, width * tokens);
        if own_output {
            weights.add("output.weight", 2, width, width * tokens);
        }
        for _ in 0..layers {
            for numbers in [width * width, width * keys, width * keys, width * width, width * inner, width * inner] {
                weights.add("blk.0.attn_q.weight", 2, width, numbers);
            }
            weights.add("blk.0.ffn_down.weight", 2, inner, inner * width);
            weights.add("blk.0.ffn_norm.weight", 1, width, 2 * width);
        }
        weights
    }

    #[test]
    fn what_llama_cpp_wrote_is_foretold() {
        let smollm2 = model([576, 192, 1536, 30, 49_152], false);
        let qwen = model([896, 128, 4864, 24, 151_936], true);
        // Files that llama.cpp wrote, without what stands before the weights: 1.7 and 5.9 MB.
        for (weights, mix, header, written) in [
            (smollm2, Mix::Q4_0, 1.7e6, 91_726_912.0),
            (smollm2, Mix::Q3KM, 1.7e6, 93_510_208.0),
            (smollm2, Mix::Q4KM, 1.7e6, 105_454_144.0),
            (qwen, Mix::Q4_0, 5.9e6, 428_730_240.0),
            (qwen, Mix::Q2K, 5.9e6, 415_182_720.0),
        ] {
            let foretold = weights.bytes_as(mix) + header;
            let off = (foretold / written - 1.0) * 100.0;
            assert!(off.abs() < 4.0, "{mix:?}: {foretold:.0} instead of {written:.0}, {off:.1}%");
        }
    }
}
