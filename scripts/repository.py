#!/usr/bin/env python3
"""Gives out model files as Hugging Face does, to this computer alone, for trying a first download where there is no network.

    scripts/repository.py MODELS

MODELS is a folder of files as Taki keeps them. Prints the port, then serves until it is ended.
"""
import http.server
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def offered(models):
    """Of each file of the catalogue that is here, by its name, where it is and its hash."""
    text = (ROOT / "models/catalog.toml").read_text(encoding="utf-8")
    found = re.findall(r'^file = "([^"]+)"\nbytes = [\d_]+\nsha256 = "([0-9a-f]{64})"', text, re.MULTILINE)
    return {name: (models / f"{sha256}.gguf", sha256) for name, sha256 in found if (models / f"{sha256}.gguf").is_file()}


class Repository(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    files = {}

    def log_message(self, *_):
        pass

    def head(self):
        """Tells of the file that was asked for; what of it is wanted, or None."""
        path, sha256 = self.files.get(self.path.rsplit("/", 1)[-1], (None, None))
        if path is None or "/resolve/" not in self.path:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        size = path.stat().st_size
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first, last = (int(asked[1]), int(asked[2] or size - 1)) if asked else (0, size - 1)
        last = min(last, size - 1)
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{sha256}"')
        self.send_header("X-Repo-Commit", self.path.split("/resolve/", 1)[1].split("/", 1)[0])
        self.send_header("X-Linked-ETag", f'"{sha256}"')
        self.send_header("X-Linked-Size", str(size))
        self.end_headers()
        return path, first, last

    def do_HEAD(self):
        self.head()

    def do_GET(self):
        wanted = self.head()
        if wanted is None:
            return
        path, first, last = wanted
        left = last - first + 1
        with path.open("rb") as file:
            file.seek(first)
            while left > 0:
                piece = file.read(min(left, 1 << 20))
                self.wfile.write(piece)
                left -= len(piece)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    Repository.files = offered(pathlib.Path(sys.argv[1]))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Repository)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
