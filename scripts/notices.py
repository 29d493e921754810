#!/usr/bin/env python3
"""Writes THIRD_PARTY_NOTICES.md: what ships with Taki and under which licence. --check fails if it is out of date.

--texts FILE writes the licences themselves, each once, with the names of those that are under it: packages bring them along."""
import collections
import json
import pathlib
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE = ROOT / "THIRD_PARTY_NOTICES.md"


def shipped():
    """Every crate that ends up in a program, for any platform; build and test helpers do not ship."""
    text = subprocess.run(["cargo", "metadata", "--format-version", "1", "--locked"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    meta = json.loads(text)
    packages = {package["id"]: package for package in meta["packages"]}
    nodes = {node["id"]: node for node in meta["resolve"]["nodes"]}
    todo, seen = list(meta["workspace_members"]), set()
    while todo:
        this = todo.pop()
        if this in seen:
            continue
        seen.add(this)
        todo += [dep["pkg"] for dep in nodes[this]["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]
    return [package for package in map(packages.get, seen) if package["source"]]


def crates():
    return sorted({(p["name"], p["version"], p["license"] or "see its repository", p["repository"] or "") for p in shipped()})


def npm():
    lock = json.loads((ROOT / "ui/package-lock.json").read_text())
    # Svelte is a build tool whose runtime is compiled in.
    wanted = lambda path, package: path and (not package.get("dev") or path == "node_modules/svelte")
    return sorted((path.removeprefix("node_modules/"), package["version"], package.get("license", "")) for path, package in lock["packages"].items() if wanted(path, package))


def models():
    catalog = tomllib.loads((ROOT / "models/catalog.toml").read_text())
    return [(model["name"], model["licence"]["spdx"], model["licence"]["url"]) for model in catalog["model"]]


def text():
    lines = ["# Third-party notices", "", "Written by `make notices`. Taki itself is under the Apache License 2.0 (see LICENSE).", ""]
    lines += ["## Models (downloaded, never shipped)", "", "| model | licence | source |", "|---|---|---|"]
    lines += [f"| {name} | {licence} | {url} |" for name, licence, url in models()]
    lines += ["", "## C and C++ in the engine", "", "| library | licence | source |", "|---|---|---|"]
    lines += ["| llama.cpp and ggml | MIT | https://github.com/ggml-org/llama.cpp |", "| SQLite | public domain | https://sqlite.org |"]
    lines += ["| Vulkan-Headers with Vulkan-Hpp (in `libggml-vulkan.so`) | Apache-2.0 OR MIT | https://github.com/KhronosGroup/Vulkan-Headers |"]
    lines += ["| SPIRV-Headers (in `libggml-vulkan.so`) | MIT | https://github.com/KhronosGroup/SPIRV-Headers |"]
    lines += ["", "## Data inside Rust crates", "", "| data | licence | source |", "|---|---|---|"]
    lines += ["| CMap resources of Adobe (hayro-cmap) | BSD-3-Clause | https://github.com/adobe-type-tools/cmap-resources |"]
    lines += ["| Foxit fonts of PDFium (hayro-font) | BSD-3-Clause | https://pdfium.googlesource.com/pdfium |"]
    lines += ["", "## npm packages", "", "| package | version | licence |", "|---|---|---|"]
    lines += [f"| {name} | {version} | {licence} |" for name, version, licence in npm()]
    lines += ["", "## Rust crates", "", "| crate | version | licence | source |", "|---|---|---|---|"]
    lines += [f"| {name} | {version} | {licence} | {repository} |" for name, version, licence, repository in crates()]
    return "\n".join(lines) + "\n"


def texts():
    """Texts of licences as they lie beside what is shipped."""
    folders = [(f"{p['name']} {p['version']}", pathlib.Path(p["manifest_path"]).parent) for p in shipped()]
    engine = next(folder for name, folder in folders if name.startswith("llama-cpp-sys-2 "))
    folders += [("llama.cpp and ggml", engine / "llama.cpp")]
    folders += [(f"{name} {version}", ROOT / "ui/node_modules" / name) for name, version, _ in npm()]
    found = collections.defaultdict(set)
    for name, folder in folders:
        files = [path for path in folder.glob("*") if path.is_file() and path.name.upper().startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT", "UNLICENSE"))]
        for path in files:
            found[path.read_text(errors="replace").strip()].add(name)
    parts = sorted((sorted(names), licence) for licence, names in found.items())
    return "\n\n".join(f"{'=' * 80}\n{', '.join(names)}\n{'=' * 80}\n\n{licence}" for names, licence in parts) + "\n"


if __name__ == "__main__":
    if "--texts" in sys.argv:
        pathlib.Path(sys.argv[sys.argv.index("--texts") + 1]).write_text(texts())
        sys.exit()
    fresh = text()
    if "--check" not in sys.argv:
        FILE.write_text(fresh)
    elif not FILE.exists() or FILE.read_text() != fresh:
        sys.exit("THIRD_PARTY_NOTICES.md is out of date: run `make notices`.")
