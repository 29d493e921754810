#!/usr/bin/env bash
# Installs the .deb in a folder that stands for a whole system, uses it as somebody would who has nothing else of Taki, and removes it.
#   FROM=FOLDER   where the packages are [packages in the cache folder]
#   SYSTEM=1      install it in this very system (as root), where the file manager's tables are tried, too
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
from=${FROM:-$cache/packages}
models=${TAKI_MODELS:-${XDG_DATA_HOME:-$HOME/.local/share}/taki/models}
deb=$(ls -t "$from"/*.deb 2>/dev/null | head -n 1) rpm=$(ls -t "$from"/*.rpm 2>/dev/null | head -n 1)
[ -n "$deb" ] && [ -n "$rpm" ] || die "There are no packages in $from: run 'make package' first."
work=$(mktemp -d)
system=$work/system
[ -z "${SYSTEM:-}" ] || system=
is_in=
cleanup() {
  [ -z "$is_in" ] || [ -n "$system" ] || dpkg -r taki >/dev/null
  rm -rf "$work"
}
trap cleanup EXIT
installed=$system/usr/lib/taki
home=$work/home
mkdir -p "$home"

# Nothing of this shell: no build folder is on a path, no library is named.
alone() { (cd "$home" && exec env -i HOME="$home" PATH=/usr/bin:/bin LANG=C.UTF-8 TAKI_MODELS="$models" "$@"); }
taki() { alone "$system/usr/bin/taki" "$@"; }
told() { python3 -c 'import json, sys; print(eval(sys.argv[1], {"it": json.load(sys.stdin)}))' "$1"; }
is() { [[ $1 == $2 ]] || die "$3: $1"; }
# dpkg FOR THE FOLDER: what the package needs lies in the real system and is looked at by itself.
packages() {
  if [ -z "$system" ]; then dpkg "$@"; else dpkg --root="$system" --force-not-root --force-depends --log="$work/dpkg.log" "$@"; fi
}

fresh() {
  [ -n "$system" ] || { ! dpkg-query -W taki >/dev/null 2>&1 || die "Taki is installed here already."; return 0; }
  mkdir -p "$system/var/lib/dpkg/"{info,updates,triggers}
  touch "$system/var/lib/dpkg/"{status,available}
}

# In the folder dpkg complains of what is not in it.
install() { fresh && packages -i "$deb" >"$work/dpkg" 2>&1 || { cat "$work/dpkg" >&2; return 1; }; }

look() {
  dpkg-deb -f "$deb" Package Version Architecture Installed-Size Depends
  # Scripts could remove what is not theirs: there are none.
  is "$(dpkg-deb --ctrl-tarfile "$deb" | tar t | grep -E '(pre|post)(inst|rm)' || true)" "" "The package has scripts"
  apt-get install --simulate --no-install-recommends "$deb" >"$work/apt" 2>&1 || { cat "$work/apt" >&2; die "The package needs what this system has not."; }
  # Both put the same files in the same places.
  dpkg-deb -c "$deb" | awk '$1 ~ /^-/ { print $1, $3, substr($6, 1, 1) == "." ? substr($6, 2) : $6 }' | sed -E 's,^(\S+ +\S+) /?,\1 /,' | sort -k3 >"$work/deb"
  python3 scripts/rpm.py "$rpm" >"$work/rpm"
  cat "$work/rpm"
  diff <(awk '{ print $2, $3 }' "$work/deb" | sort -k2) <(awk '$1 ~ /^10/ { print $2, $3 }' "$work/rpm" | sort -k2) || die "The .rpm has other files than the .deb."
  awk '$3 ~ /\/bin\// && $1 !~ /755$/ { exit 1 }' "$work/rpm" || die "A program of the .rpm cannot be run."
  echo "The .rpm needs: $(python3 scripts/rpm.py "$rpm" --needs | tr '\n' ' ')"
}

# Everything is found, and nothing where it was built.
linked() {
  local file found
  for file in "$system"/usr/bin/taki "$system"/usr/bin/taki-app "$installed"/*.so* "$installed"/modules/*.so; do
    found=$(alone ldd "$file")
    [[ $found != *"not found"* ]] || die "$file lacks: $(grep 'not found' <<<"$found")"
    # Of Taki's own libraries each is the one that was installed.
    found=$(grep -E 'lib(llama|ggml)' <<<"$found" | grep -vF "$(realpath "$installed")" | grep -vF "$installed" | grep -F '=>' | grep -vF '/../lib/taki/' || true)
    is "$found" "" "$file takes a library from elsewhere"
    found=$(readelf -d "$file" | grep -E 'R(UN)?PATH' || true)
    [[ $found != *"$HOME"* && $found != *"$root"* ]] || die "$file looks for libraries in a build folder: $found"
    ! readelf -S "$file" | grep -qE '\.(debug_info|symtab)' || die "$file is not stripped."
  done
  echo "$(ls "$installed"/modules/libggml-cpu-*.so | wc -l) modules for processors; programs and libraries find each other."
}

doctor() {
  local seen
  seen=$(taki doctor --json)
  module=$(told 'it["engine"]["processor_module"]' <<<"$seen")
  is "$module" "libggml-cpu-*.so" "No module for processors is named"
  echo "Computed by $module: $(told '" ".join(it["engine"]["processor"])' <<<"$seen")"
  taki doctor | grep "computed by"
}

answers() {
  local least=$work/least options=(chat --once "What is a waterfall? Answer in one sentence." --ladder smollm2 --max-tokens 32)
  taki "${options[@]}" --json | told 'it["answer"].strip()'
  # Exact mode needs modules that were all compiled without llamafile's kernels.
  taki prove --suite "$root/tests/data/copying.jsonl" --limit 2 --max-tokens 48 --ladder smollm2
  # What the oldest processor gets.
  mkdir -p "$least"
  cp "$installed"/modules/libggml-cpu-sse42.so "$least/"
  is "$(alone TAKI_MODULES="$least" "$system/usr/bin/taki" doctor --json | told 'it["engine"]["processor_module"]')" libggml-cpu-sse42.so "Another module than the one there is computes"
  [ -n "$(alone TAKI_MODULES="$least" "$system/usr/bin/taki" "${options[@]}")" ] || die "That module does not answer."
}

# Something that must not go with the program.
chats() {
  local message='{"speaker": "user", "text": "滝 stays", "parent": null, "at_ms": 1}'
  printf '{"taki_conversations": 1, "conversations": [{"title": "Kept", "at_ms": 1, "messages": [%s]}]}' "$message" >"$work/kept.json"
  taki chats import "$work/kept.json"
  [[ $(taki chats list) == *Kept* ]] || die "The conversation is not there."
}

# Another computer can compute along: that is a module, too.
remote() {
  local port seen
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  # Not `alone`: what is ended here must be the program itself.
  env -i HOME="$home" PATH=/usr/bin:/bin "$system/usr/bin/taki" rpc-server --port "$port" >"$work/rpc.log" 2>&1 &
  local server=$!
  for _ in $(seq 100); do (: </dev/tcp/127.0.0.1/"$port") 2>/dev/null && break || sleep 0.1; done
  seen=$(alone TAKI_WORKERS="127.0.0.1:$port" "$system/usr/bin/taki" doctor --json) || true
  kill $server || { cat "$work/rpc.log" >&2; return 1; }
  wait $server 2>/dev/null || true
  is "$(told '[device["kind"] for device in it["engine"]["devices"]]' <<<"$seen")" "*remote*" "The other computer is not there"
}

window() {
  (cd tests/e2e && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent --no-audit --no-fund --ignore-scripts; })
  TAKI_APP=$system/usr/bin/taki-app TAKI_MODELS=$models NO_COLOR=1 tests/e2e/run.sh test --test-name-pattern="who has nothing" first.test.js
  TAKI_APP=$system/usr/bin/taki-app TAKI_MODELS=$models NO_COLOR=1 tests/e2e/run.sh test ladders.test.js
}

# The tables that file managers read; in a folder of its own nobody reads them.
opened() {
  local entry=$system/usr/share/applications/Taki.desktop
  cat "$entry"
  grep -q '^Exec=taki-app %F$' "$entry" && [ -x "$system/usr/bin/taki-app" ] || die "The menu's entry starts something else."
  ls "$system"/usr/share/icons/hicolor/*/apps/taki-app.png
  python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$system/usr/share/mime/packages/taki.xml"
  # What makes the tables for file managers is part of every desktop, not of every server.
  command -v update-desktop-database >/dev/null && command -v gio >/dev/null && [ -z "$system" ] || return 0
  desktop-file-validate "$entry"
  local name of
  for name in model.gguf:application/x-gguf recipe.taki.toml:application/x-taki-recipe; do
    of=${name#*:} name=$work/${name%%:*}
    echo >"$name"
    is "$(gio info -a standard::content-type "$name")" "*$of*" "A file is taken for something else"
    is "$(gio mime "$of")" "*Taki.desktop*" "Nothing opens it"
  done
  [[ $(gio mime application/toml) != *Taki.desktop* ]] || die "Taki is said to open what is not its own."
}

removed() {
  local before after
  before=$(cd "$home" && find . -type f -not -path './.cache/*' -exec sha256sum {} + | sort)
  [ -n "$before" ] || die "There was nothing of the user's to keep."
  packages -r taki >/dev/null
  packages --purge taki >/dev/null 2>&1 || true
  is_in=
  after=$(cd "$home" && find . -type f -not -path './.cache/*' -exec sha256sum {} + | sort)
  is "$after" "$before" "Something of the user's is another or gone"
  is "$(find "$system/usr" -path '*taki*' -not -path '/usr/share/doc/*' 2>/dev/null || true)" "" "Something stayed behind"
  echo "$(wc -l <<<"$before") files of the user's stayed as they were."
}

step "Looking at the packages" look
step "Installing the .deb" install
is_in=1
step "Looking whether everything is found" linked
step "Asking what computes" doctor
step "Answering, exactly, and with the module of the oldest processors" answers
step "Keeping a conversation" chats
step "Computing along" remote
step "Looking at what file managers are told" opened
step "Opening the window" window
step "Removing it" removed
is_in=
say "Sizes"
printf '%8.1f MB  %s\n' "$(stat -c %s "$deb" | awk '{ print $1 / 1e6 }')" "$(basename "$deb")" "$(stat -c %s "$rpm" | awk '{ print $1 / 1e6 }')" "$(basename "$rpm")"
awk '{ sum += $2 } END { printf "%8.1f MB  installed\n", sum / 1e6 }' "$work/deb"
