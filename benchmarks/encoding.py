"""How fast a big text becomes ids, and in how much memory: a whole process, first without and then with its cache.

    python benchmarks/encoding.py --megabytes 1000

The text is made of the embedded plays, over and over, with a number in each copy.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from turns import run

ROOT = Path(__file__).parent.parent
LOAD = """
import sys
from charlm.corpus.loading import load
corpus = load(sys.argv[1], encoding="utf-8", unit="char", mode="stream", newlines="lf", normalize=None,
              lowercase=False, min_count=1, unknown="?", seed=1,
              split={"train": 0.9, "valid": 0.05, "test": 0.05, "layout": "tail"})
print(int(corpus.train[:1000].sum()))
"""


def copies(ascii_only: bool) -> Iterator[bytes]:
    """Yield the plays, numbered, for ever; with letters outside ASCII if asked."""
    plays = "".join(path.read_text("utf-8") for path in sorted((ROOT / "data" / "plays").glob("*.txt")))
    if not ascii_only:
        plays = plays.replace("ee", "é").replace("--", "\N{EM DASH}").replace("oo", "ö")
    number = 0
    while True:
        number += 1
        yield f"{number}\n{plays}".encode()


def main() -> None:
    """Write the texts, load each in processes of its own, and print speed and memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000, help="of text (default 1000)")
    arguments = parser.parse_args()
    print(f"{'text':<22}{'MB/s':>7}{'peak MB':>9}")
    with TemporaryDirectory() as folder:
        os.environ["CHARLM_CACHE"] = str(Path(folder) / "cache")
        for name, ascii_only in (("ASCII", True), ("UTF-8, mixed", False)):
            text = Path(folder) / "text.txt"
            written = 0
            with text.open("wb") as file:
                for copy in copies(ascii_only):
                    written += file.write(copy)
                    if written >= arguments.megabytes * 1_000_000:
                        break
            for again in ("", ", again"):
                seconds, memory = run([sys.executable, "-c", LOAD, str(text)])
                print(f"{name + again:<22}{written / 1e6 / seconds:>7.0f}{memory / 1e6:>9.0f}", flush=True)


if __name__ == "__main__":
    main()
