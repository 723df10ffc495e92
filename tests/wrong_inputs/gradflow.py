"""What a person may get wrong with `charlm gradflow`."""

GRADFLOW = {
    "nothing to look at": (
        "gradflow",
        2,
        "Missing argument 'CONFIG|RUN ...', or --toy. Try `charlm gradflow --help`.",
    ),
    "a run that is not there": ("gradflow nowhere", 2, "nowhere: …"),
    "a configuration that is not there": (
        "gradflow Small.yml",
        2,
        "Small.yml: there is no such file; did you mean 'small.yaml'?",
    ),
    "a text": ("gradflow text.txt", 1, "text.txt: …"),
    "a corpus that is gone": ("gradflow gone.yaml", 1, "…no/such/text.txt…"),
    "a cell for a run": (
        "gradflow runs/run --cell rnn",
        2,
        "--cell: is for configurations, and runs/run is none; leave out the one or the other",
    ),
    "a key of a run": (
        "gradflow runs/run --set model.cell=rnn",
        2,
        "--set: is for configurations, and runs/run is none; leave out the one or the other",
    ),
    "a misspelt cell": (
        "gradflow small.yaml --cell gruu",
        2,
        "--cell: 'gruu' is not a cell; did you mean 'gru'? (gru, lstm, lstm-1997, rnn, simple-gru)",
    ),
    "a cell twice": (
        "gradflow small.yaml --cell rnn --cell gru --cell rnn",
        2,
        "--cell: 'rnn' is given twice; leave one out",
    ),
    "a run by two paths": (
        "gradflow runs/run runs/../runs/run",
        2,
        "runs/../runs/run: is the same as runs/run; leave one out",
    ),
    "a run twice": ("gradflow runs/run runs/run", 2, "runs/run: is given twice; leave one out"),
    "a layer too many": (
        "gradflow runs/run --lags 4 --layer 1",
        2,
        "--layer: runs/run has no layer 1; choose at most 0",
    ),
    "more lags than text": (
        "gradflow runs/run --lags 500",
        2,
        "--lags: 500 need a text of at least 1,002 symbols, and that of runs/run has 75; choose at most 36, or give another text",
    ),
    "a text that is too short": (
        "gradflow runs/run --text one.txt",
        1,
        "one.txt: has 1 character; at least 2 are needed",
    ),
    "a text with other symbols": ("gradflow runs/run --text odd.txt", 2, "odd.txt: …"),
    "no lag": (
        "gradflow runs/run --lags 0",
        2,
        "Invalid value for '--lags': must be a whole number of at least 1 and at most 1,000, got '0'. Try `charlm gradflow --help`.",
    ),
    "a run of a toy": ("gradflow runs/run --toy", 2, "runs/run: is for networks; leave it out, or --toy"),
    "the windows of a toy": ("gradflow --toy --windows 3", 2, "--windows: is for networks; leave it out, or --toy"),
    "the weight of a run": ("gradflow runs/run --weight 1", 2, "--weight: is for toy units; add --toy"),
    "a gate beyond its ends": (
        "gradflow --toy --gate 1.5",
        2,
        "Invalid value for '--gate': must be a number of at least 0 and at most 1, got '1.5'. Try `charlm gradflow --help`.",
    ),
    "a weight that is no number": (
        "gradflow --toy --weight nan",
        2,
        "Invalid value for '--weight': must be a number of at least -1,000.0 and at most 1,000.0, got 'nan'. Try `charlm gradflow --help`.",
    ),
    "figures and a picture": (
        "gradflow runs/run --json -o x.svg",
        2,
        "--json: shows something else than --out; leave one of them out",
    ),
    "a picture over a file": (
        "gradflow runs/run -o old.svg",
        2,
        "old.svg: there is such a file; name another one, or replace it (--force)",
    ),
    "leave to replace no picture": (
        "gradflow runs/run --force",
        2,
        "--force: lets --out replace a file; give --out, too, or leave it out",
    ),
    "a picture over the text that is read": (
        "gradflow runs/run --text old.html -o old.html --force",
        2,
        "old.html: is a file that is read here; name another one",
    ),
    "a picture of another format": (
        "gradflow nowhere -o x.pdf",
        2,
        "x.pdf: must end with .png, .svg or .html",
    ),
    "a misspelt option": (
        "gradflow runs/run --lag 3",
        2,
        "No such option '--lag'; did you mean …? Try `charlm gradflow --help`.",
    ),
}
