"""Measures what `charlm score` finds and how fast it is: the figures of docs/scoring.md.

    python benchmarks/scoring.py uses FOLDER         typos, authors and log lines; trains four models in FOLDER first
    python benchmarks/scoring.py speed MODEL [LINES] random lines of 60 characters (100,000), with one and two threads

The second author is tiny-shakespeare, which `charlm data fetch tiny-shakespeare` brings to data/.
"""

import random
import sys
from pathlib import Path
from statistics import mean
from time import perf_counter, process_time

import charlm

ROOT = Path(__file__).parent.parent
HELD_OUT = "the-law-of-swarms.txt"
TRAINING = {
    "model": {"cell": "gru", "hidden_size": 256, "dropout": {"input": 0.05, "output": 0.4}, "ngram": {"order": 6}},
    "training": {"batch_size": 32, "seq_length": 64, "max_steps": 1500, "reset_probability": 0.05},
    "optimizer": {"learning_rate": 5e-3},
    "schedule": {"name": "cosine", "warmup_steps": 50},
}
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def trained(folder, name, text):
    """Return a model of a text, trained if it is not there yet."""
    run = folder / name
    if not (run / "best.safetensors").exists():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8", newline="\n")
        charlm.train({"corpus": {"path": str(folder / f"{name}.txt")}, **TRAINING}, out=run)
    return charlm.load(run)


def with_typo(rng, line):
    """Return a line with one slip of the fingers in one of its longer words, or None where it has none."""
    words = line.split(" ")
    long = [at for at, word in enumerate(words) if len(word) >= 5 and word.isalpha() and word.islower()]
    if not long:
        return None
    at = rng.choice(long)
    word, place = words[at], rng.randrange(len(words[at]) - 1)
    slips = [
        word[:place] + word[place + 1] + word[place] + word[place + 2 :],  # two letters changed places
        word[:place] + word[place + 1 :],  # one is missing
        word[:place] + rng.choice(LETTERS) + word[place + 1 :],  # one is another
        word[:place] + rng.choice(LETTERS) + word[place:],  # one is too many
    ]
    words[at] = rng.choice(slips)
    return None if words[at] == word else " ".join(words)


def precision(lines, damaged, key, at=20):
    """Return the share of damaged lines among the first so many by a key."""
    first = sorted((score for score in lines if score.text), key=key, reverse=True)[:at]
    return sum(score.line - 1 in damaged for score in first) / at


ORDERS = (lambda score: score.bits_per_char, lambda score: score.worst_bits)


def typos(model, lines, rounds=10):
    """Return the precision at 20 with 40 typos in a text, by the mean of a line and by its worst character."""
    rows = []
    for seed in range(rounds):
        rng = random.Random(seed)
        planted = {at: typo for at in rng.sample(range(len(lines)), len(lines)) if (typo := with_typo(rng, lines[at]))}
        planted = dict(list(planted.items())[:40])
        scores = list(model.score_lines([planted.get(at, line) for at, line in enumerate(lines)], on_unknown="skip"))
        rows.append([precision(scores, planted, key) for key in ORDERS])
    return [mean(column) for column in zip(*rows, strict=True)]


def authors(models, texts, shortest):
    """Return the share of lines that the model of their own author predicts best."""
    right = total = 0
    for own, lines in enumerate(texts):
        chosen = [line for line in lines if len(line) >= shortest]
        for compared in charlm.compare_lines(models, chosen, on_unknown="skip"):
            right += compared.best == own
            total += 1
    return right / total, total


def log_line(rng, second):
    """Return a line of a web service's log."""
    clock = f"2031-04-{1 + second // 86400:02d} {second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    user, took = rng.randrange(1000, 9999), rng.randrange(2, 900)
    page = rng.choice(["/", "/cart", "/search?q=lamp", "/login", "/item/" + str(rng.randrange(500))])
    what = rng.choice(
        [
            f"INFO  http    GET {page} 200 {took} ms user={user}",
            f"INFO  http    POST /order 201 {took} ms user={user}",
            f"WARN  db      slow query ({took} ms): select * from items where id = {rng.randrange(500)}",
            f"INFO  cache   evicted {rng.randrange(1, 60)} entries, {rng.randrange(10, 99)} % full",
            f"ERROR http    GET {page} 500 {took} ms user={user}",
            f"INFO  session user={user} logged out after {rng.randrange(1, 90)} minutes",
        ]
    )
    return f"{clock} {what}"


