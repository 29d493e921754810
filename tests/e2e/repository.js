// A model repository on loopback, in the form of the real one: facts of a file, and the file by ranges, at the speed of a slow line.
import { createHash } from "node:crypto";
import fs from "node:fs";
import http from "node:http";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";

/** Bytes that are sent at a time. */
const PIECE = 256 * 1024;

/**
 * Serves the file at `path` under every name, or of several the one that is whose key stands in the address, and under names with `longer` in them the same with some zeros behind it. `line.rate` is how many
 * bytes a second come through all connections together; it may be changed at any time.
 */
export async function repository(path, line, longer = "/longer/") {
  const files = typeof path === "string" ? { "": path } : path;
  const file = (contents) => ({ contents, size: contents.length, hash: createHash("sha256").update(contents).digest("hex") });
  const plain = Object.entries(files).map(([name, path]) => [name, file(fs.readFileSync(path))]);
  const padded = file(Buffer.concat([plain[0][1].contents, Buffer.alloc(32)]));
  const seen = [];
  let free = 0;
  /** When the next piece may go: one line for all connections. */
  const turn = (bytes) => {
    const now = Date.now();
    free = Math.max(free, now) + (1000 * bytes) / line.rate;
    return new Promise((resolve) => setTimeout(resolve, free - now));
  };
  const server = http.createServer(async (request, response) => {
    seen.push({ method: request.method, path: request.url, range: request.headers.range });
    const { contents, size, hash } = request.url.includes(longer) ? padded : plain.find(([name]) => request.url.includes(name))[1];
    response.on("error", () => undefined);
    if (request.method === "HEAD") {
      response.writeHead(200, { "X-Repo-Commit": COMMIT, "X-Linked-Etag": `"${hash}"`, "X-Linked-Size": size });
      return response.end();
    }
    const [, from = "0", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const [first, last] = [Number(from), to === "" ? size - 1 : Number(to)];
    const headers = { "Content-Length": last - first + 1, ETag: `"${hash}"`, "Accept-Ranges": "bytes" };
    response.writeHead(request.headers.range ? 206 : 200, request.headers.range ? { ...headers, "Content-Range": `bytes ${first}-${last}/${size}` } : headers);
    for (let at = first; at <= last && !response.destroyed; at += PIECE) {
      const piece = contents.subarray(at, Math.min(at + PIECE, last + 1));
      await turn(piece.length);
      response.write(piece);
    }
    response.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { endpoint: `http://127.0.0.1:${server.address().port}`, seen, size: plain[0][1].size, close };
}
