"""What a person may get wrong with `charlm inspect`."""

INSPECT = {
    "no model": ("inspect", 2, "Missing argument 'MODEL'. Try `charlm inspect --help`."),
    "a run that is not there": ("inspect runs/rum", 2, "runs/rum: no such run or file; did you mean runs/run?"),
    "a text for a model": (
        "inspect text.txt",
        1,
        "text.txt: damaged, or not a checkpoint: it is text; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a text without its option": (
        "inspect runs/run text.txt",
        2,
        "Got unexpected extra argument (text.txt). Try `charlm inspect --help`.",
    ),
    "a file that is not there": (
        "inspect runs/run --text txet.txt",
        1,
        "txet.txt: there is no such file; did you mean text.txt?",
    ),
    "a file with a character that the model never saw": ("inspect runs/run --text odd.txt", 2, "odd.txt…'É'…"),
    "a unit that there is not": (
        "inspect runs/run --unit l1.h.0",
        2,
        "--unit: 'l1.h.0' is no unit of this network; it has l0.i.0 to l0.c.7, and a layer has i, f, g, o, h, c",
    ),
    "a name of no unit": (
        "inspect runs/run --unit '\\e'",
        2,
        r"--unit: '\x1b' is no unit of this network; it has l0.i.0 to l0.c.7, and a layer has i, f, g, o, h, c",
    ),
    "a page with the name of the model": (
        "inspect runs/run --html runs/run/best.safetensors",
        2,
        "Invalid value for '--html': must end with .html, got 'runs/run/best.safetensors'. Try `charlm inspect --help`.",
    ),
    "no characters": (
        "inspect runs/run --characters 0",
        2,
        "Invalid value for '--characters': must be a whole number of at least 1 and at most 50,000, got '0'. Try `charlm inspect --help`.",
    ),
    "two outputs": (
        "inspect runs/run --ansi --json",
        2,
        "--ansi: shows something else than --json; leave one of them out",
    ),
    "a corpus beside a text": (
        "inspect runs/run --text text.txt --corpus text.txt",
        2,
        "--corpus: is the model's own; leave it out to read --text",
    ),
    "another corpus": ("inspect runs/run --corpus odd.txt", 1, "runs/run: its corpus cannot be read again: …"),
    "a model without a validation part": (
        "inspect runs/flat",
        2,
        "runs/flat: has no valid part (corpus.split.valid is 0); give a text of your own",
    ),
    "an encoding of the model's own corpus": (
        "inspect runs/run --encoding utf-8",
        2,
        "--encoding: is that of --text; the model's own corpus keeps its encoding",
    ),
    "a unit that colours nothing": (
        "inspect runs/run --json --unit l0.h.0",
        2,
        "--unit: colours the text of a page, or of --ansi; leave it out, or add --html",
    ),
    "a page in a folder that is not there": (
        "inspect runs/run --html no/page.html",
        2,
        "no/page.html: there is no folder no to write it to; make it first",
    ),
    "a page over a file": (
        "inspect runs/run --html old.html",
        2,
        "old.html: there is such a file; name another one, or replace it (--force)",
    ),
    "a page over the text that is read": (
        "inspect runs/run --text old.html --html old.html --force",
        2,
        "old.html: is a file that is read here; name another one",
    ),
    "leave to replace no page": (
        "inspect runs/run --force --json",
        2,
        "--force: lets --html replace a file; give --html, too, or leave it out",
    ),
    "a policy for the own corpus": (
        "inspect runs/run --on-unknown skip",
        2,
        "--on-unknown: is about characters that a text of yours may have; give --text, too, or leave it out",
    ),
    "weights that are no numbers": ("inspect broken.safetensors --json", 1, "…not finite…"),
}
