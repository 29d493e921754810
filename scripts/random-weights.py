#!/usr/bin/env python3
"""Writes a model of a given size with random weights: passes take what they take with real ones, whatever comes out.

    scripts/random-weights.py SIZE FILE.gguf      SIZE: 0.5B, 1.5B, 7B, 14B or 32B, the shapes of Qwen 2.5 as Q4_K_M

For cost curves of models that are not here (`taki lab costs --ladder FILE.gguf`). Needs the Python packages gguf and numpy.
"""
import sys

import gguf
import numpy as np

# embedding, layers, heads, heads of keys and values, width of the feed-forward part, whether scores come from a table of their own
SHAPES = {
    "0.5B": (896, 24, 14, 2, 4864, False),
    "1.5B": (1536, 28, 12, 2, 8960, False),
    "7B": (3584, 28, 28, 4, 18944, True),
    "14B": (5120, 48, 40, 8, 13824, True),
    "32B": (5120, 64, 40, 8, 27648, True),
}
VOCABULARY = 151936
Q4, Q5_0, Q6, F32 = (getattr(gguf.GGMLQuantizationType, name) for name in ("Q4_K", "Q5_0", "Q6_K", "F32"))
# Where in a block its scales stand, as halves of 16 bits: they must be small numbers, everything else may be anything.
SCALES = {Q4: (0, 2), Q5_0: (0,), Q6: (208,)}


class Blocks:
    """One long run of random blocks of each type; every tensor is a piece of it."""

    def __init__(self):
        self.random = np.random.default_rng(1)
        self.made = {}

    def of(self, kind, rows, columns):
        per_block, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = rows * columns // per_block
        made = self.made.get(kind)
        if made is None or len(made) < blocks:
            # A pattern of 64 MiB at most, over and over: what weights are does not change what a pass takes.
            pattern = self.random.integers(0, 256, (min(blocks, (64 << 20) // size), size), dtype=np.uint8)
            small = np.frombuffer(np.float16(0.0005).tobytes(), dtype=np.uint8)
            for at in SCALES[kind]:
                pattern[:, at : at + 2] = small
            made = np.tile(pattern, (-(-blocks // len(pattern)), 1))
            self.made[kind] = made
        return made[:blocks].reshape(rows, columns // per_block * size)


def more_bits(layer, layers):
    """Where llama.cpp's Q4_K_M takes six bits."""
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def write(size, path):
    embedding, layers, heads, kv_heads, inner, own_output = SHAPES[size]
    blocks, writer = Blocks(), gguf.GGUFWriter(path, "qwen2")
    writer.add_name(f"random {size}")
    for add, value in (
        (writer.add_block_count, layers), (writer.add_context_length, 32768), (writer.add_embedding_length, embedding),
        (writer.add_feed_forward_length, inner), (writer.add_head_count, heads), (writer.add_head_count_kv, kv_heads),
        (writer.add_rope_freq_base, 1e6), (writer.add_layer_norm_rms_eps, 1e-6),
    ):
        add(value)
    # The 256 bytes as byte-level BPE writes them, then made-up words.
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    tokens = [chr(byte) for byte in plain] + [chr(256 + at) for at in range(len(others))]
    tokens += [f"t{at}" for at in range(VOCABULARY - len(tokens) - 1)] + ["<|im_end|>"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * (VOCABULARY - 1) + [gguf.TokenType.CONTROL])
    writer.add_token_merges([f"{tokens[0]} {tokens[1]}"])
    writer.add_eos_token_id(VOCABULARY - 1)

    def weights(name, rows, columns, kind):
        # Rows that do not divide into blocks of 256 get the older type, as in llama.cpp.
        kind = Q5_0 if columns % 256 else kind
        writer.add_tensor(name, blocks.of(kind, rows, columns), raw_dtype=kind)

    def ones(name, length, value=1.0):
        writer.add_tensor(name, np.full(length, value, dtype=np.float32), raw_dtype=F32)

    weights("token_embd.weight", VOCABULARY, embedding, Q4 if own_output else Q6)
    head = embedding // heads
    for layer in range(layers):
        of, wide = f"blk.{layer}.", Q6 if more_bits(layer, layers) else Q4
        for name in ("attn_norm", "ffn_norm"):
            ones(f"{of}{name}.weight", embedding)
        for name, rows, kind in (("attn_q", embedding, Q4), ("attn_k", kv_heads * head, Q4), ("attn_v", kv_heads * head, wide)):
            weights(f"{of}{name}.weight", rows, embedding, kind)
            ones(f"{of}{name}.bias", rows, 0.0)
        weights(f"{of}attn_output.weight", embedding, embedding, Q4)
        weights(f"{of}ffn_gate.weight", inner, embedding, Q4)
        weights(f"{of}ffn_up.weight", inner, embedding, Q4)
        weights(f"{of}ffn_down.weight", embedding, inner, wide)
    ones("output_norm.weight", embedding)
    if own_output:
        weights("output.weight", VOCABULARY, embedding, Q6)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in SHAPES:
        sys.exit(__doc__)
    write(sys.argv[1], sys.argv[2])
