#!/usr/bin/env python3
"""Is the adaptive policy ever slower than the target alone, or than llama-server? Every question of the suites, in parts.

    scripts/never-slower.py --ladder qwen-coder --out FOLDER SUITE.jsonl [SUITE.jsonl ...]
    scripts/never-slower.py --ladder qwen-coder --out FOLDER --limit 8 --peers "$(scripts/peers.sh)" SUITE.jsonl [SUITE.jsonl ...]
    scripts/never-slower.py --ladder smollm2 --out FOLDER --limit 2 --max-tokens 512 SUITE.jsonl

A full suite takes an hour or two on two cores, so it is asked in parts of at most four questions, no two of one category. What is
there already is not asked again: start it anew after a break and it goes on. With --lock FILE it holds that lock while it measures,
so that a build (`flock FILE cargo build ...`) and a measurement never run at once. It prints the tables of docs/measured.md.
"""

import argparse
import collections
import fcntl
import hashlib
import json
import math
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import time

# Two-sided 95% quantiles of Student's t for 1 to 30 degrees of freedom (any table of statistics).
T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101,
     2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042]
# Even: which of two ways goes first depends on the place, and each does so as often.
PART = 4
# Tokens from which on `taki bench` takes an answer for a long one, and asks again where it seems slower, however long answers may be.
LONG = 64
# An answer lies below this where it is surely slower.
SLOWER = 0.97


def parts(questions, limit):
    """Parts of at most PART questions, each of another category, in an order that any beginning of is a fair sample."""
    drawn = random.Random(7)
    categories = {}
    for question in questions:
        categories.setdefault(question["category"], []).append(question)
    for held in categories.values():
        drawn.shuffle(held)
        if limit is not None:
            del held[limit:]
    found = []
    while any(categories.values()):
        longest = sorted((held for held in categories.values() if held), key=len, reverse=True)[:PART]
        found.append([held.pop() for held in longest])
    drawn.shuffle(found)
    # No category always stands at the same place.
    for part in found:
        drawn.shuffle(part)
    return found


def interval(logs):
    """Mean of logarithms and half its 95% interval (Student's t), none for fewer than three: it would reach from nothing to anything."""
    mean = statistics.fmean(logs)
    if len(logs) < 3:
        return mean, None
    # Beyond the table the normal distribution's, and the first term of what it lacks.
    quantile = T[len(logs) - 2] if len(logs) - 1 <= len(T) else 1.96 + 2.4 / (len(logs) - 1)
    return mean, quantile * statistics.stdev(logs) / math.sqrt(len(logs))


def told(ratios):
    """The geometric mean of ratios, and its 95% interval in words."""
    mean, half = interval([math.log(ratio) for ratio in ratios])
    return math.exp(mean), "–" if half is None else f"{math.exp(mean - half):.3f} to {math.exp(mean + half):.3f}"


def trimmed(ratios):
    """The geometric mean of the middle 90% of ratios: an answer that was held up, in whichever way, moves the mean of all."""
    cut = len(ratios) // 20
    return math.exp(statistics.fmean(math.log(ratio) for ratio in sorted(ratios)[cut:len(ratios) - cut]))


