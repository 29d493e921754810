#!/usr/bin/env bash
# Runs the end-to-end tests in the real window on a display of its own.
# Usage: run.sh [test [FILE ...]], run.sh picture (of the README), run.sh kills [HOW_MANY [SEED]], run.sh download-kills [HOW_MANY [SEED]], run.sh four-rungs [QUESTIONS] or run.sh paint [TOKENS_PER_SECOND]
# TAKI_APP: the program (default: the release build). TAKI_SHOTS: where screenshots go (default: a temporary folder).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
export TAKI_APP=${TAKI_APP:-${CARGO_TARGET_DIR:-$root/target}/release/taki-app}
TAKI_APP=$(realpath "$TAKI_APP" 2>/dev/null || echo "$TAKI_APP")
[ -x "$TAKI_APP" ] || { echo "The app is not built: run 'make build' first." >&2; exit 1; }

work=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT

# The display's number comes back over a pipe once it is ready.
mkfifo "$work/display"
Xvfb -displayfd 3 -screen 0 1280x900x24 -nolisten tcp 3>"$work/display" 2>"$work/xvfb.log" &
pids+=($!)
read -r number <"$work/display"
export DISPLAY=:$number
unset WAYLAND_DISPLAY
openbox >"$work/openbox.log" 2>&1 &
pids+=($!)

export TAKI_WORK=$work
export TAKI_SHOTS=${TAKI_SHOTS:-$work/shots}
mkdir -p "$TAKI_SHOTS"
# The DMA-BUF renderer draws nothing reliable on a virtual display.
export WEBKIT_DISABLE_DMABUF_RENDERER=1
export TAKI_MODELS=${TAKI_MODELS:-${XDG_DATA_HOME:-$HOME/.local/share}/taki/models}
cd "$here"
dbus-run-session -- npm run --silent "${1:-test}" -- "${@:2}"
