#!/usr/bin/env bash
# Tries what measures a second device, with this computer lent to itself as one: that answers are compared, and what `make bench` would measure.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
taki=$CARGO_TARGET_DIR/release/taki
work=$(mktemp -d)
lent=
cleanup() {
  [ -z "$lent" ] || kill "$lent" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
export TAKI_MODELS=${TAKI_MODELS:-${XDG_DATA_HOME:-$HOME/.local/share}/taki/models}
# Nobody's settings: they may name computers of their own.
export TAKI_HOME=$work
unset TAKI_WORKERS

# One short answer on the device and one without: what is compared is looked at by whoever asks more.
compared() {
  python3 scripts/devices.py "$taki" tests/data/questions.jsonl --rpc --ladder smollm2 --limit 1 --max-tokens 4 >"$work/compared" || { cat "$work/compared" >&2; return 1; }
  grep -q '^[01] of 1 answers the same' "$work/compared"
}

# Where there is a device, its own ways are among those that are measured.
benched() {
  local port
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  "$taki" rpc-server --port "$port" >"$work/lent" 2>&1 &
  lent=$!
  for _ in $(seq 100); do (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null && break || sleep 0.1; done
  env -u MORE -u OUT -u LADDERS -u SUITE TAKI_WORKERS=127.0.0.1:$port DRY=1 scripts/bench.sh >"$work/benched" 2>&1 || { cat "$work/benched" >&2; return 1; }
  kill "$lent"
  grep -q -- '--configs adaptive,cascade,speculative-3,adaptive-line,adaptive-waiting$' "$work/benched" || { cat "$work/benched" >&2; return 1; }
}

compared || die "scripts/devices.py does not compare answers any more."
benched || die "scripts/bench.sh does not measure a device's own ways."