def table(results):
    """Prints the table: every category and all of them; with the reading of the question, and by pace behind the first token.

    Of an answer that is longer or shorter than the target's own another stretch is measured: it has no say in the pace.
    """
    rows = []
    for result in results:
        # A category comes once in a part, so that a row is one question.
        tokens = {row["category"]: row["tokens"] for row in result["rows"] if row["config"] == "off"}
        for row in result["rows"]:
            if row["config"] == "adaptive" and row["category"] != "all":
                is_even = row["pace_to_off"] is not None and row["tokens"] == tokens[row["category"]]
                rows.append((row, row["pace_to_off"] if is_even else None))
    print("| category | questions | adaptive to off | 95% | median question | lowest | of equal length | by pace | 95% | median question | lowest "
          "| same answers |\n" + "|---" * 12 + "|")
    for category in [*dict.fromkeys(sorted(row["category"] for row, _ in rows)), "all"]:
        of = [(row, pace) for row, pace in rows if category in ("all", row["category"])]
        ratios, paces = [row["ratio_to_off"] for row, _ in of], [pace for _, pace in of if pace is not None]
        cells = []
        for some in (ratios, paces):
            mean, between = told(some) if some else (math.nan, "–")
            median, lowest = (statistics.median(some), min(some)) if some else (math.nan, math.nan)
            cells.append(f"{len(some)} | {mean:.3f} | {between} | {median:.3f} | {lowest:.3f}".replace("nan", "–"))
        same = statistics.fmean(row["same_as_off"] for row, _ in of)
        print(f"| {category} | {' | '.join(cells)} | {same:.0%} |")
    # Of all of them, as `of` is last.
    middle = f"The middle 90% of all questions: {trimmed(ratios):.3f} to off"
    print(f"\n{middle}, {trimmed(paces):.3f} by pace." if paces else f"\n{middle}.")
    print_control(results)
    again = [slow for result in results for slow in result["slower"] if slow["config"] == "adaptive"]
    print(f"\n{len(again)} long answers were below 0.985 at first and asked again:")
    for slow in sorted(again, key=lambda slow: slow["high"] or math.inf):
        then = "with no pair of answers" if slow["ratio"] is None else f"then {slow['ratio']:.3f}"
        between = "–" if slow["high"] is None else f"{slow['low']:.3f} to {slow['high']:.3f}"
        print(f"* {slow['category']}: {slow['at_first']:.3f}, {then} ({between})")
    surely = [slow for slow in again if slow["high"] is not None and slow["high"] < SLOWER]
    print(f"{len(surely)} of them lie below {SLOWER} with their whole interval.")
    halves = [math.log(slow["high"] / slow["low"]) / 2 for slow in again if slow["high"] is not None]
    if halves:
        # None there says little where no answer could have been there.
        half = statistics.median(halves)
        print(f"Half of these intervals reach further than {math.expm1(half):.1%} to either side: of such an answer only a mean below "
              f"{SLOWER * math.exp(-half):.3f} would lie there.")
    # A few pairs of one answer say little of it; those of all together say what such answers lose.
    each = [slow["ratio"] for slow in again if slow["ratio"] is not None]
    if each:
        mean, between = told(each)
        print(f"All of them: {mean:.3f} ({between}), the middle one {statistics.median(each):.3f}.")


def print_control(results):
    """Prints how long answers did, by whether anything was proposed for them.

    Where nothing was, both ways did the same work: how such pairs differ is the noise that all others have to be held against.
    """
    groups = {"all long answers": [], "nothing proposed: the same work": [], "something proposed": []}
    for result in results:
        # A category comes once in a part, so that a row is one question.
        rows = {(row["config"], row["category"]): row for row in result["rows"] if row["category"] != "all"}
        for (config, category), row in rows.items():
            off = rows["off", category]
            if config != "adaptive" or off["tokens"] < LONG:
                continue
            groups["all long answers"].append((row, off))
            # Older files do not say it. What a draft says in vain costs its passes, though nothing of it is proposed.
            if "proposed" in row:
                is_same = row["proposed"] == row["draft_passes"] == 0 and row["target_passes"] == off["target_passes"]
                groups["nothing proposed: the same work" if is_same else "something proposed"].append((row, off))
    print(f"\n| answers of {LONG} tokens and more | how many | to off | 95% | deviation of one | by pace | 95% | deviation of one |\n" + "|---" * 8 + "|")
    for name, of in groups.items():
        if not of:
            continue
        paces = [row["pace_to_off"] for row, off in of if row["pace_to_off"] is not None and row["tokens"] == off["tokens"]]
        cells = []
        for some in ([row["ratio_to_off"] for row, _ in of], paces):
            mean, between = told(some) if some else (math.nan, "–")
            deviation = statistics.stdev(math.log(ratio) for ratio in some) if len(some) > 1 else math.nan
            cells.append(f"{mean:.3f} | {between} | {deviation:.1%}".replace("nan%", "–").replace("nan", "–"))
        print(f"| {name} | {len(of)} | {' | '.join(cells)} |")


