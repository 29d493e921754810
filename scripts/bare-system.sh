#!/usr/bin/env bash
# Within a system that has next to nothing, as its administrator: installs the .deb that lies in /opt/taki, then, as somebody else, fetches the default
# ladder, has it answer and opens the window. Started by bare-test.sh, with the address of a server of models.
set -euo pipefail
die() { printf '%s\n' "$*" >&2; exit 1; }

# none WHEN TOOL…: they are not there.
none() {
  local tool
  for tool in "${@:2}"; do
    ! command -v "$tool" >/dev/null || die "$1 it has $tool, which it is not to have."
  done
}
builders=(cc gcc g++ clang make cmake cargo rustc nvcc)

# Nor what could fetch a model in another way.
none "Before anything is installed" "${builders[@]}" python3 pip
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends /opt/taki/*.deb >/opt/taki/apt.log 2>&1 || { tail -n 30 /opt/taki/apt.log >&2; die "The package does not install."; }
none "With the package" "${builders[@]}"
echo "Installed with $(grep -c '^Setting up' /opt/taki/apt.log) packages, $(du -shx / 2>/dev/null | cut -f 1) in all."

home=/srv/somebody
mkdir -p "$home"
chown 1000:1000 "$home"
somebody() { (cd "$home" && exec setpriv --reuid=1000 --regid=1000 --clear-groups env -i HOME="$home" PATH=/usr/bin:/bin LANG=C.UTF-8 "$@"); }
for file in /usr/bin/taki /usr/bin/taki-app; do
  [[ $(ldd "$file") != *"not found"* ]] || die "$file lacks: $(ldd "$file" | grep 'not found')"
done
[[ $(somebody taki doctor) == *"computed by"* ]] || die "taki doctor does not say what computes."

# Where nothing can be reached: a sentence, and no word of what is not here.
said=$(somebody HF_ENDPOINT=http://127.0.0.1:9 taki models fetch smollm2 2>&1) && die "It fetched a model from nowhere: $said"
[[ $said != *Traceback* && $said != *panicked* && -n $said ]] || die "It fails with: $said"
echo "Without a network it says: $said"

somebody TAKI_SOURCE=huggingface HF_ENDPOINT="$1" taki models fetch smollm2
answer=$(somebody taki chat --once "What is a waterfall? Answer in one sentence." --ladder smollm2 --max-tokens 32)
[ -n "$answer" ] || die "It does not answer."
echo "It answers: $answer"

# The window asks for what every desktop has: a display and a bus.
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends xvfb xdotool dbus fonts-dejavu-core >/opt/taki/desktop.log 2>&1 || { tail -n 30 /opt/taki/desktop.log >&2; die "There is no display to be had."; }
running=()
ended() {
  local one
  # A whole group each: what a program started ends with it, or the system could not be taken away.
  for one in ${running[@]+"${running[@]}"} $(cat "$home/window.pid" 2>/dev/null); do kill -- "-$one" 2>/dev/null || true; done
  sleep 1
}
trap ended EXIT
setsid Xvfb -displayfd 3 -screen 0 1280x900x24 -nolisten tcp 3>/opt/taki/display 2>/opt/taki/xvfb.log &
running+=($!)
for _ in $(seq 100); do [ ! -s /opt/taki/display ] || break; sleep 0.1; done
display=:$(cat /opt/taki/display)
# The DMA-BUF renderer draws nothing reliable on a virtual display.
somebody DISPLAY="$display" WEBKIT_DISABLE_DMABUF_RENDERER=1 setsid bash -c 'echo $$ >window.pid; exec dbus-run-session -- taki-app' >/opt/taki/window.log 2>&1 &
for _ in $(seq 60); do
  if somebody DISPLAY="$display" xdotool search --onlyvisible --name '^Taki' >/dev/null 2>&1; then
    echo "The window opens."
    exit 0
  fi
  sleep 1
done
cat /opt/taki/window.log >&2
die "No window opens."
