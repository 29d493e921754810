#!/usr/bin/env bash
# Builds what Taki needs for cards of any maker (AMD, Intel, NVIDIA without its compiler) through Vulkan: a module beside the program, which looks for a card
# by itself at every start.
#   scripts/vulkan.sh            the module (needs libvulkan-dev, glslc and spirv-headers, no card)
#   scripts/vulkan.sh --check    only whether our change fits llama.cpp's source; needs no compiler
#   scripts/vulkan.sh --test     the module, then answers with every layer on the card, beside the processor's: where there is no card, on Mesa's imitation of one
#   scripts/vulkan.sh --built    only the path of the module that was built from this very source, if there is one
#   TO=FOLDER                    where the module goes [modules beside the program]
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
# The very source that the program was built from: a module of another version would be refused.
theirs=$(cargo metadata --format-version 1 --locked |
  python3 -c 'import json, os, sys; print(next(os.path.dirname(p["manifest_path"]) for p in json.load(sys.stdin)["packages"] if p["name"] == "llama-cpp-sys-2"))')/llama.cpp
if [ "${1:-}" = --check ]; then patch --quiet --dry-run -d "$theirs" -p1 <scripts/vulkan-headers.patch; exit; fi
# By version: files of two of them look equally old.
version=$(basename "$(dirname "$theirs")")
build=$cache/vulkan-$version source=$cache/vulkan-source-$version
module=$build/bin/libggml-vulkan.so
if [ "${1:-}" = --built ]; then [ ! -f "$module" ] || echo "$module"; exit; fi
command -v glslc >/dev/null || die "The compiler of programs for cards, glslc, is not here. 'scripts/setup.sh vulkan' installs it and what else is needed."
to=${TO:-$CARGO_TARGET_DIR/release/modules}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# With one change of our own (the file says which): without it headers older than 1.3.272 do not do.
prepare() {
  # What is copied again is compiled again.
  ! cmp -s scripts/vulkan-headers.patch "$source/changed-by.patch" || return 0
  rm -rf "$source"
  mkdir -p "$source"
  cp -a "$theirs/." "$source/"
  patch --quiet --forward -d "$source" -p1 <scripts/vulkan-headers.patch ||
    die "scripts/vulkan-headers.patch does not fit this llama.cpp: see whether it still needs the change, and how."
  cp scripts/vulkan-headers.patch "$source/changed-by.patch"
}
# For every processor, as packages are, and with no folder of this computer in it.
configure() {
  cmake -S "$source" -B "$build" -G "$CMAKE_GENERATOR" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DGGML_BACKEND_DL=ON \
    -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON -DCMAKE_INSTALL_RPATH='$ORIGIN;$ORIGIN/..' -DCMAKE_CXX_FLAGS="-ffile-prefix-map=$source=llama.cpp -ffile-prefix-map=$build=build" \
    -DGGML_NATIVE=OFF -DGGML_CPU=OFF -DGGML_VULKAN=ON \
    -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=OFF \
    -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_APP=OFF -DLLAMA_CURL=OFF >"$build.log" 2>&1 ||
    { tail -n 20 "$build.log" >&2; return 1; }
}
compile() {
  cmake --build "$build" --target ggml-vulkan ${JOBS:+-j "$JOBS"} >>"$build.log" 2>&1 || { tail -n 40 "$build.log" >&2; return 1; }
}
put() {
  mkdir -p "$to"
  cp "$module" "$to/"
}

# The cards that Vulkan brings, one a line.
cards() {
  "$taki" doctor --json | python3 -c 'import json, sys
for device in json.load(sys.stdin)["engine"]["devices"]:
    if device["backend"].startswith("Vulkan"): print(device["description"])'
}
# The same questions on the card and with the processor alone.
try() {
  local taki=$CARGO_TARGET_DIR/release/taki imitation found
  export TAKI_MODULES=$to TAKI_MODELS=${TAKI_MODELS:-${XDG_DATA_HOME:-$HOME/.local/share}/taki/models}
  # Nobody's settings: they may keep the card, or name computers of their own.
  export TAKI_HOME=$work
  unset TAKI_WORKERS
  found=$(cards)
  if [ -z "$found" ]; then
    imitation=$(ls /usr/share/vulkan/icd.d/lvp_icd*.json 2>/dev/null | head -n 1)
    [ -n "$imitation" ] || die "There is no card here, nor Mesa's imitation of one: 'scripts/setup.sh vulkan' installs that."
    # The loader has had both names; llama.cpp takes an imitation only where it is named.
    export VK_DRIVER_FILES=$imitation VK_ICD_FILENAMES=$imitation GGML_VK_VISIBLE_DEVICES=0
    # That of Debian 12 crashes in its own code where several steps are made in one (docs/gpu.md).
    export GGML_VK_DISABLE_FUSION=1
    found=$(cards)
    [ -n "$found" ] || die "The module does not find Mesa's imitation of a card."
  fi
  printf 'With: %s\n' "$found"
  python3 scripts/devices.py "$taki" tests/data/questions.jsonl --ladder smollm2 --limit 2 --max-tokens 12
  # By itself nothing goes where it would take longer.
  if [ -n "${imitation:-}" ]; then
    "$taki" chat --once "Name a river." --ladder smollm2 --max-tokens 4 >"$work/by-itself" 2>&1 || { cat "$work/by-itself" >&2; return 1; }
    ! grep -Eq ': on | layers on ' "$work/by-itself" || { cat "$work/by-itself" >&2; die "The imitation of a card is taken although the processor is faster."; }
    echo "It was not taken without being asked for."
  fi
}
mkdir -p "$cache"
step "Copying llama.cpp's source" prepare
step "Preparing the module for cards of any maker" configure
step "Compiling it (about 7 minutes on 2 cores; progress is in $build.log)" compile
step "Putting it to $to" put
if [ "${1:-}" = --test ]; then step "Answering with the card" try; fi
