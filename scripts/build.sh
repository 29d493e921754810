#!/usr/bin/env bash
# Builds the window and the terminal program.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
step "Building the user interface" scripts/ui.sh
# So that `cargo taki`, typed in any shell, finds what is built here. Systems without links build it once more.
mkdir -p "$CARGO_TARGET_DIR"
[ -e target ] || ln -s "$CARGO_TARGET_DIR" target 2>/dev/null || true
[ -d "$CARGO_TARGET_DIR/release/deps" ] || echo "The first build compiles llama.cpp and the window: about 15 minutes on 2 cores." >&2
step "Building Taki" cargo build --release --locked --workspace
