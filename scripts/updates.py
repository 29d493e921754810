#!/usr/bin/env python3
"""Writes latest.json, the list that Taki looks for updates in, beside the signed packages of a FOLDER.

    scripts/updates.py FOLDER VERSION [NOTES]

NOTES is a text file that says what is new. Packages of other systems that the list names with the same VERSION stay in it.
"""
import base64
import binascii
import datetime
import json
import pathlib
import sys

# What the end of a package's name says: what installs it, and on which system.
KINDS = {".deb": ("linux", "deb"), ".rpm": ("linux", "rpm"), ".AppImage": ("linux", "appimage"), "-setup.exe": ("windows", "nsis"), ".msi": ("windows", "msi")}
PROCESSORS = {"amd64": "x86_64", "x86_64": "x86_64", "x64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}


def target(name):
    """What the list calls a package, as in `linux-x86_64-deb`; None if it is none that Taki can install."""
    if name.endswith(".msi") and "en-US" not in name:
        return None  # one for all languages
    for ending, (system, kind) in KINDS.items():
        if name.endswith(ending):
            processors = {of for word, of in PROCESSORS.items() if word in name}
            if len(processors) != 1:
                sys.exit(f"For which processor is {name}? Its name has to say that.")
            return f"{system}-{processors.pop()}-{kind}"


def signed_version(signature):
    """The version that a signature names, which is signed with the package; None if it names none."""
    try:
        lines = base64.b64decode(signature, validate=True).decode().splitlines()
    except (binascii.Error, UnicodeDecodeError):
        return None
    trusted = [line.removeprefix("trusted comment: ").split("\t") for line in lines if line.startswith("trusted comment: ")]
    return next((part.removeprefix("version:") for parts in trusted for part in parts if part.startswith("version:")), None)


def packages(folder, version):
    """The signed packages of this version: what the list has of them."""
    found = {}
    for signature in sorted(folder.glob("*.sig")):
        name = signature.name.removesuffix(".sig")
        text = signature.read_text(encoding="utf-8").strip()
        if signed_version(text) != version or not (folder / name).is_file():
            continue
        called = target(name)
        if called:
            found[called] = {"url": name, "signature": text}
    return found


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__.strip())
    folder, version = pathlib.Path(sys.argv[1]), sys.argv[2]
    notes = pathlib.Path(sys.argv[3]).read_text(encoding="utf-8").strip() if len(sys.argv) == 4 else ""
    path = folder / "latest.json"
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    same = before if before.get("version") == version else {}
    all_of_it = same.get("platforms", {}) | packages(folder, version)
    if not all_of_it:
        sys.exit(f"There are no signed packages of version {version} in {folder}.")
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    told = {"version": version, "notes": notes or same.get("notes", ""), "pub_date": now, "platforms": all_of_it}
    # Whoever reads it meanwhile finds the one or the other.
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    fresh.replace(path)
    print(f"{path}: version {version} for {', '.join(sorted(all_of_it))}")


if __name__ == "__main__":
    main()
