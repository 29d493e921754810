#!/usr/bin/env bash
# Builds the packages that are installed on other computers: .deb and .rpm here, an installer on Windows, a disk image on macOS.
#   BUNDLES=deb,rpm,appimage   which (appimage downloads tools) [Linux: deb,rpm; Windows: nsis,msi; macOS: dmg]
#   TO=FOLDER                  where they go [packages in the cache folder]
#   MODULES=FOLDER  modules for cards, built elsewhere from the same llama.cpp, that go into the packages too (scripts/cuda.sh makes one);
#                   what scripts/vulkan.sh built from the same source goes in by itself [none]
#   TAURI_SIGNING_PRIVATE_KEY  signs the packages, and lists them in latest.json (…_PATH: the key's file instead; …_PASSWORD: its password)
#   TAKI_UPDATE_KEY            the public key that the packages' own updates have to be signed with
#   TAKI_UPDATES               where the packages look for updates, unless somebody says otherwise [nowhere]
#   NOTES=FILE                 what is new, for latest.json
set -euo pipefail
. "$(dirname "$0")/env.sh"
cd "$root"
# Of its own: what `make build` has made stays as it is.
export CARGO_TARGET_DIR=$cache/package-target
to=${TO:-$cache/packages}
stage=$CARGO_TARGET_DIR/stage
system=$(uname)
case $system in
  Linux) bundles=deb,rpm triples=("") run_path='$ORIGIN/../lib/taki' ;;
  Darwin) bundles=dmg triples=(aarch64-apple-darwin x86_64-apple-darwin) run_path=@executable_path/../Frameworks ;;
  *) bundles=nsis,msi triples=("") run_path= ;;
esac
bundles=${BUNDLES:-$bundles}
# For what signs alone, not for whatever runs while building.
export -n TAURI_SIGNING_PRIVATE_KEY TAURI_SIGNING_PRIVATE_KEY_PATH TAURI_SIGNING_PRIVATE_KEY_PASSWORD

# One for every processor that Rust calls by this name and that has what the least of llama.cpp's modules needs; the best module is found when
# the program runs. No folder of this computer is named in a message.
flags=("--remap-path-prefix=$HOME=~" "--remap-path-prefix=$root=taki")
[ -z "$run_path" ] || flags+=(-C "link-arg=-Wl,-rpath,$run_path")
[ "$system-$(uname -m)" != Linux-x86_64 ] || flags+=(-C target-cpu=x86-64-v2)
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}")
export CARGO_ENCODED_RUSTFLAGS
if [ "$system" = Linux ]; then
  export CFLAGS="-ffile-prefix-map=$HOME=~" CXXFLAGS="-ffile-prefix-map=$HOME=~"
  # The modules lie in a folder below the libraries.
  export CMAKE_INSTALL_RPATH='$ORIGIN;$ORIGIN/..'
fi
if [ "$system" = Darwin ]; then export MACOSX_DEPLOYMENT_TARGET=11.0 CMAKE_INSTALL_RPATH='@loader_path;@loader_path/..'; fi

build() {
  local triple
  for triple in "${triples[@]}"; do
    cargo build --profile dist --locked -p taki -p taki-app --bin taki --bin taki-app ${triple:+--target "$triple"} \
      --features taki/dynamic-backends,taki-app/dynamic-backends
  done
}

