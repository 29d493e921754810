#!/usr/bin/env bash
# Everything that must hold, in one go. FULL=1 needs the large models too.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
log=$(mktemp)
# A line from every test that could not be made here: it passes, and is not to be taken for made.
export TAKI_NOT_TESTED=$log.not-tested
trap 'rm -f "$log" "$TAKI_NOT_TESTED"' EXIT
began=$SECONDS

# Runs a command, shows its output and keeps it for counting.
kept() { "$@" 2>&1 | tee -a "$log"; }
ui() { cd "$root/ui" && npm run --silent check && kept env NO_COLOR=1 npm run --silent test; }
browser() { cd "$root/ui" && kept env NO_COLOR=1 npm run --silent test:ui; }
lints() { cargo fmt --all --check && cargo clippy --release --locked --workspace --all-targets --quiet -- -D warnings; }
cargo_test() { kept cargo test --release --locked --workspace --quiet "$@"; }
units() { cargo_test --lib && cargo_test --doc; }
# One after another: two engines at once would only wait for each other.
rust() { cargo_test --bins --test '*' -- --test-threads=1; }
window() {
  cd "$root/tests/e2e"
  [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent --no-audit --no-fund --ignore-scripts
  kept env NO_COLOR=1 ./run.sh
}
notices() { python3 scripts/notices.py --check; }
cuda() { scripts/cuda.sh --check; }
vulkan() { scripts/vulkan.sh --check; }
packages() { scripts/package-check.sh; }
device() { scripts/second-device.sh; }

step "Checking the user interface" ui
step "Trying the user interface in a headless browser" browser
step "Checking formatting and lints" lints
step "Testing the Rust crates" units
step "Testing the Rust crates with real models" rust
step "Checking the third-party notices" notices
step "Checking our change to llama.cpp's CUDA part" cuda
step "Checking our change to its Vulkan part" vulkan
step "Checking what packages ask for" packages
step "Trying what measures a second device" device
step "Testing the real window" window

# cargo: "N passed;", vitest: "Tests  N passed", playwright: "N passed (", node: "pass N".
passed=$(grep -oE 'ok\. [0-9]+ passed|Tests +[0-9]+ passed|^ +[0-9]+ passed \(|^[^a-z]*pass [0-9]+$' "$log" | grep -oE '[0-9]+' | awk '{ n += $1 } END { print n + 0 }')
[ "$passed" -gt 0 ] || die "No test ran."
if [ -s "$TAKI_NOT_TESTED" ]; then
  say "Not tested here"
  sort -u "$TAKI_NOT_TESTED" >&2
fi
echo "All checks took $((SECONDS - began)) s."
echo "$passed passed, 0 failed"
