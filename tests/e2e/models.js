// Model files for tests: the small one that answers, and one made here that has all but an answer.
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";

/** The file of SmolLM2 in a folder of models. */
export const SMOLLM2 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53.gguf";

/** The files of the Qwen ladder, by what stands in their addresses. */
export const QWEN = {
  "coder-1.5b": "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046.gguf",
  "coder-0.5b": "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32.gguf",
};

/** What a folder of models calls a file with these contents. */
export const named = (contents) => `${createHash("sha256").update(contents).digest("hex")}.gguf`;

/** A folder of models with SmolLM2 and nothing else. */
export function smallModels(models) {
  fs.mkdirSync(models, { recursive: true });
  const [from, to] = [path.join(process.env.TAKI_MODELS, SMOLLM2), path.join(models, SMOLLM2)];
  try {
    fs.linkSync(from, to);
  } catch {
    fs.copyFileSync(from, to);
  }
}

/** Types of values in GGUF. */
const [U32, I32, F32, BOOL, TEXT, LIST] = [4, 5, 6, 7, 8, 9];

const u32 = (value) => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const f32 = (value) => Buffer.from(Float32Array.of(value).buffer);
const text = (value) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
const pair = (key, kind, value) => Buffer.concat([text(key), u32(kind), value]);
const list = (kind, values) => Buffer.concat([u32(kind), u64(values.length), ...values]);

/** A whole, consistent model file of two tensors that is called `name` and knows the words `tokens`. */
export function tinyModel(name, tokens) {
  const pairs = [
    pair("general.architecture", TEXT, text("llama")),
    pair("general.name", TEXT, text(name)),
    pair("general.alignment", U32, u32(32)),
    pair("llama.context_length", U32, u32(2048)),
    pair("llama.embedding_length", U32, u32(32)),
    pair("llama.block_count", U32, u32(1)),
    pair("tokenizer.ggml.model", TEXT, text("llama")),
    pair("tokenizer.ggml.tokens", LIST, list(TEXT, tokens.map(text))),
    pair("tokenizer.ggml.scores", LIST, list(F32, tokens.map(() => f32(0)))),
    pair("tokenizer.ggml.token_type", LIST, list(I32, tokens.map(() => u32(1)))),
    pair("tokenizer.ggml.add_bos_token", BOOL, Buffer.of(1)),
  ];
  const tensors = [
    { name: "token_embd.weight", dimensions: [32, tokens.length] },
    { name: "output_norm.weight", dimensions: [32] },
  ];
  const WIDTH = 32 * 4;
  let offset = 0;
  const described = tensors.map(({ name, dimensions }) => {
    // Of 32 bits each, which is type 0.
    const one = Buffer.concat([text(name), u32(dimensions.length), ...dimensions.map(u64), u32(0), u64(offset)]);
    offset += WIDTH * (dimensions[1] ?? 1);
    return one;
  });
  const header = Buffer.concat([Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(pairs.length), ...pairs, ...described]);
  return Buffer.concat([header, Buffer.alloc(-header.length & 31), Buffer.alloc(offset, 1)]);
}
