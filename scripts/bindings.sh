#!/usr/bin/env bash
# Writes the TypeScript bindings of the app's commands.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
TAKI_WRITE_BINDINGS=1 step "Writing the bindings" cargo test --release --locked --quiet --package taki-app
