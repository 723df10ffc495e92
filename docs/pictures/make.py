"""Makes the pictures of the pages with the commands that a reader has; `make docs` calls it.

    python docs/pictures/make.py [NAME ...]

A picture is docs/pictures/NAME.svg, or NAME.png where it shows a page in a browser, which needs Chromium. The runs that
it shows are trained once, in build/docs: remove that folder, or `make clean`, to train them again. Everything has a
fixed seed, so the same machine makes the same picture.
"""

import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from selenium.webdriver.support.wait import WebDriverWait

ROOT = Path(__file__).parents[2]
PLACE = Path(__file__).parent
FOLDER = ROOT / "build" / "docs"  # where the commands run; its runs are named as on the pages, such as runs/gru
# One core, NumPy and a fixed seed: a run takes ten seconds, and ends in the same weights each time on a machine.
TRAINING = [
    "corpus.path=../../data/plays/*.txt",
    *("model.hidden_size=64", "training.max_steps=600", "training.eval_every=50", "training.sample_every=0"),
    *("seed=1", "workers=1", "kernels=numpy"),
]
CELLS = ("rnn", "gru", "lstm", "lstm-1997")
RUNS = {cell: [f"model.cell={cell}"] for cell in CELLS}
RUNS["plays"] = ["model.hidden_size=256", "training.max_steps=1000"]  # a minute or two


class Picture(NamedTuple):
    """The runs that a command needs, by the keys of `RUNS`, and its arguments, to which ``-o FILE`` is added."""

    runs: tuple[str, ...]
    command: tuple[str, ...]


PICTURES = {
    "plot": Picture(("gru", "lstm"), ("plot", "runs/gru", "runs/lstm")),
    "gradients": Picture(CELLS, ("gradflow", *(f"runs/{name}" for name in CELLS))),
}
WRITER = {"prompt": "DAMARIS:\n", "length": "420", "temperature": "0.7", "seed": "5"}  # what is typed into the page


def charlm(*arguments: str | Path) -> None:
    """Run a command of charlm in the folder of the runs."""
    subprocess.run([sys.executable, "-m", "charlm", *map(str, arguments)], cwd=FOLDER, check=True)


def train(name: str) -> None:
    """Train a run, unless it is there and finished."""
    out = Path("runs", name)
    if (FOLDER / out / "last.safetensors").exists():
        charlm("train", "--resume", out, "--quiet")  # one that was cut goes on, a finished one stays as it is
        return
    settings = [f"--set={setting}" for setting in (*TRAINING, *RUNS[name])]
    charlm("train", ROOT / "configs" / "plays.yaml", "--out", out, "--quiet", *settings)


def draw(name: str) -> None:
    """Make a picture that a command draws."""
    for run in PICTURES[name].runs:
        train(run)
    charlm(*PICTURES[name].command, "-o", PLACE / f"{name}.svg")


def photograph_writer() -> None:
    """Make the picture of a page that writes text."""
    sys.path.insert(0, str(ROOT))
    from tests.browser.chromium import MISSING, Browser

    if MISSING:
        print(f"writer.png is left as it is: this machine has no {MISSING}", file=sys.stderr)
        return
    train("plays")
    charlm("export", "runs/plays", "--html", "plays.html", "--force")
    with TemporaryDirectory() as profile, Browser(Path(profile)) as browser:
        browser.prefer("light")
        browser.open(FOLDER / "plays.html")
        wait = WebDriverWait(browser.driver, 60)
        wait.until(lambda _: browser.run("return !document.getElementById('write').disabled"))
        for field, value in WRITER.items():
            browser.run("document.getElementById(arguments[0]).value = arguments[1]", field, value)
        browser.run("document.getElementById('write').click()")
        wait.until(lambda _: browser.run("return document.getElementById('halt').disabled"))
        browser.driver.save_screenshot(str(PLACE / "writer.png"))


def main(names: list[str]) -> None:
    """Make the pictures of these names, or all."""
    makers = {**{name: partial(draw, name) for name in PICTURES}, "writer": photograph_writer}
    unknown = set(names) - set(makers)
    if unknown:
        sys.exit(f"no picture is named {', '.join(sorted(unknown))}; there are {', '.join(makers)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or makers:
        makers[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
