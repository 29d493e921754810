#!/usr/bin/env bash
# Installs the .deb, and then the .rpm, in a folder that stands for a whole system, uses it as somebody would who has nothing else of Taki, and removes it.
#   FROM=FOLDER   where the packages are [packages in the cache folder]
#   SYSTEM=1      install the .deb in this very system (as root)
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
from=${FROM:-$cache/packages}
models=${TAKI_MODELS:-${XDG_DATA_HOME:-$HOME/.local/share}/taki/models}
deb=$(ls -t "$from"/*.deb 2>/dev/null | head -n 1) rpm=$(ls -t "$from"/*.rpm 2>/dev/null | head -n 1)
[ -n "$deb" ] && [ -n "$rpm" ] || die "There are no packages in $from: run 'make package' first."
for tool in rpm update-mime-database update-desktop-database desktop-file-validate gio; do
  command -v $tool >/dev/null || die "$tool is missing: run 'scripts/setup.sh package-test' first."
done
work=$(mktemp -d)
system=$work/system fedora=$work/fedora
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

# The same of the .rpm. Only an administrator may call another folder the root, or whoever is one in a space of their own.
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else unshare --user --map-root-user "$@"; fi; }
rpms() { as_root rpm --root "$fedora" "$@"; }
# Whatever is tried of the .deb, in the folder of the .rpm.
of_rpm() {
  local system=$fedora installed=$fedora/usr/lib/taki
  "$@"
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
  python3 scripts/rpm.py "$rpm" --needs >"$work/needs"
  echo "The .rpm needs: $(tr '\n' ' ' <"$work/needs")"
  met
}

# What the .rpm needs are names of libraries, which are the same in every system: each is here. (What rpm itself must know is rpm's to look at.)
met() {
  local need libraries
  libraries=$(/sbin/ldconfig -p | awk '{ print $1 }')
  while read -r need; do
    case $need in
      rpmlib*) ;;
      *'()(64bit)' | *.so.*'('*) grep -qxF "${need%%(*}" <<<"$libraries" || die "The .rpm needs $need, which nothing here has." ;;
      *) die "The .rpm needs $need: is that called so in every system?" ;;
    esac
  done <"$work/needs"
}

# Without what it needs: that is the real system's, and was looked at by itself.
install_rpm() {
  mkdir -p "$fedora"
  { rpms --initdb && rpms -i --nodeps --ignorearch "$rpm"; } >"$work/rpm.log" 2>&1 || { cat "$work/rpm.log" >&2; return 1; }
  is "$(rpm -qp --scripts "$rpm" 2>/dev/null)" "" "The .rpm has scripts"
}

# Everything is found, and nothing where it was built.
linked() {
  local file found
  # What other modules need, as NVIDIA's, is not on every computer: they stay out where it is not.
  for file in "$system"/usr/bin/taki "$system"/usr/bin/taki-app "$installed"/*.so* "$installed"/modules/libggml-{cpu-*,rpc}.so; do
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
  module=$(told 'it["engine"]["processor_module"]["file"]' <<<"$seen")
  is "$module" "libggml-cpu-*.so" "No module for processors is named"
  is "$(told 'it["engine"]["processor_module"]["rated"][0]["file"]' <<<"$seen")" "$module" "Another module suits this processor better"
  is "$(told 'len(it["engine"]["processor_module"]["rated"])' <<<"$seen")" "$(ls "$installed"/modules/libggml-cpu-*.so | wc -l)" "Not every module for processors was asked how well it suits"
  echo "Computed by $module: $(told '" ".join(it["engine"]["processor"])' <<<"$seen")"
  taki doctor | grep "computed by"
}

answers() {
  local least=$work/least options=(chat --once "What is a waterfall? Answer in one sentence." --ladder smollm2 --max-tokens 32)
  taki "${options[@]}" --json | told 'it["answer"].strip()'
  # Exact mode needs modules that were all compiled without llamafile's kernels.
  taki prove --suite "$root/tests/data/copying.jsonl" --limit 2 --max-tokens 48 --ladder smollm2
  # What the oldest processor gets.
  local oldest=libggml-cpu-sse42.so
  [ "$(uname -m)" = x86_64 ] || oldest=libggml-cpu-armv8.0_1.so
  mkdir -p "$least"
  cp "$installed/modules/$oldest" "$least/"
  is "$(alone TAKI_MODULES="$least" "$system/usr/bin/taki" doctor --json | told 'it["engine"]["processor_module"]["file"]')" "$oldest" "Another module than the one there is computes"
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

# The least of a start: a window that fetches and answers.
window_opens() {
  (cd tests/e2e && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent --no-audit --no-fund --ignore-scripts; })
  TAKI_APP=$system/usr/bin/taki-app TAKI_MODELS=$models NO_COLOR=1 tests/e2e/run.sh test --test-name-pattern="who has nothing" first.test.js
}

window() {
  window_opens
  TAKI_APP=$system/usr/bin/taki-app TAKI_MODELS=$models NO_COLOR=1 tests/e2e/run.sh test ladders.test.js
}

# What the menu shows, and the tables that file managers read.
opened() {
  local entry=$system/usr/share/applications/Taki.desktop shared=$system/usr/share
  cat "$entry"
  grep -q '^Exec=taki-app %F$' "$entry" && [ -x "$system/usr/bin/taki-app" ] || die "The menu's entry starts something else."
  ls "$system"/usr/share/icons/hicolor/*/apps/taki-app.png
  python3 -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' "$system/usr/share/mime/packages/taki.xml"
  desktop-file-validate "$entry"
  if [ -n "$system" ]; then
    # In a system the tables are made by what other packages bring; here beside the folder, where nothing of them is left in it.
    shared=$work/shared
    rm -rf "$shared"
    mkdir "$shared"
    cp -r "$system/usr/share/mime" "$system/usr/share/applications" "$shared/"
    update-mime-database "$shared/mime"
    update-desktop-database "$shared/applications"
  fi
  # A program that is on no path opens nothing.
  seen() { alone PATH="$system/usr/bin:/usr/bin:/bin" XDG_DATA_DIRS="$shared:/usr/share" GIO_USE_VFS=local gio "$@"; }
  local name of
  for name in model.gguf:application/x-gguf recipe.taki.toml:application/x-taki-recipe; do
    of=${name#*:} name=$work/${name%%:*}
    echo >"$name"
    is "$(seen info -a standard::content-type "$name")" "*$of*" "A file is taken for something else"
    is "$(seen mime "$of")" "*Taki.desktop*" "Nothing opens it"
  done
  [[ $(seen mime application/toml) != *Taki.desktop* ]] || die "Taki is said to open what is not its own."
}

# What is called Taki in the system, whose own name is not looked at; large letters too, as the menu's entry has.
named() { (cd "$system/usr" 2>/dev/null && find . -ipath '*taki*' "$@" 2>/dev/null) || true; }

# removed COMMAND…: takes the package away with it. Of an .rpm, which owns no folders, empty ones stay.
removed() {
  local before after kind=()
  [ "$1" != rpms ] || kind=(-not -type d)
  before=$(cd "$home" && find . -type f -not -path './.cache/*' -exec sha256sum {} + | sort)
  [ -n "$before" ] || die "There was nothing of the user's to keep."
  "$@" >/dev/null
  after=$(cd "$home" && find . -type f -not -path './.cache/*' -exec sha256sum {} + | sort)
  is "$after" "$before" "Something of the user's is another or gone"
  is "$(named ${kind[@]+"${kind[@]}"} | grep -vxFf "$work/named" || true)" "" "Something stayed behind"
  echo "$(wc -l <<<"$before") files of the user's stayed as they were."
}

named >"$work/named"
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
step "Removing it" removed packages --purge taki
is_in=
step "Installing the .rpm" install_rpm
step "Looking whether everything of it is found" of_rpm linked
step "Asking what computes there" of_rpm doctor
step "Answering with it" of_rpm answers
step "Looking at what it tells file managers" of_rpm opened
step "Opening its window" of_rpm window_opens
step "Removing that" of_rpm removed rpms -e "$(rpm -qp --queryformat '%{NAME}' "$rpm" 2>/dev/null)"
say "Sizes"
printf '%8.1f MB  %s\n' "$(stat -c %s "$deb" | awk '{ print $1 / 1e6 }')" "$(basename "$deb")" "$(stat -c %s "$rpm" | awk '{ print $1 / 1e6 }')" "$(basename "$rpm")"
awk '{ sum += $2 } END { printf "%8.1f MB  installed\n", sum / 1e6 }' "$work/deb"
