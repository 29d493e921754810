#!/usr/bin/env bash
# Builds the user interface, if anything of it is newer than what was built.
set -euo pipefail
cd "$(dirname "$0")/../ui"
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent --no-audit --no-fund
# What is built anew has the window compiled anew. A folder is newer, too, when something in it is gone.
from=(src index.html *.json *.ts *.js ../crates/protocol/messages ../src-tauri/tauri.conf.json)
if [ -f dist/index.html ] && [ -z "$(find "${from[@]}" -newer dist/index.html -print -quit)" ]; then exit; fi
npm run --silent build
