"""What a person may get wrong with `charlm corpus`."""

CORPUS = {
    "no file": ("corpus", 2, "Missing argument 'FILE ...'. Try `charlm corpus --help`."),
    "a misspelt file": ("corpus txt.txt", 1, "txt.txt: there is no such file; did you mean text.txt?"),
    "a pattern that matches nothing": ("corpus *.text", 1, "*.text: no file matches this pattern …"),
    "an empty path": (
        'corpus ""',
        2,
        "the path of the text is empty; it must name a file, a directory, a pattern or - for standard input",
    ),
    "standard input twice": (
        "corpus - -",
        2,
        "standard input (-) is named twice; it can be read once, so name it once",
    ),
    "an empty folder": ("corpus void", 1, "void: the directory holds no files …"),
    "an empty file": ("corpus empty.txt", 1, "empty.txt: is empty; a corpus needs some text to learn from"),
    "one character": ("corpus one.txt", 1, "one.txt: has one distinct character, 'a'; …"),
    "one byte": ("corpus same.txt --unit byte", 1, "same.txt: has one distinct byte, 'a'; …"),
    "a short text": ("corpus short.txt", 1, "the corpus is too small to split: …"),
    "a binary file": ("corpus binary", 1, "binary: byte 0 (line 1): 0x80 is not valid utf-8 …"),
    "a picture": ("corpus picture.png", 1, "picture.png: byte 0 (line 1): 0x89 is not valid utf-8 …"),
    "UTF-16": ("corpus utf16.txt", 1, "utf16.txt: byte 0 (line 1): 0xFF is not valid utf-8 …set `encoding: utf-16` (--encoding)"),
    "UTF-16 without a mark": (
        "corpus unmarked.txt",
        1,
        "unmarked.txt: it is UTF-16 without a byte order mark; set `encoding: utf-16-le` (--encoding)",
    ),
    "a column that is not there": (
        "corpus films.csv --column titel",
        1,
        "films.csv: has no column 'titel'; its columns are id, title; did you mean 'title'?",
    ),
    "a column of a text": (
        "corpus text.txt --column title",
        2,
        "text.txt: is no table by its name, so it has no column 'title' (corpus.column); name files that end in .csv, .tsv, .jsonl, also with .gz, .bz2, .xz behind that",
    ),
    "a row with a field too many": (
        "corpus ragged.csv --column title",
        1,
        'ragged.csv: line 3 has 3 fields, and the first line names 2; put a field that has "," in it between double quotes',
    ),
    "a column of a running text": (
        "corpus films.csv --column title --mode stream",
        2,
        "--column: its fields are read as lines; leave out the mode, or the column",
    ),
    "an archive that is none": ("corpus text.txt.gz", 1, "text.txt.gz: cannot be decompressed as .gz …"),
    "an encoding that there is not": (
        "corpus text.txt --encoding utf8-8",
        2,
        "--encoding: 'utf8-8' is not a text encoding; did you mean 'utf-8'?",
    ),
    "an encoding of bytes": (
        "corpus text.txt --unit byte --encoding latin-1",
        2,
        "corpus.encoding: no effect with corpus.unit: byte; remove it or choose unit: char",
    ),
    "a unit that there is not": (
        "corpus text.txt --unit word",
        2,
        "Invalid value for '--unit': 'word' is not one of 'char', 'byte'. Try `charlm corpus --help`.",
    ),
    "a mode that there is not": (
        "corpus text.txt --mode line",
        2,
        "Invalid value for '--mode': 'line' is not one of 'stream', 'lines'. Try `charlm corpus --help`.",
    ),
    "a division by one number": (
        "corpus text.txt --split 0.9",
        2,
        "Invalid value for '--split': must be three numbers such as 0.9,0.05,0.05, got '0.9'. Try `charlm corpus --help`.",
    ),
    "a division that is none": (
        "corpus text.txt --split 0.9,0.9,0.1",
        2,
        "corpus.split: fractions must be at least 0 and add up to 1, train above 0; got train: 0.9, valid: 0.9, test: 0.1",
    ),
    "thirds of three digits": (
        "corpus text.txt --split 0.333,0.333,0.333",
        2,
        "corpus.split: fractions must be at least 0 and add up to 1, train above 0; got train: 0.333, valid: 0.333, test: 0.333",
    ),
    "a division by no number": (
        "corpus text.txt --split nan,0,1",
        2,
        "--split: must have finite numbers, got nan for train",
    ),
    "a misspelt option": (
        "corpus text.txt --jsn",
        2,
        "No such option '--jsn'; did you mean '--json'? Try `charlm corpus --help`.",
    ),
    "a locked file": ("corpus locked.txt", 1, "locked.txt: cannot be read (Permission denied); …"),
}
