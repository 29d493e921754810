#!/usr/bin/env python3
"""Kills a download again and again (SIGKILL) and requires that nothing wrong ever stands where whole model files stand.

    scripts/fetch-kills.py [--taki PROGRAM] [--kills 50] [--seed 1] [--megabytes 48]
    scripts/fetch-kills.py --name smollm2 --files FOLDER     (real files, called as in models/catalog.toml)

Serves files over loopback HTTP in the form of a Hugging Face repository (HEAD tells revision, hash and size; GET gives ranges) at a limited
speed, and runs `taki models fetch NAME` with a folder of its own (TAKI_HOME), TAKI_SOURCE=huggingface and HF_ENDPOINT at that server. Without
--name the files are random bytes and the ladder is a recipe of them. Each run is killed at a moment drawn from the seed. After every kill each
file in the store must have the hash that it is named by. Between kills one byte of the staged part is flipped, and one of a finished file: both
must be noticed, set aside and made good. At the end the download must complete, and `taki models verify` must find every file whole.
"""
import argparse
import hashlib
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMIT = "0123456789abcdef0123456789abcdef01234567"
BITE = 64 * 1024
# Longest that one `taki` may take when nobody kills it, in seconds.
PATIENCE = 300


class Line:
    """A line of limited speed that all connections share."""

    def __init__(self):
        self.speed = float("inf")
        self.free = 0.0
        self.lock = threading.Lock()

    def wait(self, count):
        with self.lock:
            now = time.monotonic()
            self.free = max(self.free, now) + count / self.speed
            pause = self.free - now
        if pause > 0:
            time.sleep(pause)


def repository(files, line):
    """The server of `files`, by name."""
    tags = {name: hashlib.sha256(contents).hexdigest() for name, contents in files.items()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def do_HEAD(self):
            self.answer(body=False)

        def do_GET(self):
            self.answer(body=True)

        def answer(self, body):
            name = self.path.rsplit("/", 1)[-1]
            contents = files.get(name)
            if contents is None or "/resolve/" not in self.path:
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            tag = f'"{tags[name]}"'
            start, end = 0, len(contents)
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if asked and self.headers.get("If-Range", tag) == tag:
                start = int(asked[1])
                end = min(int(asked[2]) + 1, end) if asked[2] else end
                self.send_response(206 if start < len(contents) else 416)
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(contents)}")
            else:
                self.send_response(200)
            for header, value in {
                "Content-Length": max(0, end - start),
                "Accept-Ranges": "bytes",
                "ETag": tag,
                "X-Repo-Commit": COMMIT,
                "X-Linked-Etag": tag,
                "X-Linked-Size": len(contents),
            }.items():
                self.send_header(header, str(value))
            self.end_headers()
            try:
                while body and start < end:
                    bite = contents[start : min(start + BITE, end)]
                    line.wait(len(bite))
                    self.wfile.write(bite)
                    start += len(bite)
            except OSError:
                # The client was killed.
                self.close_connection = True

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            # A client that was killed resets its connections.
            pass

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def recipe(files):
    """A ladder of the files, the largest first."""
    lines = ['taki_recipe = 1', 'id = "kills"', 'name = "Kills"', f'rungs = {[f"m{n}" for n in range(len(files))]}'.replace("'", '"')]
    for number, (name, contents) in enumerate(files.items()):
        lines += ["[[model]]", f'id = "m{number}"', f'name = "M{number}"', f'file = "{name}"', f"bytes = {len(contents)}"]
        lines += [f'sha256 = "{hashlib.sha256(contents).hexdigest()}"', "[[model.source]]", 'kind = "hugging_face"']
        lines += ['repository = "maker/kills"', f'revision = "{COMMIT}"']
    return "\n".join(lines) + "\n"