def worst(asked, all_parts, count, times):
    """Asks the long answers that came out slowest when they were asked again, each so many times in both ways, one process each.

    Every time with nothing learned: what the question itself taught, and what it lost, would help from its second time on, and no
    person's question has that.
    """
    slow = []
    for number, part in enumerate(all_parts):
        done = asked.out / f"part-{number:03}.json"
        if done.exists():
            found = json.loads(done.read_text().splitlines()[0])["slower"]
            slow += [(one["ratio"], part[one["question"] - 1]) for one in found if one["ratio"] is not None and one["config"] == "adaptive"]
    print(f"\nThe {count} slowest of these, {times} times in both ways, each time with nothing learned:")
    for before, question in sorted(slow, key=lambda one: one[0])[:count]:
        # By the question: which one comes in this place changes with what is measured later.
        name = hashlib.sha256(json.dumps(question).encode()).hexdigest()[:16]
        done = asked.out / f"worst-{times}-{name}.json"
        result = ask(asked, [question] * times, done, ["--repeats", "1", "--again", "0", "--configs", "adaptive", "--cold"])
        # A single row: of one category there are no rows of all categories together.
        for row in (row for row in result["rows"] if row["config"] == "adaptive"):
            between = "–" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
            print(f"* {question['category']}: before {before:.3f}, then {row['ratio_to_off']:.3f} ({between})", flush=True)


def ways(asked):
    """The options of `taki bench` that say in which ways it answers."""
    return ["--configs", asked.configs, *(["--peers", asked.peers] if asked.peers else [])]


