"""Makes the pictures of the pages with the commands that a reader has; `make docs` calls it.

    python docs/pictures/make.py [NAME ...]

A picture is docs/pictures/NAME.svg, or NAME.png where it shows a page in a browser, which needs Chromium. The runs that
it shows are trained once, in build/docs: remove that folder, or `make clean`, to train them again. Everything has a
fixed seed, so the same machine makes the same picture.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image
from selenium.webdriver.support.wait import WebDriverWait

if TYPE_CHECKING:
    from tests.browser.chromium import Browser

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
# A minute: what units follow takes longer to learn, and is clearer in a network that is alone and without dropout.
RUNS["units"] = ["model.ngram.order=null", "model.dropout.output=0", "training.max_steps=3000"]
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

COLOURS = 128
POINTED_AT = 117  # the place of the character of which the page of units says more


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
    charlm(*PICTURES[name].command, "-o", PLACE / f"{name}.svg", "--force")


@contextmanager
def opened(page: str, height: int = 800) -> Iterator["Browser"]:
    """Open a page of the folder in a window of 1000 points of width, for a `with` statement."""
    from tests.browser.chromium import Browser

    with TemporaryDirectory() as profile, Browser(Path(profile)) as browser:
        browser.driver.set_window_size(1000, height)
        browser.prefer("light")
        browser.open(FOLDER / page)
        yield browser


def save(browser: "Browser", file: Path) -> None:
    """Save what a browser shows, in so few colours that the file is small."""
    shown = Image.open(BytesIO(browser.driver.get_screenshot_as_png()))
    shown.quantize(COLOURS).save(file, optimize=True)


def photograph_writer(file: Path) -> None:
    """Make the picture of a page that writes text."""
    train("plays")
    charlm("export", "runs/plays", "--html", "plays.html", "--force")
    with opened("plays.html") as browser:
        wait = WebDriverWait(browser.driver, 60)
        wait.until(lambda _: browser.run("return !document.getElementById('write').disabled"))
        for field, value in WRITER.items():
            browser.run("document.getElementById(arguments[0]).value = arguments[1]", field, value)
        browser.run("document.getElementById('write').click()")
        wait.until(lambda _: browser.run("return document.getElementById('halt').disabled"))
        save(browser, file)


def photograph_inspect(file: Path) -> None:
    """Make the picture of a page of units, with what it says of one character."""
    train("units")
    charlm("inspect", "runs/units", "--html", "units.html", "--force")
    with opened("units.html", height=1300) as browser:
        browser.run("document.querySelectorAll('#text i')[arguments[0]].focus({preventScroll: true})", POINTED_AT)
        save(browser, file)


PHOTOGRAPHS = {"writer": photograph_writer, "inspect": photograph_inspect}


def photograph(name: str) -> None:
    """Make the picture of a page, if this machine has a browser."""
    from tests.browser.chromium import MISSING

    if MISSING:
        print(f"{name}.png is left as it is: this machine has no {MISSING}", file=sys.stderr)
    else:
        PHOTOGRAPHS[name](PLACE / f"{name}.png")


def main(names: list[str]) -> None:
    """Make the pictures of these names, or all."""
    makers = {name: partial(draw, name) for name in PICTURES}
    makers |= {name: partial(photograph, name) for name in PHOTOGRAPHS}
    unknown = set(names) - set(makers)
    if unknown:
        sys.exit(f"no picture is named {', '.join(sorted(unknown))}; there are {', '.join(makers)}")
    sys.path.insert(0, str(ROOT))  # for the browser of the tests
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or makers:
        makers[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