class Bench:
    def __init__(self, args, home, endpoint, line):
        self.args, self.home, self.line = args, home, line
        self.models = home / "models"
        self.damaged = 0
        self.env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        self.env |= {"TAKI_HOME": str(home), "TAKI_SOURCE": "huggingface", "HF_ENDPOINT": endpoint}
        self.env.pop("TAKI_MODELS", None)
        self.env.pop("HF_TOKEN", None)

    def run(self, *command, kill_after=None):
        """Exit status, None if it was killed; and what it said."""
        process = subprocess.Popen([self.args.taki, *command], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            said, _ = process.communicate(timeout=PATIENCE if kill_after is None else kill_after)
            return process.returncode, said
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            if kill_after is None:
                sys.exit(f"`taki {' '.join(command)}` did not end within {PATIENCE} s:\n{said}")
            return None, said

    def fetch(self, **more):
        return self.run("models", "fetch", self.args.name, **more)

    def files(self):
        return sorted(self.models.glob("*.gguf"))

    def parts(self):
        return [part for part in (self.models / "staging").glob("*.part") if part.stat().st_size > 0]

    def require_whole(self, when):
        for path in self.files():
            found = hashlib.sha256(path.read_bytes()).hexdigest()
            if found != path.stem:
                sys.exit(f"{when}: {path.name} has the hash {found}")

    def must(self, *command):
        status, said = self.run(*command)
        if status != 0:
            sys.exit(f"`taki {' '.join(command)}` failed ({status}):\n{said}")
        return said

    def forget(self):
        """Back to the beginning, but for the ladder."""
        for folder in (self.models, self.models / "staging", self.models / "verified", self.models / "quarantine"):
            for path in folder.glob("*"):
                if path.is_file():
                    path.unlink()


def flip(path, chance):
    """Changes one byte of a file, somewhere."""
    with path.open("r+b") as file:
        at = chance.randrange(path.stat().st_size)
        file.seek(at)
        byte = file.read(1)[0] ^ (1 << chance.randrange(8))
        file.seek(at)
        file.write(bytes([byte]))
    return at


def main():
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--taki", default=f"{target}/release/taki", help="the program")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--megabytes", type=int, default=48, help="size of the larger of two random files")
    parser.add_argument("--name", help="a ladder or model of the catalogue")
    parser.add_argument("--files", type=Path, help="folder with its files")
    args = parser.parse_args()
    if bool(args.name) != bool(args.files):
        parser.error("--name and --files go together")
    chance = random.Random(args.seed)
    if args.files:
        files = {path.name: path.read_bytes() for path in sorted(args.files.glob("*.gguf"))}
    else:
        files = {"large.gguf": chance.randbytes(args.megabytes << 20), "small.gguf": chance.randbytes((args.megabytes << 20) // 6)}
    line = Line()
    endpoint = repository(files, line)
    with tempfile.TemporaryDirectory(prefix="taki-kills-") as home:
        bench = Bench(args, Path(home), endpoint, line)
        if not args.name:
            args.name = "kills"
            ladders = bench.home / "data" / "ladders"
            ladders.mkdir(parents=True)
            (ladders / "ladder-kills.toml").write_text(recipe(files))
        torture(bench, chance, sum(map(len, files.values())))


def torture(bench, chance, total):
    # How long the program takes for nothing, and for all of it at full speed.
    began = time.monotonic()
    bench.must("models", "list")
    start = time.monotonic() - began
    began = time.monotonic()
    bench.must("models", "fetch", bench.args.name)
    whole = time.monotonic() - began
    bench.require_whole("after an undisturbed run")
    bench.forget()

    kills, completed, flipped, partial = 0, 0, 0, 0
    while kills < bench.args.kills:
        # Slow enough to be met on the way, or so fast that the end is: the hash, the rename.
        if chance.random() < 0.6:
            bench.line.speed = total / (whole + 3.0)
            moment = start * chance.uniform(0.3, 1.0) + chance.uniform(0.0, 1.2)
        else:
            bench.line.speed = float("inf")
            moment = chance.uniform(0.2 * start, 1.1 * whole)
        status, said = bench.fetch(kill_after=moment)
        bench.require_whole(f"after kill {kills + 1}")
        if status is None:
            kills += 1
            partial += bool(bench.parts())
            if bench.parts() and kills % 10 == 0:
                flipped += damaged_part(bench, chance)
        elif status == 0:
            completed += 1
            bench.must("models", "verify", bench.args.name)
            if completed % 3 == 1:
                damaged_file(bench, chance)
            bench.forget()
        else:
            sys.exit(f"a run that was not killed failed ({status}):\n{said}")

    bench.line.speed = float("inf")
    bench.must("models", "fetch", bench.args.name)
    bench.must("models", "verify", bench.args.name)
    bench.require_whole("at the end")
    damaged_file(bench, chance)
    if bench.parts():
        sys.exit(f"something is left over: {bench.parts()}")
    said = f"{kills} kills ({partial} left an unfinished file), {completed + 1} complete downloads, {flipped} damaged parts and {bench.damaged} damaged files noticed"
    print(f"{said}: nothing wrong was ever taken for whole.")


def damaged_part(bench, chance):
    """One byte of what an interrupted run left behind changes: that is said, and the file is fetched anew."""
    part = chance.choice(bench.parts())
    at = flip(part, chance)
    bench.line.speed = float("inf")
    said = bench.must("models", "fetch", bench.args.name)
    bench.require_whole("after a damaged part")
    # What was set aside is deleted once a whole file has come in.
    if "was damaged: all of it is fetched once more" not in said:
        sys.exit(f"nobody noticed that byte {at} of {part.name} was changed:\n{said}")
    bench.must("models", "verify", bench.args.name)
    bench.forget()
    return 1


def damaged_file(bench, chance):
    """One byte of a finished file changes: `verify` says so and sets it aside, and `fetch` makes it good."""
    path = chance.choice(bench.files())
    at = flip(path, chance)
    status, said = bench.run("models", "verify", bench.args.name)
    if status == 0 or path.exists():
        sys.exit(f"nobody noticed that byte {at} of {path.name} was changed:\n{said}")
    bench.line.speed = float("inf")
    bench.must("models", "fetch", bench.args.name)
    bench.must("models", "verify", bench.args.name)
    bench.require_whole("after a damaged file")
    bench.damaged += 1


if __name__ == "__main__":
    main()
