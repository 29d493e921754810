#!/usr/bin/env python3
"""Writes what Tauri's bundler is told beside tauri.conf.json: which file of the STAGE goes where, and what a package needs of the system."""
import json
import pathlib
import platform
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# What Debian and its relatives call what the programs are linked with. `{}`: the oldest version that has all that is used of it.
DEBIAN = {
    "libc.so.6": "libc6 (>= {})",
    "libm.so.6": "libc6 (>= {})",
    "libgcc_s.so.1": "libgcc-s1",
    "libstdc++.so.6": "libstdc++6 (>= {})",
    "libgomp.so.1": "libgomp1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libgtk-3.so.0": "libgtk-3-0",
    "libgdk-3.so.0": "libgtk-3-0",
    "libwebkit2gtk-4.1.so.0": "libwebkit2gtk-4.1-0 (>= 2.40)",
    "libjavascriptcoregtk-4.1.so.0": "libjavascriptcoregtk-4.1-0",
    "libsoup-3.0.so.0": "libsoup-3.0-0",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgobject-2.0.so.0": "libglib2.0-0",
    "libgio-2.0.so.0": "libglib2.0-0",
    "libcairo.so.2": "libcairo2",
    "libgdk_pixbuf-2.0.so.0": "libgdk-pixbuf-2.0-0",
}
# Version of libstdc++6 by the last number of its symbols' version 3.4.
STDCXX = {29: "11", 30: "12", 31: "13.1", 32: "13.2", 33: "14"}

# What a .deb recommends.
WORTH = ["desktop-file-utils", "shared-mime-info", "ca-certificates", "libayatana-appindicator3-1"]

# The modules that work on every computer. Others stay out where something is missing that they need (a card's driver), so a package does not ask for it.
EVERYBODYS = re.compile(r"libggml-(cpu|rpc)\b")


def told(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def needs(stage):
    """What the programs and libraries are linked with that is not among them, and the newest symbols of C's and C++'s libraries."""
    objects = [*stage.glob("bin/*"), *(path for path in stage.glob("lib/**/*") if path.is_file())]
    own = {path.name for path in objects}
    objects = [path for path in objects if path.parent.name != "modules" or EVERYBODYS.match(path.name)]
    linked, libc, stdcxx = set(), (0, 0), 0
    for path in objects:
        text = told("objdump", "-p", str(path))
        linked |= set(re.findall(r"NEEDED\s+(\S+)", text))
        libc = max([libc, *((int(a), int(b)) for a, b in re.findall(r"\bGLIBC_(\d+)\.(\d+)", text))])
        stdcxx = max([stdcxx, *(int(n) for n in re.findall(r"\bGLIBCXX_3\.4\.(\d+)", text))])
    return sorted(name for name in linked - own if not name.startswith("ld-linux")), f"{libc[0]}.{libc[1]}", stdcxx


def debian(linked, libc, stdcxx):
    unknown = [name for name in linked if name not in DEBIAN]
    if unknown:
        sys.exit(f"Which package has {', '.join(unknown)}? Say it in scripts/package.py.")
    versions = {"libc6": libc, "libstdc++6": STDCXX.get(stdcxx, "11" if stdcxx < 29 else "14")}
    return sorted({DEBIAN[name].format(versions.get(DEBIAN[name].split()[0])) for name in linked})


def fedora(linked, libc, stdcxx):
    """By names of libraries: they are the same in Fedora and openSUSE, where packages have other names."""
    # Those two the bundler names by itself.
    names = [f"{name}()(64bit)" for name in linked if name not in ("libwebkit2gtk-4.1.so.0", "libgtk-3.so.0")]
    return [f"libc.so.6(GLIBC_{libc})(64bit)", f"libstdc++.so.6(GLIBCXX_3.4.{stdcxx})(64bit)", *names]


def linux(stage):
    files = {f"/usr/bin/{path.name}": str(path) for path in stage.glob("bin/*") if path.name != "taki-app"}
    for below, folder in [("lib", "/usr/lib/taki"), ("doc", "/usr/share/doc/taki")]:
        base = stage / below
        files |= {f"{folder}/{path.relative_to(base)}": str(path) for path in sorted(base.glob("**/*")) if path.is_file()}
    files["/usr/share/mime/packages/taki.xml"] = str(ROOT / "packaging/taki.xml")
    what = needs(stage)
    template = str(ROOT / "packaging/taki.desktop")
    # Without it the module stays out; where it is asked for, the system brings what drives its cards through it.
    vulkan = (stage / "lib/modules/libggml-vulkan.so").exists()
    loader = {"deb": ["libvulkan1"] * vulkan, "rpm": ["libvulkan.so.1()(64bit)"] * vulkan}
    return {
        "linux": {
            "deb": {"depends": debian(*what), "recommends": WORTH + loader["deb"], "section": "utils", "desktopTemplate": template, "files": files},
            "rpm": {"depends": fedora(*what), "recommends": loader["rpm"], "desktopTemplate": template, "files": files},
            "appimage": {"files": files},
        }
    }


def beside(stage, programs, libraries):
    """Where there are no folders that the system gives."""
    files = {f"{programs}{path.name}": str(path) for path in stage.glob("bin/*") if path.stem != "taki-app"}
    base = stage / "lib"
    return files | {f"{libraries}{path.relative_to(base).as_posix()}": str(path) for path in sorted(base.glob("**/*")) if path.is_file()}


def main():
    stage = pathlib.Path(sys.argv[1]).resolve()
    documents = {str(path): f"licences/{path.name}" for path in sorted(stage.glob("doc/*"))}
    system = platform.system()
    if system == "Linux":
        bundle = linux(stage)
    elif system == "Darwin":
        bundle = {"macOS": {"files": beside(stage, "MacOS/", "Frameworks/")}, "resources": documents}
    else:
        # What is called a resource lies beside the program there. The C++ runtime, which not every computer has, comes along.
        resources = {source: place for place, source in beside(stage, "", "").items()} | documents
        bundle = {"resources": resources, "windows": {"bundleVCRuntime": True}}
    print(json.dumps({"bundle": bundle}, indent=2))


if __name__ == "__main__":
    main()
