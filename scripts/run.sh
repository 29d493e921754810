#!/usr/bin/env bash
# Opens the window, or the terminal chat where there is no display.
set -euo pipefail
. "$(dirname "$0")/env.sh"
if [ "$(uname)" != Linux ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
  say "Opening the window"
  exec "$CARGO_TARGET_DIR/release/taki-app"
fi
say "There is no display: starting the terminal chat"
exec "$CARGO_TARGET_DIR/release/taki" chat
