"""What a person may get wrong with `charlm plot`."""

PLOT = {
    "no run": ("plot", 2, "Missing argument 'RUN...'. Try `charlm plot --help`."),
    "a run that is not there": (
        "plot nowhere",
        2,
        "nowhere: no such run or file; the runs there are: runs/bytes, runs/flat, runs/half, runs/names, runs/run",
    ),
    "a misspelt run": ("plot runs/rum", 2, "runs/rum: no such run or file; did you mean runs/run?"),
    "the folder of the runs": (
        "plot runs",
        2,
        "runs: no metrics.jsonl in this folder; the runs there are: runs/bytes, runs/flat, runs/half, runs/names, runs/run",
    ),
    "an empty folder": ("plot void", 2, "void: no metrics.jsonl in this folder; `charlm train CONFIG` makes a run"),
    "a checkpoint": (
        "plot runs/run/best.safetensors",
        2,
        "runs/run/best.safetensors: is no run directory and no metrics.jsonl; did you mean runs/run?",
    ),
    "a text": ("plot text.txt", 2, "text.txt: is no run directory and no metrics.jsonl"),
    "a named pipe": ("plot pipe", 2, "pipe: is no ordinary file; name a run directory or its metrics.jsonl"),
    "an empty name": ("plot ''", 2, "Invalid value for 'RUN...': is empty; give a path. Try `charlm plot --help`."),
    "a run without a step": (
        "plot runs/half",
        2,
        "runs/half: no figures yet; the first line of metrics is written after training.log_every steps",
    ),
    "a run by two paths": (
        "plot runs/run runs/../runs/run",
        2,
        "runs/../runs/run: is the same as runs/run; leave one out",
    ),
    "a run twice": ("plot runs/run runs/run", 2, "runs/run: is given twice; leave one out"),
    "how often to look at runs that are drawn once": (
        "plot runs/run --every 5",
        2,
        "--every: has no effect without --follow; add that, or leave it out",
    ),
    "a start behind the end": (
        "plot runs/run --from 25",
        2,
        "runs/run: no figures from 25 steps on; begin earlier",
    ),
    "a start that is no number": (
        "plot runs/run --from nan",
        2,
        "Invalid value for '--from': must be a number of at least 0 and at most 1,000,000,000,000,000, got 'nan'. Try `charlm plot --help`.",
    ),
    "an x like none": (
        "plot runs/run --x epochs",
        2,
        "Invalid value for '--x': 'epochs' is not one of 'steps', 'characters', 'minutes'. Try `charlm plot --help`.",
    ),
    "all of the past": (
        "plot runs/run --smooth 1",
        2,
        "Invalid value for '--smooth': must be a number of at least 0 and at most 0.999, got '1'. Try `charlm plot --help`.",
    ),
    "a picture over a file": (
        "plot runs/run -o old.svg",
        2,
        "old.svg: there is such a file; name another one, or replace it (--force)",
    ),
    "leave to replace no picture": (
        "plot runs/run --force",
        2,
        "--force: lets --out replace a file; give --out, too, or leave it out",
    ),
    "a picture of another format": (
        "plot nowhere -o x.pdf",
        2,
        "x.pdf: must end with .png, .svg or .html",
    ),
    "following without a screen": (
        "plot runs/run --follow",
        2,
        "--follow: standard output is no terminal; write a picture with --out FILE",
    ),
    "looking without a pause": (
        "plot runs/run --every 0",
        2,
        "Invalid value for '--every': must be a number above 0 and at most 86,400, got '0'. Try `charlm plot --help`.",
    ),
    "a misspelt option": (
        "plot runs/run --smoth 0.5",
        2,
        "No such option '--smoth'; did you mean '--smooth'? Try `charlm plot --help`.",
    ),
}