def log(seed, number):
    """Return the lines of a log."""
    rng, second, lines = random.Random(seed), 0, []
    for _ in range(number):
        second += rng.randrange(0, 9)
        lines.append(log_line(rng, second))
    return lines


def corrupted(rng, lines, at):
    """Return a line with damage: characters that fell out, bytes that flipped, or another line written into it."""
    line = lines[at]
    place = rng.randrange(5, len(line) - 5)
    flipped = "".join(chr(ord(char) ^ 1 << rng.randrange(3)) for char in line[place : place + 3])
    return rng.choice(
        [
            line[:place] + line[place + 4 :],
            line[:place] + flipped + line[place + 3 :],
            line[:place] + lines[at - 1][:30],
        ]
    )  # fmt: skip


def logs(model, rounds=10):
    """Return the precision at 20 with 20 corrupted lines among 2,000, by the mean and by the worst character."""
    rows = []
    for seed in range(rounds):
        rng, lines = random.Random(seed), log(100 + seed, 2000)
        planted = {at: corrupted(rng, lines, at) for at in rng.sample(range(1, 2000), 20)}
        scores = list(model.score_lines([planted.get(at, line) for at, line in enumerate(lines)], on_unknown="skip"))
        rows.append([precision(scores, planted, key) for key in ORDERS])
    return [mean(column) for column in zip(*rows, strict=True)]


def uses(folder):
    """Print what is found in each use."""
    folder.mkdir(parents=True, exist_ok=True)
    plays = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "data" / "plays").glob("*.txt"))}
    shakespeare = (ROOT / "data" / "tiny-shakespeare.txt").read_text("utf-8")
    cut = shakespeare.index("\n\n", len(shakespeare) * 9 // 10)
    held_out, beginnings, endings = plays.pop(HELD_OUT).splitlines(), [], []
    for play in plays.values():
        cut_play = play.index("\n\n", len(play) * 85 // 100)
        beginnings.append(play[:cut_play])
        endings += play[cut_play:].splitlines()
    one = trained(folder, "plays", "\n".join(plays.values()))
    two = trained(folder, "shakespeare", shakespeare[: len(shakespeare) // 2])
    start = trained(folder, "beginnings", "\n".join(beginnings))
    service = trained(folder, "log", "\n".join(log(1, 20_000)) + "\n")
    words = "precision at 20 by mean {:.0%}, by worst character {:.0%}"
    print("typos in a play:", words.format(*typos(one, held_out)), f"({len(held_out):,} lines)")
    print("typos in the ends of the other plays:", words.format(*typos(start, endings)), f"({len(endings):,} lines)")
    for shortest in (10, 20, 40):
        share, total = authors([one, two], [held_out, shakespeare[cut:].splitlines()], shortest)
        print(f"authors, lines of {shortest} characters or more: {share:.1%} of {total:,}")
    print("corrupted log lines:", words.format(*logs(service)))


def speed(path, number):
    """Print how fast random lines are scored."""
    for workers in (1, 2):
        model = charlm.load(path, workers=workers)
        rng = random.Random(0)
        lines = ["".join(rng.choices(model.vocabulary.symbols, k=59)).replace("\n", " ") for _ in range(number)]
        next(model.score_lines(lines[:1]))
        began, used = perf_counter(), process_time()
        chars = sum(score.chars for score in model.score_lines(lines))
        took, used = perf_counter() - began, process_time() - used
        print(f"{workers} threads: {chars / took:,.0f} characters a second ({chars / used:,.0f} a second of a core)")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["uses", folder]:
            uses(Path(folder))
        case ["speed", model, *lines]:
            speed(model, int(lines[0]) if lines else 100_000)
        case _:
            sys.exit(__doc__)
