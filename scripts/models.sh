#!/usr/bin/env bash
# Fetches the files of a ladder (default: the small one) unless they are here.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
step "Fetching the models of ${1:-smollm2} (about 100 MB for smollm2, 1.6 GB for qwen-coder)" "$CARGO_TARGET_DIR/release/taki" models fetch "${1:-smollm2}"
