#!/usr/bin/env bash
# Builds the window and the terminal program.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
packages() { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent --no-audit --no-fund; }
# What is built anew has the window compiled anew. A folder is newer, too, when something in it is gone.
is_current() {
  local from=(src index.html *.json *.ts *.js ../crates/protocol/messages ../src-tauri/tauri.conf.json)
  [ -f dist/index.html ] && [ -z "$(find "${from[@]}" -newer dist/index.html -print -quit)" ]
}
ui() { cd "$root/ui" && packages && { is_current || npm run --silent build; }; }
step "Building the user interface" ui
# So that `cargo taki`, typed in any shell, finds what is built here. Systems without links build it once more.
mkdir -p "$CARGO_TARGET_DIR"
[ -e target ] || ln -s "$CARGO_TARGET_DIR" target 2>/dev/null || true
[ -d "$CARGO_TARGET_DIR/release/deps" ] || echo "The first build compiles llama.cpp and the window: about 15 minutes on 2 cores." >&2
step "Building Taki" cargo build --release --locked --workspace
