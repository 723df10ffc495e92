"""What a person may get wrong with `charlm eval`."""

EVAL = {
    "no model": ("eval", 2, "Missing argument 'MODEL'. Try `charlm eval --help`."),
    "a run that is not there": ("eval runs/rum", 2, "runs/rum: no such run or file; did you mean runs/run?"),
    "the folder of the runs": (
        "eval runs",
        2,
        "runs: no checkpoint in this folder (best.safetensors or last.safetensors); the runs there are: runs/bytes, runs/flat, runs/half, runs/names, runs/run",
    ),
    "a text before the model": (
        "eval text.txt runs/run",
        1,
        "text.txt: damaged, or not a checkpoint: it is text; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a damaged checkpoint": (
        "eval damaged.safetensors text.txt",
        1,
        "damaged.safetensors: damaged: its tensors do not match their checksum; use another copy of the file",
    ),
    "a checkpoint of a later version": (
        "eval later.safetensors",
        1,
        "later.safetensors: written by charlm 9.0.0, a later version than this one (…): its cell 'mamba' is not known here; update charlm",
    ),
    "weights that are no numbers": (
        "eval broken.safetensors",
        1,
        "broken.safetensors: its weights are not finite numbers (decoder.bias is the first such tensor); train anew",
    ),
    "a file that is not there": (
        "eval runs/run txet.txt",
        1,
        "txet.txt: there is no such file; did you mean text.txt?",
    ),
    "a folder without texts": (
        "eval runs/run void",
        1,
        "void: the directory holds no files (hidden ones, pipes, devices and linked directories do not count); put the corpus there",
    ),
    "an empty file for a model of lines": (
        "eval runs/names empty.txt",
        1,
        "empty.txt: has no lines; at least 1 is needed",
    ),
    "an empty file for a model of bytes": (
        "eval runs/bytes empty.txt",
        1,
        "empty.txt: has 0 bytes; at least 2 are needed",
    ),
    "an empty file": ("eval runs/run empty.txt", 1, "empty.txt: has 0 characters; at least 2 are needed"),
    "a file of one character": ("eval runs/run one.txt", 1, "one.txt: has 1 character; at least 2 are needed"),
    "a file with a character that the model never saw": (
        "eval runs/run odd.txt",
        2,
        "odd.txt: not in the vocabulary of 12 symbols: 'É' (U+00C9 LATIN CAPITAL LETTER E WITH ACUTE; nearest 'e') (--on-unknown skip)",
    ),
    "an image for a text": (
        "eval runs/run picture.png",
        1,
        "picture.png: byte 0 (line 1): 0x89 is not valid utf-8 (invalid start byte); it is a PNG image, and no text; a model of bytes can read it",
    ),
    "a zip archive for a text": (
        "eval runs/run archive.zip",
        1,
        "archive.zip: … is not valid utf-8 …; it is a zip archive; extract the text from it",
    ),
    "a PyTorch model for a text": (
        "eval runs/run model.pt",
        1,
        "model.pt: … is not valid utf-8 …; it is a zip archive; extract the text from it",
    ),
    "a text in UTF-16": (
        "eval runs/run utf16.txt",
        1,
        "utf16.txt: byte 0 (line 1): 0xFF is not valid utf-8 (invalid start byte); it begins as UTF-16 does; set `encoding: utf-16` (--encoding)",
    ),
    "a text that is no gzip file": (
        "eval runs/run text.txt.gz",
        1,
        "text.txt.gz: cannot be decompressed as .gz (Not a gzipped file (b'o ')); it is cut short, damaged or not compressed that way: get the file again, or give it the suffix of what it is",
    ),
    "a pattern that nothing matches": (
        'eval runs/run "*.nope"',
        1,
        "*.nope: no file matches this pattern (patterns are relative to …; * stays within a directory, ** goes into those below)",
    ),
    "an address for a text": (
        "eval runs/run http://example.com/a.txt",
        1,
        "http://example.com/a.txt: is an address; charlm reads files: bring it here first, and name the file",
    ),
    "a device for a text": ("eval runs/run /dev/zero", 1, "/dev/zero: is a device; name a file with the text"),
    "an empty path": (
        'eval runs/run ""',
        2,
        "the path of the text is empty; it must name a file, a directory, a pattern or - for standard input",
    ),
    "a home that is not known": (
        'eval runs/run "~nobody-of-this-name/a.txt"',
        2,
        "~nobody-of-this-name/a.txt: the home directory ~nobody-of-this-name is not known; write the path out, or put ./ before a name that begins with ~",
    ),
    "a line end in the path": (
        'eval runs/run "te\\nxt.txt"',
        1,
        r"te\nxt.txt: there is no such file; in double quotes, YAML takes a backslash for an escape: use single quotes or forward slashes",
    ),
    "a NUL in the path": (
        'eval runs/run "te\\0xt.txt"',
        2,
        r"te\x00xt.txt: has a NUL character (U+0000), which no path can have; remove it",
    ),
    "standard input twice": (
        "eval runs/run - -",
        2,
        "standard input (-) is named twice; it can be read once, so name it once",
    ),
    "the part that was learnt from": (
        "eval runs/run --split train",
        2,
        "Invalid value for '--split': 'train' is not one of 'valid', 'test'. Try `charlm eval --help`.",
    ),
    "a part in capitals": (
        "eval runs/run --split Valid",
        2,
        "Invalid value for '--split': 'Valid' is not one of 'valid', 'test'. Try `charlm eval --help`.",
    ),
    "a part and a file": (
        "eval runs/run text.txt --split test",
        2,
        "--split: is of the model's own corpus; leave it out to score files",
    ),
    "a corpus and a file": (
        "eval runs/run text.txt --corpus text.txt",
        2,
        "--corpus: is of the model's own corpus; leave it out to score files",
    ),
    "an encoding without a file": (
        "eval runs/run --encoding latin-1",
        2,
        "--encoding: is that of files to score; the model's own corpus keeps its encoding",
    ),
    "an encoding that there is not": (
        "eval runs/run text.txt --encoding latin-99",
        2,
        "--encoding: 'latin-99' is not a text encoding; did you mean 'latin-1'?",
    ),
    "a codec that is no encoding": (
        "eval runs/run text.txt --encoding hex",
        2,
        "--encoding: 'hex' is not a text encoding; for example utf-8, utf-16, cp1252, latin-1",
    ),
    "an empty encoding": (
        'eval runs/run text.txt --encoding ""',
        2,
        "--encoding: '' is not a text encoding; for example utf-8, utf-16, cp1252, latin-1",
    ),
    "another encoding than the file's": (
        "eval runs/run text.txt --encoding utf-16",
        1,
        "text.txt: byte 0 (line 1): 0x6F is not valid utf-16 (UTF-16 stream does not start with BOM); …",
    ),
    "an encoding of bytes": (
        "eval runs/bytes text.txt --encoding utf-8",
        2,
        "--encoding: has no effect on a model of bytes; leave it out",
    ),
    "a part that was never held back": (
        "eval runs/flat",
        2,
        "runs/flat: has no valid part (corpus.split.valid is 0); give a text of your own",
    ),
    "a test part that was never held back": (
        "eval runs/flat --split test",
        2,
        "runs/flat: has no test part (corpus.split.test is 0); give a text of your own",
    ),
    "a corpus that is not there": (
        "eval runs/run --corpus txet.txt",
        1,
        "runs/run: its corpus cannot be read again: txet.txt: there is no such file; did you mean text.txt? If it was moved, say where it is now (--corpus)",
    ),
    "another corpus": (
        "eval runs/run --corpus short.txt",
        1,
        "runs/run: its corpus cannot be read again: the corpus is too small to split: of its 11 characters the valid part (0.05) gets 1 and the test part (0.05) gets 1, and a part needs 2; give 40 or more, or split it into 1, 0 and 0; if it was moved, say where it is now (--corpus)",
    ),
    "a corpus of one symbol": (
        "eval runs/run --corpus same.txt",
        1,
        "runs/run: its corpus cannot be read again: same.txt: has one distinct character, 'a'; there must be at least two different ones to learn anything; if it was moved, say where it is now (--corpus)",
    ),
    "an empty corpus path": (
        'eval runs/run --corpus ""',
        1,
        "runs/run: its corpus cannot be read again: the path of the text is empty; it must name a file, a directory, a pattern or - for standard input; if it was moved, say where it is now (--corpus)",
    ),
    "an unknown policy": (
        "eval runs/run --on-unknown drop",
        2,
        "Invalid value for '--on-unknown': 'drop' is not one of 'error', 'skip', 'replace'. Try `charlm eval --help`.",
    ),
    "a policy for the own corpus": (
        "eval runs/run --on-unknown skip",
        2,
        "--on-unknown: is about characters that a text of yours may have; give FILE, too, or leave it out",
    ),
    "nothing to replace by": (
        "eval runs/run odd.txt --on-unknown replace",
        2,
        "--on-unknown: 'replace' needs an unknown symbol, and this vocabulary has none (it is made when the corpus is read with min_count above 1); choose 'error' or 'skip'",
    ),
    "an option of sample's": ("eval runs/run --top-k 3", 2, "No such option '--top-k'. Try `charlm eval --help`."),
    "a misspelt option": (
        "eval runs/run --jsn",
        2,
        "No such option '--jsn'; did you mean '--json'? Try `charlm eval --help`.",
    ),
    "a text that may not be read": (
        "eval runs/run locked.txt",
        1,
        "locked.txt: cannot be read (Permission denied); name a file that you may read",
    ),
    "a file for an adapted model without adapting": (
        "eval runs/run --save adapted.safetensors",
        2,
        "--save: writes the model that has adapted to the text; give --dynamic, too",
    ),
    "leave to replace nothing": (
        "eval runs/run --dynamic --force",
        2,
        "--force: lets --save replace a file; give --save, too, or leave it out",
    ),
    "an adapted model in a folder that is not there": (
        "eval runs/run --dynamic --save nowhere/a.safetensors",
        2,
        "nowhere/a.safetensors: there is no folder nowhere to write it to; make it first",
    ),
    "an adapted model over a folder": (
        "eval runs/run --dynamic --save runs",
        2,
        "runs: is a folder; name a file in it, such as runs/adapted.safetensors",
    ),
    "an adapted model over a text": (
        "eval runs/run --dynamic --save odd.txt",
        2,
        "odd.txt: there is such a file; name another one, or replace it (--force)",
    ),
    "an adapted model over the model itself": (
        "eval runs/run --dynamic --save runs/run/best.safetensors --force",
        2,
        "runs/run/best.safetensors: is a file that is read here; name another one",
    ),
    "an adapted model over the text that it adapts to": (
        "eval runs/run same.txt --dynamic --save same.txt --force",
        2,
        "same.txt: is a file that is read here; name another one",
    ),
    "an adapted model over the model's corpus": (
        "eval runs/run --dynamic --save text.txt --force",
        2,
        "text.txt: is a file that is read here; name another one",
    ),
    "an adapted model with an empty name": (
        'eval runs/run --dynamic --save ""',
        2,
        "Invalid value for '--save': is empty; give a path. Try `charlm eval --help`.",
    ),
    "an adapted model with a NUL in its name": (
        'eval runs/run --dynamic --save "a\0b"',
        2,
        r"a\x00b: has a NUL character (U+0000), which no path can have; remove it",
    ),
}
