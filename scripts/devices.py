#!/usr/bin/env python3
"""Whether a ladder on a second device answers like the processor: the same questions, the share of answers that are the same, and times.

    scripts/devices.py TAKI SUITE.jsonl [--ladder qwen-coder] [--limit 16] [--max-tokens 64] [--rpc] [--cascade]

With --rpc the second device is this computer itself, lent over llama.cpp's RPC on loopback; without, what `taki doctor` shows. Both in
fast mode and greedy, target alone unless the whole ladder is asked for with --cascade, so that only the device differs.
"""
import argparse, json, os, socket, subprocess, time

# All layers that there is room for: a device that would only slow this computer down is to be tried all the same, and is left out unless layers are asked for.
ALL = "999"

parser = argparse.ArgumentParser()
parser.add_argument("taki")
parser.add_argument("suite")
parser.add_argument("--ladder", default="qwen-coder")
parser.add_argument("--limit", type=int, default=16)
parser.add_argument("--max-tokens", type=int, default=64)
parser.add_argument("--rpc", action="store_true")
parser.add_argument("--cascade", action="store_true")
args = parser.parse_args()

with open(args.suite, encoding="utf-8") as lines:
    questions = [json.loads(line)["turns"][0] for line in lines if line.strip()]
# Spread over the whole suite, which has its categories one after the other.
questions = questions[:: max(1, len(questions) // args.limit)][: args.limit]
environment = dict(os.environ, LC_ALL="C.UTF-8")
lent = None
if args.rpc:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lent = subprocess.Popen([args.taki, "rpc-server", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    environment["TAKI_WORKERS"] = f"127.0.0.1:{port}"
    for _ in range(600):
        with socket.socket() as there:
            if there.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)


def answer(question, *more):
    command = [args.taki, "chat", "--once", question, "--json", "--ladder", args.ladder, "--max-tokens", str(args.max_tokens), *more]
    if not args.cascade:
        command.append("--no-cascade")
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    told = json.loads(done.stdout.strip().splitlines()[-1])
    return told, ": on " in done.stderr or " layers on " in done.stderr


same, characters, seconds = 0, [], [0.0, 0.0]
try:
    for at, question in enumerate(questions):
        device, used = answer(question, "--gpu-layers", ALL)
        if not used:
            raise SystemExit("There is no second device, or nothing fits on it: see `taki doctor`.")
        processor, _ = answer(question, "--gpu-layers", "0")
        one, other = device["answer"], processor["answer"]
        same += one == other
        characters.append(len(os.path.commonprefix([one, other])) / max(len(one), len(other), 1))
        for place, told in enumerate((device, processor)):
            seconds[place] += told["receipt"]["seconds"]
        print(f"{at + 1:>3}/{len(questions)}: {'the same' if one == other else f'the same for {100 * characters[-1]:.0f}%'}", flush=True)
finally:
    if lent:
        lent.terminate()
characters.sort()
print(f"{same} of {len(questions)} answers the same; of the text, up to the first difference, {100 * characters[len(characters) // 2]:.0f}% at the median;"
      f" {seconds[0]:.1f} s on the device, {seconds[1]:.1f} s on the processor")
