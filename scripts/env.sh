# Sourced by the other scripts: where things are kept and how to say what is happening.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/taki
# Outside the checkout, so that a fresh one does not compile llama.cpp again.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
export CMAKE_GENERATOR=${CMAKE_GENERATOR:-Ninja}
if [ "$(uname)" = Darwin ]; then export CMAKE_INSTALL_RPATH=@loader_path; fi
export PATH=$HOME/.cargo/bin:$PATH
if command -v ccache >/dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi

say() { printf '\n\033[1m== %s\033[0m\n' "$*" >&2; }
die() { printf '%s\n' "$*" >&2; exit 1; }

# step "What is done" command…: runs it and says how long it took.
step() {
  local what=$1 began=$SECONDS
  shift
  say "$what"
  # In a shell of its own: a step's folder is not the next one's. Not behind `||`, where bash would go on after whatever fails in the middle of it.
  local status=0
  set +e
  (
    set -e
    "$@"
  )
  status=$?
  set -e
  [ "$status" = 0 ] || { echo "-- failed: $what (after $((SECONDS - began)) s)" >&2; return 1; }
  echo "-- done in $((SECONDS - began)) s" >&2
}
