#!/usr/bin/env python3
"""Holds the memory that is foretold for ladders against what their engine has taken after an answer, as a table in Markdown.

    scripts/memory.py [--taki PROGRAM] LADDER:CONTEXT[:KV] ...     for example: scripts/memory.py smollm2:8192 qwen-coder:4096:q8_0
"""
import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--taki", default=str(Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "taki"))
    parser.add_argument("cases", nargs="+", metavar="LADDER:CONTEXT[:KV]")
    args = parser.parse_args()
    if wrong := [case for case in args.cases if not 2 <= len(case.split(":")) <= 3]:
        parser.error(f"not of the kind LADDER:CONTEXT[:KV]: {wrong[0]}")
    print("| ladder | context | foretold | used | off by |\n|---|---|---|---|---|")
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as suite:
        suite.write(json.dumps({"question_id": 1, "category": "one", "turns": ["Name three rivers."]}) + "\n")
        suite.flush()
        for case in args.cases:
            ladder, context, kv = (case.split(":") + ["f16"])[:3]
            bench = [args.taki, "bench", "--json", "--suite", suite.name, "--max-tokens", "4", "--repeats", "1"]
            done = subprocess.run([*bench, "--ladder", ladder, "--context", context, "--kv", kv], capture_output=True, text=True)
            if done.returncode != 0:
                raise SystemExit(f"{case}: {done.stderr or done.stdout}")
            told = json.loads(done.stdout)
            foretold, used = told["foretold_bytes"], told["worker_bytes"]
            note = "" if kv == "f16" else f", keys and values {kv}"
            print(f"| {ladder}{note} | {told['context']} | {foretold / 1e6:.0f} MB | {used / 1e6:.0f} MB | {100 * (foretold / used - 1):+.1f}% |", flush=True)


if __name__ == "__main__":
    main()