def ask(asked, questions, done, options):
    """What comes of asking `questions` with these options of `taki bench`; it is kept in `done`, and not asked again if it is there."""
    if done.exists():
        return json.loads(done.read_text().splitlines()[0])
    suite = asked.out / "part.jsonl"
    suite.write_text("".join(json.dumps(question, ensure_ascii=False) + "\n" for question in questions))
    with open(asked.lock or os.devnull, "w") as lock:
        if asked.lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
        ran = subprocess.run(
            [asked.taki, "bench", "--ladder", asked.ladder, "--suite", suite, "--max-tokens", asked.max_tokens, *options,
             "--json"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if ran.returncode:
        sys.exit(f"{asked.taki} bench ended with {ran.returncode} before {done}")
    written = done.with_suffix(".new")
    written.write_bytes(ran.stdout)
    written.rename(done)
    time.sleep(1)  # so that a build that waits for the lock gets it
    return json.loads(ran.stdout.splitlines()[0])


def rivals(results):
    """Prints how every way did beside the target alone, and the adaptive policy beside each of the others, pair by pair."""
    pairs = {}  # of a way: (category, its row, the adaptive policy's row) of every question
    for result in results:
        # A category comes once in a part.
        rows = {(row["config"], row["category"]): row for row in result["rows"] if row["category"] != "all"}
        for (config, category), row in rows.items():
            # A way that failed in a question has no row of it.
            if ("adaptive", category) in rows:
                pairs.setdefault(config, []).append((category, row, rows["adaptive", category]))
    if set(pairs) <= {"off", "adaptive"}:
        return
    print("\n| way | to off | 95% | same answers | adaptive to it | 95% |\n|---|---|---|---|---|---|")
    for config, of in pairs.items():
        mean, between = told([row["ratio_to_off"] for _, row, _ in of])
        against, sure = told([ours["tokens_per_second"] / row["tokens_per_second"] for _, row, ours in of])
        same = statistics.fmean(row["same_as_off"] for _, row, _ in of)
        print(f"| {config} | {mean:.3f} | {between} | {same:.0%} | {against:.3f} | {sure} |")
    others = [config for config in pairs if config not in ("off", "adaptive")]
    print("\n| adaptive to | questions | " + " | ".join(others) + " |\n" + "|---" * (len(others) + 2) + "|")
    for category in dict.fromkeys(sorted(category for category, _, _ in pairs["off"])):
        cells = []
        for config in others:
            ratios = [ours["tokens_per_second"] / row["tokens_per_second"] for of, row, ours in pairs[config] if of == category]
            if not ratios:
                cells.append("–")
                continue
            mean, half = interval([math.log(ratio) for ratio in ratios])
            # Bold: surely behind, or surely ahead.
            sure = half is not None and abs(mean) > half
            cells.append(f"**{math.exp(mean):.3f}**" if sure else f"{math.exp(mean):.3f}")
        asked = sum(of == category for of, _, _ in pairs["off"])
        print(f"| {category} | {asked} | " + " | ".join(cells) + " |")


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("suites", nargs="+", type=pathlib.Path)
    asked.add_argument("--taki", default="taki")
    asked.add_argument("--ladder", required=True)
    asked.add_argument("--out", required=True, type=pathlib.Path)
    asked.add_argument("--lock", type=pathlib.Path)
    asked.add_argument("--max-tokens", default="64")
    asked.add_argument("--repeats", default="1")
    asked.add_argument("--again", default="8")
    asked.add_argument("--limit", type=int, help="at most so many questions of each category")
    asked.add_argument("--few", type=int, help="only categories of at most so many questions: ask these several times, with --repeats")
    asked.add_argument("--worst", type=int, default=0, help="at the end ask so many of those that came out slowest once more")
    asked.add_argument("--times", type=int, default=25, help="each of these so often")
    asked.add_argument("--configs", default="adaptive", help="as `taki bench` takes them; adaptive has to be one of them")
    asked.add_argument("--peers", type=pathlib.Path, help="a llama-server to measure in the same run")
    asked.add_argument("--minutes", type=float, default=math.inf, help="begin no further part after so many minutes")
    asked.add_argument("--skip", type=int, default=0, help="leave out so many parts at the beginning, as measured elsewhere")
    asked.add_argument("--table", action="store_true", help="only print what there is")
    asked = asked.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    questions = [json.loads(line) for suite in asked.suites for line in suite.read_text().splitlines() if line.strip()]
    if asked.few:
        held = collections.Counter(question["category"] for question in questions)
        questions = [question for question in questions if held[question["category"]] <= asked.few]
    all_parts = parts(questions, asked.limit)
    # What lies there already has to be of the same parts, program and settings.
    program = shutil.which(asked.taki)
    if not asked.table and program is None:
        sys.exit(f"There is no program {asked.taki}: name it with --taki")
    bytes_of = hashlib.sha256(pathlib.Path(program).read_bytes()).hexdigest() if program and not asked.table else ""
    settings = [asked.ladder, bytes_of, asked.max_tokens, asked.repeats, asked.again, [str(way) for way in ways(asked)]]
    drawn = hashlib.sha256(json.dumps([settings, all_parts]).encode()).hexdigest()
    note = asked.out / "parts.txt"
    if not asked.table and (note.read_text() if note.exists() else drawn) != drawn:
        sys.exit(f"{asked.out} has parts of other questions, ways or settings, of another ladder or program: name a new folder with --out")
    if not asked.table:
        note.write_text(drawn)
    began = time.monotonic()
    for number, part in enumerate(all_parts):
        done = asked.out / f"part-{number:03}.json"
        if asked.table or number < asked.skip or done.exists():
            continue
        if (time.monotonic() - began) / 60 > asked.minutes:
            break
        ask(asked, part, done, ["--repeats", asked.repeats, "--again", asked.again, *ways(asked)])
        print(f"part {number + 1} of {len(all_parts)}", file=sys.stderr, flush=True)
    results = [json.loads(file.read_text().splitlines()[0]) for file in sorted(asked.out.glob("part-*.json"))]
    if not results:
        sys.exit("nothing was measured yet")
    table(results)
    rivals(results)
    if asked.worst and not asked.table:
        worst(asked, all_parts, asked.worst, asked.times)


main()
