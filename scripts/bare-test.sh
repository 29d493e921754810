#!/usr/bin/env bash
# Makes a system that has nothing but what every Debian has, installs the .deb in it with what that asks for, fetches the default ladder from a server of
# this computer, has it answer and opens the window. (What the window does, the menu and the .rpm: package-test.sh.)
#   FROM=FOLDER    where the packages are [packages in the cache folder]
#   MIRROR=URL     where the system comes from [http://deb.debian.org/debian; Ubuntu: http://archive.ubuntu.com/ubuntu]
#   SUITE=NAME     which [this system's]
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
from=${FROM:-$cache/packages}
models=${TAKI_MODELS:-${XDG_DATA_HOME:-$HOME/.local/share}/taki/models}
deb=$(ls -t "$from"/*.deb 2>/dev/null | head -n 1) || true
[ -n "$deb" ] || die "There is no .deb in $from: run 'make package' first."
command -v mmdebstrap >/dev/null || die "mmdebstrap is missing: run 'scripts/setup.sh package-test' first."
compgen -G "$models/*.gguf" >/dev/null || die "There are no models in $models: run 'make models' first."
. /etc/os-release
mirror=http://deb.debian.org/debian components=main
[ "$ID" != ubuntu ] || mirror=http://archive.ubuntu.com/ubuntu
mirror=${MIRROR:-$mirror}
[[ $mirror != *ubuntu* ]] || components=main,universe
suite=${SUITE:-${VERSION_CODENAME:?}}

# Nothing is wrong with the package where there is no network.
python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=30).read(1)' "$mirror/dists/$suite/InRelease" 2>/dev/null || {
  why="the package in a system without a compiler: $mirror has no $suite, or cannot be reached"
  [ -z "${TAKI_NOT_TESTED:-}" ] || echo "$why" >>"$TAKI_NOT_TESTED"
  echo "Not tested: $why."
  exit 0
}

work=$(mktemp -d)
serves=
cleanup() {
  [ -z "$serves" ] || kill "$serves" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
# Whoever makes the system may be nobody here.
chmod 755 "$work"
mkdir "$work/taki"
cp "$deb" scripts/bare-system.sh "$work/taki/"
chmod -R a+rX "$work/taki"

serve() {
  python3 scripts/repository.py "$models" >"$work/port" &
  serves=$!
  for _ in $(seq 100); do [ ! -s "$work/port" ] || break; sleep 0.1; done
  [ -s "$work/port" ] || die "The server of models does not start."
}

bare() {
  mmdebstrap --quiet --variant=apt --components="$components" --format=null \
    --customize-hook="copy-in $work/taki /opt" \
    --customize-hook="chroot \"\$1\" bash /opt/taki/bare-system.sh http://127.0.0.1:$(cat "$work/port")" \
    "$suite" /dev/null "$mirror"
}

serve
step "Installing $(basename "$deb") in a bare $suite, fetching the default ladder, answering and opening the window (some 400 MB from $mirror; about 5 minutes)" bare