# put FILE FOLDER: the file itself, not the link that it may be; on macOS one for all kinds of processors that have it.
put() {
  local file=$1 kinds=() triple
  for triple in "${triples[@]}"; do
    local one=$CARGO_TARGET_DIR/${triple:+$triple/}dist/$file
    [ ! -f "$one" ] || kinds+=("$one")
  done
  [ ${#kinds[@]} -gt 0 ] || die "$file was not built."
  mkdir -p "$2"
  if [ ${#kinds[@]} -gt 1 ]; then lipo -create "${kinds[@]}" -output "$2/$(basename "$file")"; else cp -L "${kinds[0]}" "$2/"; fi
}

# What is installed, sorted as it will be. Names that a library has while programs are built stay behind.
gather() {
  local folder file
  rm -rf "$stage"
  case $system in
    Linux) for file in taki taki-app; do put "$file" "$stage/bin"; done
      for file in libllama.so.0 libggml.so.0 libggml-base.so.0; do put "$file" "$stage/lib"; done ;;
    Darwin) for file in taki taki-app; do put "$file" "$stage/bin"; done
      for file in libllama.0.dylib libggml.0.dylib libggml-base.0.dylib; do put "$file" "$stage/lib"; done ;;
    *) for file in taki.exe taki-app.exe; do put "$file" "$stage/bin"; done
      for file in llama.dll ggml.dll ggml-base.dll; do put "$file" "$stage/lib"; done ;;
  esac
  for folder in "${triples[@]}"; do
    for file in "$CARGO_TARGET_DIR/${folder:+$folder/}dist/modules"/*; do put "modules/$(basename "$file")" "$stage/lib/modules"; done
  done
  # Each looks by itself, when the program starts, whether there is something for it.
  if [ -n "${MODULES:-}" ]; then
    for file in "$MODULES"/*ggml-*; do
      [ -f "$file" ] || die "There is no module in $MODULES."
      # What was built for every processor stays.
      [ -f "$stage/lib/modules/$(basename "$file")" ] || cp -L "$file" "$stage/lib/modules/"
    done
  fi
  # For cards of any maker, and for every processor.
  if [ "$system" = Linux ]; then
    file=$(scripts/vulkan.sh --built)
    [ -z "$file" ] || [ -f "$stage/lib/modules/$(basename "$file")" ] || cp "$file" "$stage/lib/modules/"
  fi
  mkdir -p "$stage/doc"
  cp LICENSE "$stage/doc/copyright"
  cp THIRD_PARTY_NOTICES.md "$stage/doc/"
  python3 scripts/notices.py --texts "$stage/doc/licences.txt"
  gzip -9n "$stage/doc/licences.txt"
  # On macOS that would break the signature that the linker gave.
  if [ "$system" = Linux ]; then
    # The programs themselves need more of a processor than this one.
    rm -f "$stage/lib/modules/libggml-cpu-x64.so"
    strip --strip-all "$stage"/bin/*
    find "$stage/lib" -type f -exec strip --strip-unneeded {} +
    chmod 755 "$stage"/bin/*
    # As a library is: read, not run by itself.
    find "$stage/lib" "$stage/doc" -type f -exec chmod 644 {} +
  fi
}

tools() { cd "$root/packaging" && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent --no-audit --no-fund; }; }

# The tool takes the program from where it would have built it.
bundle() {
  local for_all=
  [ "$system" != Darwin ] || for_all=universal-apple-darwin
  local from=$CARGO_TARGET_DIR/${for_all:+$for_all/}release
  rm -rf "$from/bundle"
  mkdir -p "$from" "$to"
  cp "$stage"/bin/taki-app* "$from/"
  python3 "$root/scripts/package.py" "$stage" >"$CARGO_TARGET_DIR/bundle.json"
  cd "$root/src-tauri"
  "$root/packaging/node_modules/.bin/tauri" bundle --ci --bundles "$bundles" ${for_all:+--target "$for_all"} --config "$CARGO_TARGET_DIR/bundle.json"
  find "$from/bundle" -maxdepth 2 -type f \( -name '*.deb' -o -name '*.rpm' -o -name '*.AppImage' -o -name '*.exe' -o -name '*.msi' -o -name '*.dmg' \) \
    -exec cp {} "$to/" \; -exec basename {} \; >"$CARGO_TARGET_DIR/bundled.txt"
}

# What was made just now, each together with its version, so that an old package never passes as a newer one.
sign() {
  local version file
  export TAURI_SIGNING_PRIVATE_KEY TAURI_SIGNING_PRIVATE_KEY_PATH TAURI_SIGNING_PRIVATE_KEY_PASSWORD
  version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -n 1)
  while read -r file; do
    case $file in *.deb | *.rpm | *.AppImage | *-setup.exe | *.msi) "$root/packaging/node_modules/.bin/tauri" signer sign --app-version "$version" "$to/$file" >/dev/null </dev/null ;; esac
  done <"$CARGO_TARGET_DIR/bundled.txt"
  python3 "$root/scripts/updates.py" "$to" "$version" ${NOTES:+"$NOTES"}
}

step "Building the user interface" scripts/ui.sh
[ -d "$CARGO_TARGET_DIR/dist/deps" ] || echo "The first build compiles llama.cpp for every kind of processor: about 25 minutes on 2 cores." >&2
step "Building Taki for every processor" build
step "Gathering what is installed" gather
step "Installing the tool that makes packages" tools
step "Making the packages" bundle
[ -z "${TAURI_SIGNING_PRIVATE_KEY:-}${TAURI_SIGNING_PRIVATE_KEY_PATH:-}" ] || step "Signing them" sign
say "Packages in $to"
(cd "$to" && ls -l | awk 'NF > 5 { printf "%8.1f MB  %s\n", $5 / 1e6, $NF }')
printf '%8.1f MB  installed\n' "$(find "$stage" -type f -exec cat {} + | wc -c | awk '{ print $1 / 1e6 }')"
