"""What a person may get wrong with `charlm novelty`."""

NOVELTY = {
    "no model": ("novelty", 2, "Missing argument 'MODEL'. Try `charlm novelty --help`."),
    "a run that is not there": ("novelty runs/rum", 2, "runs/rum: no such run or file; did you mean runs/run?"),
    "a text for a model": (
        "novelty text.txt",
        1,
        "text.txt: damaged, or not a checkpoint: it is text; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a text that is not an option": (
        "novelty runs/run text.txt",
        2,
        "Got unexpected extra argument (text.txt). Try `charlm novelty --help`.",
    ),
    "a text that is not there": (
        "novelty runs/run --text txet.txt",
        1,
        "txet.txt: there is no such file; did you mean text.txt?",
    ),
    "an empty text": (
        "novelty runs/run --text empty.txt",
        1,
        "empty.txt: has 0 characters; at least 2 are needed",
    ),
    "a text with a character that the model never saw": (
        "novelty runs/run --text odd.txt",
        2,
        "odd.txt: not in the vocabulary of 12 symbols: 'É' (U+00C9 LATIN CAPITAL LETTER E WITH ACUTE; nearest 'e') (--on-unknown skip)",
    ),
    "a text, and a network alone": (
        "novelty runs/run --text same.txt --without-ngram",
        2,
        "--without-ngram: says how a model writes; leave it out with --text",
    ),
    "an image for a text": (
        "novelty runs/run --text picture.png",
        1,
        "picture.png: byte 0 (line 1): 0x89 is not valid utf-8 (invalid start byte); it is a PNG image, and no text; a model of bytes can read it",
    ),
    "a temperature for a text that is given": (
        "novelty runs/run --text text.txt --temperature 1",
        2,
        "--temperature: says how a model writes; leave it out with --text",
    ),
    "a seed for a text that is given": (
        "novelty runs/run --text text.txt --seed 1",
        2,
        "--seed: says how a model writes; leave it out with --text",
    ),
    "nothing to write": (
        "novelty runs/run --length 0",
        2,
        "Invalid value for '--length': must be a whole number of at least 1 and at most 1,000,000,000, got '0'. Try `charlm novelty --help`.",
    ),
    "a corpus that is not there": (
        "novelty runs/run --corpus txet.txt --seed 1 --length 9",
        1,
        "runs/run: its corpus cannot be read again: txet.txt: there is no such file; did you mean text.txt? If it was moved, say where it is now (--corpus)",
    ),
    "another corpus": (
        "novelty runs/run --corpus small.yaml --seed 1 --length 9",
        1,
        "runs/run: the corpus small.yaml is not the text that this run was reading; put that back, or say where it is now (--corpus)",
    ),
    "a policy for what the model writes": (
        "novelty runs/run --on-unknown skip",
        2,
        "--on-unknown: is about characters that a text of yours may have; give --text, too, or leave it out",
    ),
    "a misspelt option": (
        "novelty runs/run --jsno",
        2,
        "No such option '--jsno'; did you mean '--json'? Try `charlm novelty --help`.",
    ),
}
