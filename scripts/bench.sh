#!/usr/bin/env bash
# Taki and llama-server side by side on the same models and questions, one table per ladder.
#   SUITE       files of questions            [tests/data/copying.jsonl tests/data/questions.jsonl]
#   LADDERS     ladders                       [smollm2 qwen-coder]
#   LIMIT       questions of each category    [2]
#   MAX_TOKENS  tokens per answer             [64]
#   REPEATS     answers to each in each way   [1]
#   OUT         folder for JSON and CSV       [none: only the tables]
#   MORE        other options of taki bench   [none]
#   DRY=1       only say what would be measured; needs no llama-server
# Where something besides the processor computes (a graphics card, another computer), the adaptive policy is also measured without second choices and
# without drafting ahead.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
read -ra suites <<<"${SUITE:-tests/data/copying.jsonl tests/data/questions.jsonl}"
read -ra ladders <<<"${LADDERS:-smollm2 qwen-coder}"
taki=$CARGO_TARGET_DIR/release/taki
server=llama-server
[ -n "${DRY:-}" ] || server=$(scripts/peers.sh)
questions=$(mktemp)
trap 'rm -f "$questions"' EXIT
# A line each, whether or not a file ends with one.
awk 1 "${suites[@]}" >"$questions"

has_device() { "$taki" doctor --json | python3 -c 'import json, sys; sys.exit(not (json.load(sys.stdin).get("engine") or {}).get("devices"))'; }

measure() {
  local options=(--peers "$server" --suite "$questions" --ladder "$1" --limit "${LIMIT:-2}" --max-tokens "${MAX_TOKENS:-64}" --repeats "${REPEATS:-1}")
  # The ladder's own matrix and, where there is a draft model, plain speculative decoding stand for fixed drafting.
  local configs=adaptive,cascade json=/dev/null
  [ "$1" = smollm2 ] || configs+=,speculative-3$beside
  local more=()
  read -ra more <<<"${MORE:-}"
  options+=(--configs "$configs" ${more[@]+"${more[@]}"})
  if [ -n "${OUT:-}" ]; then
    [ -n "${DRY:-}" ] || mkdir -p "$OUT"
    json=$OUT/$1.json
    options+=(--csv "$OUT/$1.csv")
  fi
  if [ -n "${DRY:-}" ]; then echo "taki bench ${options[*]}"; return; fi
  # With --json the tables go to standard error.
  "$taki" bench "${options[@]}" --json >"$json"
}

beside=
if has_device; then beside=,adaptive-line,adaptive-waiting; fi
for ladder in "${ladders[@]}"; do
  step "Measuring $ladder (with two questions of each category about 10 minutes for smollm2, 45 for qwen-coder, on 2 cores); keep the computer otherwise idle" measure "$ladder"
done
