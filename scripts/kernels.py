#!/usr/bin/env python3
"""How threads, their pool, their spinning, flash attention, repacked weights and the type of keys and values change the time of
passes on this computer: llama.cpp's own llama-bench in every way, in turn, median of several rounds; docs/kernels.md has a run.

    scripts/kernels.py MODEL.gguf... [--rounds 3] [--depth 0,2048] [--busy] [--only WORD]

--busy: beside another program that keeps one core busy. --only: Taki's way and those with WORD in their names. Passes: 128 tokens of a prompt, a review of 4, 16 single tokens.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

SCRIPTS = Path(__file__).parent
# As Taki starts its worker: huge pages where the system gives them to those who ask, weights read and not mapped.
HUGE = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
PASSES = {"128": "prompt", "4": "review of 4", "0": "single token"}
CORES = os.cpu_count() or 1


def ways(flash_only):
    """Name, build, environment, options."""
    yield "OpenMP, spin as it comes, weights read into huge pages (Taki)", "", {}, []
    if not flash_only:
        yield "weights read into ordinary pages", "", {"GLIBC_TUNABLES": ""}, []
        yield "weights mapped, huge pages for what is repacked", "", {}, ["-lm", "mmap"]
        yield "weights mapped, ordinary pages (llama.cpp's defaults)", "", {"GLIBC_TUNABLES": ""}, ["-lm", "mmap"]
        yield "OpenMP, spin 10000", "", {"GOMP_SPINCOUNT": "10000"}, []
        yield "OpenMP, no spin", "", {"OMP_WAIT_POLICY": "passive"}, []
        yield "OpenMP, always spin", "", {"OMP_WAIT_POLICY": "active"}, []
        yield "own pool, poll 50 (its default)", "own-pool", {}, ["--poll", "50"]
        yield "own pool, poll 0", "own-pool", {}, ["--poll", "0"]
        if CORES > 1:
            yield f"{CORES - 1} of {CORES} threads", "", {}, ["-t", str(CORES - 1)]
        yield "no repacked weights", "", {}, ["--repack", "0"]
        yield "no llamafile kernels", "no-llamafile", {}, []
    yield "flash attention off", "", {}, ["-fa", "0"]
    yield "no llamafile, no flash attention (exact)", "no-llamafile", {}, ["-fa", "0"]
    yield "keys and values q8_0", "", {}, ["-ctk", "q8_0", "-ctv", "q8_0"]
    yield "keys and values q4_0", "", {}, ["-ctk", "q4_0", "-ctv", "q4_0"]


def build(variant):
    settings = {"": [], "own-pool": ["own-pool", "-DGGML_OPENMP=OFF"], "no-llamafile": ["no-llamafile", "-DGGML_LLAMAFILE=OFF"]}
    found = subprocess.run([SCRIPTS / "peers.sh", "llama-bench", *settings[variant]], check=True, stdout=subprocess.PIPE, text=True)
    return found.stdout.strip()


def measure(program, environment, options, model, depth):
    """Milliseconds of each kind of pass."""
    command = [program, "-m", model, "-p", "128,4", "-n", "16", "-d", depth, "-r", "2", "-o", "jsonl"]
    command += options if "-t" in options else [*options, "-t", str(CORES)]
    command += [] if "-fa" in options else ["-fa", "1"]
    command += [] if "-lm" in options else ["-lm", "none"]
    ran = subprocess.run(command, env={**os.environ, **HUGE, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if ran.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {ran.returncode}:\n{ran.stderr[-800:]}")
    times = {}
    for line in ran.stdout.splitlines():
        row = json.loads(line)
        # Of the two samples the faster: everything else on the computer only ever slows a pass.
        tokens = row["n_gen"] or 1
        times[str(row["n_prompt"])] = min(row["samples_ns"]) / tokens / 1e6
    return times


def rounds(chosen, programs, model, depth, args):
    """For each way its times, round by round; each way is first in turn."""
    all_times = [[] for _ in chosen]
    for turn in range(args.rounds):
        for place in range(len(chosen)):
            which = (place + turn) % len(chosen)
            _, variant, environment, options = chosen[which]
            busy = subprocess.Popen(["sh", "-c", "while :; do :; done"]) if args.busy else None
            try:
                all_times[which].append(measure(programs[variant], environment, options, model, depth))
            finally:
                if busy:
                    busy.kill()
                    busy.wait()
        print(f"{Path(model).name[:12]}, {depth} held: round {turn + 1} of {args.rounds}", file=sys.stderr)
    return all_times


def show(chosen, all_times, head):
    print(f"\n{head} (ms, ratio to the first)\n")
    print("| way | " + " | ".join(PASSES.values()) + " |")
    print("|---|" + "---|" * len(PASSES))
    middles = [{kind: statistics.median(each[kind] for each in times) for kind in PASSES} for times in all_times]
    for (name, *_), middle in zip(chosen, middles):
        cells = [f"{middle[kind]:.1f} ({middle[kind] / middles[0][kind]:.2f})" for kind in PASSES]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--depth", default="0", help="tokens held before each pass, several with commas")
    parser.add_argument("--busy", action="store_true")
    parser.add_argument("--only", default="", metavar="WORD")
    args = parser.parse_args()
    for model in args.models:
        for depth in args.depth.split(","):
            # Threads have nothing to do with how much is held.
            every = list(ways(flash_only=depth != "0"))
            chosen = every[:1] + [way for way in every[1:] if args.only in way[0]]
            programs = {variant: build(variant) for variant in {way[1] for way in chosen}}
            head = f"{Path(model).name[:12]}, {depth} tokens held{', one core busy' if args.busy else ''}"
            show(chosen, rounds(chosen, programs, model, depth, args), head)


main()
