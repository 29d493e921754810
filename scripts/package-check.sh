#!/usr/bin/env bash
# Whether packages ask the system for what they need, and only for that, with made-up programs in place of Taki's.
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=$work/stage
mkdir -p "$stage/bin" "$stage/lib/modules" "$stage/doc"
for program in taki taki-app; do cc -x c - -o "$stage/bin/$program" <<<'int main(void) { return 0; }'; done
library() { cc -shared -x c /dev/null -x none -Wl,--no-as-needed "${@:2}" -o "$1"; }
library "$work/libnobody.so.1" -Wl,-soname,libnobody.so.1

# A module for a card comes along, and nobody has to have what it needs.
library "$stage/lib/modules/libggml-cuda.so" "$work/libnobody.so.1"
python3 scripts/package.py "$stage" >"$work/told"
python3 - "$work/told" <<'CHECK'
import json, sys
told = json.load(open(sys.argv[1]))["bundle"]["linux"]
for kind in ("deb", "rpm"):
    assert "/usr/lib/taki/modules/libggml-cuda.so" in told[kind]["files"], told
    assert any(need.startswith("libc") for need in told[kind]["depends"]), told
    assert not any("nobody" in need for need in told[kind]["depends"]), told
CHECK

# What brings Vulkan is worth having, where its module comes along.
! grep -q vulkan "$work/told" || die "Vulkan is asked for without its module."
library "$stage/lib/modules/libggml-vulkan.so" "$work/libnobody.so.1"
python3 scripts/package.py "$stage" >"$work/told"
python3 - "$work/told" <<'CHECK'
import json, sys
told = json.load(open(sys.argv[1]))["bundle"]["linux"]
for kind, loader in (("deb", "libvulkan1"), ("rpm", "libvulkan.so.1()(64bit)")):
    assert "/usr/lib/taki/modules/libggml-vulkan.so" in told[kind]["files"], told
    assert loader in told[kind]["recommends"], told
    assert not any("vulkan" in need or "nobody" in need for need in told[kind]["depends"]), told
CHECK

# What every computer computes with needs what it needs.
library "$stage/lib/modules/libggml-cpu-x64.so" "$work/libnobody.so.1"
! python3 scripts/package.py "$stage" >/dev/null 2>"$work/refused" || die "A library that no package has is taken for had."
grep -q 'libnobody.so.1' "$work/refused"
