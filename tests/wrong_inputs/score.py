"""What a person may get wrong with `charlm score`."""

SCORE = {
    "no model": ("score", 2, "Missing argument 'MODEL'. Try `charlm score --help`."),
    "a run that is not there": ("score runs/rum", 2, "runs/rum: no such run or file; did you mean runs/run?"),
    "a text before the model": (
        "score text.txt runs/run",
        1,
        "text.txt: damaged, or not a checkpoint: it is text; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a file that is not there": (
        "score runs/run txet.txt",
        1,
        "txet.txt: there is no such file; did you mean text.txt?",
    ),
    "a file with a character that the model never saw": (
        "score runs/run odd.txt",
        2,
        "odd.txt: line 1: not in the vocabulary of 12 symbols: 'É' (U+00C9 LATIN CAPITAL LETTER E WITH ACUTE; nearest 'e') (--on-unknown skip)",
    ),
    "an image for a text": (
        "score runs/run picture.png",
        1,
        "picture.png: byte 0 (line 1): 0x89 is not valid utf-8 (invalid start byte); it is a PNG image, and no text; a model of bytes can read it",
    ),
    "an empty path": (
        'score runs/run ""',
        2,
        "the path of the text is empty; it must name a file, a directory, a pattern or - for standard input",
    ),
    "standard input twice": (
        "score runs/run - -",
        2,
        "standard input (-) is named twice; it can be read once, so name it once",
    ),
    "a context that there is not": (
        "score runs/run text.txt --context none",
        2,
        "Invalid value for '--context': 'none' is not one of 'fresh', 'carry'. Try `charlm score --help`.",
    ),
    "a model that knows no line end": (
        "score runs/flat text.txt",
        2,
        "--context: runs/flat never saw a line end, so it cannot read each line as if it followed one; choose carry",
    ),
    "no lines at all": (
        "score runs/run text.txt --top 0",
        2,
        "Invalid value for '--top': must be a whole number of at least 1 and at most 1,000,000, got '0'. Try `charlm score --help`.",
    ),
    "an order of all lines": (
        "score runs/run text.txt --by worst",
        2,
        "--by: is the order of --top with one model; add --top",
    ),
    "an order of several models": (
        "score runs/run text.txt --by worst --top 3 --against runs/half",
        2,
        "--by: is the order of --top with one model; leave it out",
    ),
    "two outputs": (
        "score runs/run text.txt --heatmap --json",
        2,
        "--heatmap: shows something else than --json; leave one of them out",
    ),
    "characters of several models": (
        "score runs/run text.txt --chars --against runs/half",
        2,
        "--against: shows something else than --chars; leave one of them out",
    ),
    "a model against itself": (
        "score runs/run text.txt --against runs/../runs/run",
        2,
        "runs/../runs/run: is the same as runs/run; leave one out",
    ),
    "a second model that is not there": (
        "score runs/run text.txt --against runs/rum",
        2,
        "runs/rum: no such run or file; did you mean runs/run?",
    ),
    "bytes against characters": (
        "score runs/run text.txt --against runs/bytes",
        2,
        "--against: bits per character and bits per byte cannot be compared; choose models of one unit",
    ),
    "an encoding of bytes": (
        "score runs/bytes text.txt --encoding utf-8",
        2,
        "--encoding: has no effect on a model of bytes; leave it out",
    ),
    "an unknown policy without a symbol for it": (
        "score runs/run odd.txt --on-unknown replace",
        2,
        "--on-unknown: 'replace' needs an unknown symbol, and this vocabulary has none (it is made when the corpus is read with min_count above 1); choose 'error' or 'skip'",
    ),
    "a page in a folder that is not there": (
        "score runs/run text.txt --html no/page.html",
        2,
        "no/page.html: there is no folder no to write it to; make it first",
    ),
    "a page over a file": (
        "score runs/run text.txt --html old.html",
        2,
        "old.html: there is such a file; name another one, or replace it (--force)",
    ),
    "a page over the text that is read": (
        "score runs/run old.html --html old.html --force",
        2,
        "old.html: is a file that is read here; name another one",
    ),
    "leave to replace no page": (
        "score runs/run text.txt --force",
        2,
        "--force: lets --html replace a file; give --html, too, or leave it out",
    ),
    "a page with the name of the text": (
        "score runs/run text.txt --html text.txt",
        2,
        "Invalid value for '--html': must end with .html, got 'text.txt'. Try `charlm score --help`.",
    ),
    "no path for the page": (
        'score runs/run text.txt --html ""',
        2,
        "Invalid value for '--html': is empty; give a path. Try `charlm score --help`.",
    ),
    "a misspelt option": (
        "score runs/run --heatmpa",
        2,
        "No such option '--heatmpa'; did you mean '--heatmap'? Try `charlm score --help`.",
    ),
}
