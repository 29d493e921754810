#!/usr/bin/env bash
# Builds what Taki needs for NVIDIA cards: a module beside the program, which looks for a card by itself at every start.
#   scripts/cuda.sh            the module for the card of this computer (needs NVIDIA's driver and nvcc)
#   scripts/cuda.sh --check    only whether our change fits llama.cpp's source; needs no compiler
#   scripts/cuda.sh --test     the module, then an answer with every layer on the card, beside the processor's
#   ARCHITECTURES=86;89        cards to build for, where this computer has none [native]
#   TO=FOLDER                  where the module goes [modules beside the program]
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
# The very source that the program was built from: a module of another version would be refused.
theirs=$(cargo metadata --format-version 1 --locked |
  python3 -c 'import json, os, sys; print(next(os.path.dirname(p["manifest_path"]) for p in json.load(sys.stdin)["packages"] if p["name"] == "llama-cpp-sys-2"))')/llama.cpp
# Without nvcc: whether the change of our own still fits.
if [ "${1:-}" = --check ]; then patch --quiet --dry-run -d "$theirs" -p1 <scripts/cuda-graphs.patch; exit; fi
command -v nvcc >/dev/null || die "NVIDIA's compiler nvcc is not here. Install the CUDA toolkit of your system, or put its bin folder into PATH, and run this again."
# By version: files of two of them look equally old.
version=$(basename "$(dirname "$theirs")")
build=$cache/cuda-$version source=$cache/cuda-source-$version
to=${TO:-$CARGO_TARGET_DIR/release/modules}
# With one change of our own (the file says which): without it everything works, and drafting brings little.
prepare() {
  rm -rf "$source"
  mkdir -p "$source"
  cp -a "$theirs/." "$source/"
  patch --quiet --forward -d "$source" -p1 <scripts/cuda-graphs.patch ||
    die "scripts/cuda-graphs.patch does not fit this llama.cpp: see whether it still needs the change, and how."
}
configure() {
  # On a computer without the toolkit NVIDIA's libraries can lie beside the module.
  cmake -S "$source" -B "$build" -G "$CMAKE_GENERATOR" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DGGML_BACKEND_DL=ON -DCMAKE_BUILD_RPATH='$ORIGIN' \
    -DGGML_NATIVE=OFF -DGGML_CPU=OFF -DGGML_CUDA=ON -DGGML_CUDA_NCCL=OFF -DCMAKE_CUDA_ARCHITECTURES="${ARCHITECTURES:-native}" \
    -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=OFF \
    -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_CURL=OFF >"$build.log" 2>&1 ||
    { tail -n 20 "$build.log" >&2; return 1; }
}
compile() {
  cmake --build "$build" --target ggml-cuda ${JOBS:+-j "$JOBS"} >>"$build.log" 2>&1 || { tail -n 40 "$build.log" >&2; return 1; }
}
put() {
  mkdir -p "$to"
  cp "$(find "$build" -name 'libggml-cuda.so' -type f -print -quit)" "$to/"
}
# Every layer on the card, and the same question with the processor alone.
try() {
  local taki=$CARGO_TARGET_DIR/release/taki question="Explain in three sentences why the sky is blue." answer
  "$taki" doctor
  answer=$("$taki" chat --once "$question" --max-tokens 64 2>"$build.try") || { cat "$build.try" >&2; return 1; }
  grep -q ': on ' "$build.try" || { cat "$build.try" >&2; die "The engine did not use the card."; }
  printf '\nWith the card: %s\n' "$answer"
  cat "$build.try"
  printf '\nWith the processor: %s\n' "$("$taki" chat --once "$question" --max-tokens 64 --gpu-layers 0)"
}
mkdir -p "$cache"
step "Copying llama.cpp's source" prepare
step "Preparing the module for NVIDIA cards" configure
step "Compiling it (about 4 minutes on 16 cores for one kind of card, half an hour on 2; progress is in $build.log)" compile
step "Putting it to $to" put
if [ "${1:-}" = --test ]; then step "Answering with the card" try; fi
