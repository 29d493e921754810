#!/usr/bin/env bash
# Installs the system packages that are missing. `setup.sh run` for building and running, `setup.sh test` for tests too, `setup.sh package-test` for
# those of packages, `setup.sh vulkan` for the module for cards of any maker.
set -euo pipefail
. "$(dirname "$0")/env.sh"

command -v cargo >/dev/null || die "Rust is missing. Install it from https://rustup.rs, open a new terminal and try again."
command -v npm >/dev/null || die "Node.js is missing. Install version 20 or newer from https://nodejs.org and try again."
command -v python3 >/dev/null || die "Python 3 is missing. Install it and try again; it fetches models where Hugging Face cannot be reached."

build="cmake ninja-build clang libclang-dev ccache pkg-config libwebkit2gtk-4.1-dev librsvg2-dev libssl-dev"
test="webkit2gtk-driver xvfb openbox wmctrl scrot dunst xdotool dbus dbus-x11 fonts-noto-cjk procps iproute2 util-linux"
packages="rpm mmdebstrap desktop-file-utils shared-mime-info libglib2.0-bin"
vulkan="libvulkan-dev glslc spirv-headers mesa-vulkan-drivers"
# Whether tests are wanted, too.
tests() { [[ ${1:-run} != run && ${1:-run} != vulkan ]]; }

if [ "$(uname)" != Linux ]; then
  command -v cmake >/dev/null || die "CMake is missing. Install it (macOS: brew install cmake ninja; Windows: winget install Kitware.CMake LLVM.LLVM) and try again."
  exit 0
fi
command -v dpkg-query >/dev/null || {
  command -v cmake >/dev/null && command -v clang >/dev/null && exit 0
  die "This is no Debian-like system. Install what corresponds to: $build"
}

wanted=$build
if tests "$@"; then wanted+=" $test"; fi
if [ "${1:-run}" = package-test ]; then wanted+=" $packages"; fi
if [ "${1:-run}" = vulkan ]; then wanted+=" $vulkan"; fi
missing=()
for package in $wanted; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing+=("$package")
done
# The browser without a window needs half the time of the whole one; not every system has it.
shell=chromium-headless-shell
known() { apt-cache show "$1" >/dev/null 2>&1; }
if tests "$@" && ! command -v $shell >/dev/null && { known $shell || ! command -v chromium >/dev/null; }; then
  missing+=(chromium)
fi
if [ ${#missing[@]} -gt 0 ]; then
  say "Installing system packages: ${missing[*]}"
  echo "They compile llama.cpp and the window (and drive it in tests). About 1 to 5 minutes." >&2
  root_do=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "Please have an administrator run: apt-get install ${missing[*]}"
    root_do=(sudo)
  fi
  "${root_do[@]}" apt-get update -qq
  known $shell && missing=("${missing[@]/#chromium/$shell}")
  "${root_do[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
if tests "$@" && ! command -v tauri-driver >/dev/null; then
  say "Installing tauri-driver, which drives the window in tests (about 2 minutes)"
  CARGO_TARGET_DIR=$cache/target-tools cargo install --quiet tauri-driver --version 2.1.0 --locked
fi
