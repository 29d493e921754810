#!/usr/bin/env python3
"""Are answers the same with the cascade off and on, with every drafter at work?

    scripts/prove.py --ladder smollm2 --out FOLDER SUITE.jsonl [SUITE.jsonl ...]

`taki prove` drafts from earlier chats and a table where there are some, and a home that is made for measuring has neither. So this makes
one in FOLDER: some of the questions, answered by the ladder itself, are imported as chats, and a table is counted from the questions and
these answers. Then all questions are proved, greedily and with temperature, with the ladder's matrix (which always drafts) and with the
adaptive policy (which drafts where that pays). What is there already is not asked again. Beside it a few questions are proved in a home
without chats and table: how much more is drafted with them shows that they had a say.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

DRAWN = {"greedy": [], "temperature 0.8": ["--temperature", "0.8", "--seed", "11"]}


def home(place, models):
    """A home of its own, with the models of another one: tables lie beside them."""
    (place / "models").mkdir(parents=True, exist_ok=True)
    for model in models.glob("*.gguf"):
        own = place / "models" / model.name
        # Named by what is in them; all else is somebody's own.
        if own.exists() or not re.fullmatch(r"[0-9a-f]{64}", model.stem):
            continue
        try:
            own.hardlink_to(model)
        except OSError:
            shutil.copyfile(model, own)
    return place


def taki(asked, place, *args):
    """The JSON that a command prints, and whether it went well. Where answers differ the proof stands before the problem."""
    environment = {**os.environ, "TAKI_HOME": str(place), "TAKI_MODELS": str(place / "models")}
    ran = subprocess.run([asked.taki, *args, "--json"], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    if not lines or "error" in lines[0]:
        sys.exit(f"taki {' '.join(args)[:200]}\n{ran.stderr[-2000:]}{ran.stdout[-2000:]}")
    return lines[0]


def furnish(asked, place, questions):
    """Chats and a table."""
    done = place / "furnished.json"
    if done.exists():
        return json.loads(done.read_text())
    # From all over the suites.
    step = max(1, len(questions) // asked.chats)
    chats = []
    for question in questions[::step][:asked.chats]:
        said = taki(asked, place, "chat", f"--once={question}", "--ladder", asked.ladder, "--max-tokens", asked.max_tokens, "--temperature", "0")
        chats.append((question, said["answer"]))
        print(f"chat {len(chats)}", file=sys.stderr, flush=True)
    conversations = [
        {"title": f"{at}", "at_ms": at, "chosen": 0, "messages": [
            {"speaker": "user", "text": question, "at_ms": at, "chosen": 1},
            {"speaker": "assistant", "text": answer, "at_ms": at, "parent": 0}]}
        for at, (question, answer) in enumerate(chats, 1)]
    exported = place / "chats.json"
    exported.write_text(json.dumps({"taki_conversations": 1, "conversations": conversations}))
    imported = taki(asked, place, "chats", "import", str(exported))
    text = place / "table.txt"
    text.write_text("\n\n".join([*questions, *(answer for _, answer in chats)]))
    # Several times over: only what comes again is kept.
    table = taki(asked, place, "table", "build", "--ladder", asked.ladder, *[str(text)] * 4)
    furnished = {**imported, **table}
    done.write_text(json.dumps(furnished))
    return furnished


def prove(asked, place, name, suite, *options):
    """A proof, as it lies in the folder or made now."""
    done = asked.out / f"{name.replace(' ', '-')}.json"
    if not done.exists():
        proof = taki(asked, place, "prove", "--ladder", asked.ladder, "--suite", str(suite), "--max-tokens", asked.max_tokens, *options)
        if proof["prompts"] + proof["too_long"] < sum(1 for _ in suite.open()):
            sys.exit(f"{name} ended early")
        done.write_text(json.dumps(proof))
        print(name, file=sys.stderr, flush=True)
    return json.loads(done.read_text())


def main():
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("suites", nargs="+", type=pathlib.Path)
    asked.add_argument("--taki", default="taki")
    asked.add_argument("--ladder", required=True)
    asked.add_argument("--out", required=True, type=pathlib.Path)
    asked.add_argument("--models", type=pathlib.Path, default=os.environ.get("TAKI_MODELS", pathlib.Path.home() / ".local/share/taki/models"),
                       help="where the models are; the ones used are linked or copied")
    asked.add_argument("--max-tokens", default="48")
    asked.add_argument("--limit", type=int, help="only so many questions, from all over the suites")
    asked.add_argument("--chats", type=int, default=10, help="so many questions with their answers are earlier chats")
    asked.add_argument("--beside", type=int, default=20, help="so many questions are proved without chats and table, too")
    asked = asked.parse_args()
    asked.out = asked.out.resolve()
    asked.out.mkdir(parents=True, exist_ok=True)
    lines = [line for suite in asked.suites for line in suite.read_text().splitlines() if line.strip()]
    if asked.limit:
        lines = lines[::max(1, len(lines) // asked.limit)][:asked.limit]
    program = shutil.which(asked.taki)
    if program is None:
        sys.exit(f"There is no program {asked.taki}: name it with --taki")
    # What lies there already has to be of the same questions, program and settings.
    settings = [hashlib.sha256(pathlib.Path(program).read_bytes()).hexdigest(), asked.ladder, asked.max_tokens, asked.chats, asked.beside, lines]
    drawn = hashlib.sha256(json.dumps(settings).encode()).hexdigest()
    note = asked.out / "proofs.txt"
    if (note.read_text() if note.exists() else drawn) != drawn:
        sys.exit(f"{asked.out} has proofs of other questions or settings, of another ladder or program: name a new folder with --out")
    note.write_text(drawn)
    suite, few = asked.out / "suite.jsonl", asked.out / "few.jsonl"
    suite.write_text("\n".join(lines) + "\n")
    few.write_text("\n".join(lines[::max(1, len(lines) // asked.beside)][:asked.beside]) + "\n")
    furnished, bare = home(asked.out / "home", asked.models), home(asked.out / "bare", asked.models)
    print(furnish(asked, furnished, [json.loads(line)["turns"][0] for line in lines]))
    proofs = {}
    for policy in ("matrix", "adaptive"):
        for drawn, options in DRAWN.items():
            proofs[f"{policy}, {drawn}"] = prove(asked, furnished, f"{policy} {drawn}", suite, "--policy", policy, *options)
    proofs["few questions, matrix, greedy"] = prove(asked, furnished, "few", few, "--policy", "matrix")
    proofs["the same without chats and table"] = prove(asked, bare, "few without", few, "--policy", "matrix")
    print("\n| policy, drawn | answers | identical | tokens | proposed | drafted | by drafter | messages of earlier chats | table |\n" + "|---" * 9 + "|")
    for name, proof in proofs.items():
        by = ", ".join(f"{drafter['name']} {drafter['accepted']} of {drafter['proposed']}" for drafter in proof["drafters"])
        counts = " | ".join(str(proof[count]) for count in ("prompts", "identical", "tokens", "proposed", "drafted"))
        print(f"| {name} | {counts} | {by} | {proof['earlier_chats']['messages']} | {'yes' if proof['table'] else 'no'} |")
    whole = [proof for name, proof in proofs.items() if "without" not in name]
    if any(not proof["table"] or not proof["earlier_chats"]["messages"] for proof in whole):
        sys.exit("There was no table or no chat: the proof lacks drafters.")
    if any(proof["identical"] < proof["prompts"] for proof in proofs.values()):
        sys.exit("Answers differ.")


main()
