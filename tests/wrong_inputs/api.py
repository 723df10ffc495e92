"""What a person may get wrong in Python; `h` holds the models of some runs and a configuration."""

# mypy: ignore-errors
# Wrong types are what this is about.

from pathlib import Path
from typing import Any

import numpy as np

import charlm

API: dict[str, tuple[Any, ...]] = {
    "a run that is not there": (
        lambda h: charlm.load("nowhere"),
        2,
        "nowhere: no such run or file; the runs there are: runs/bytes, runs/flat, runs/half, runs/names, runs/run",
    ),
    "an empty path": (lambda h: charlm.load(""), 2, "path: the path is empty; name a file or a directory"),
    "no path": (lambda h: charlm.load(None), 2, "path: None is not a path; give text or a pathlib.Path"),
    "a path of bytes": (
        lambda h: charlm.load(b"runs/run"),
        2,
        "path: b'runs/run' is not a path; give text or a pathlib.Path",
    ),
    "a model for a path": (
        lambda h: charlm.load(h.model),
        2,
        "path: <runs/run: 1 x lstm of 8, 12 symbols> is not a path; give text or a pathlib.Path",
    ),
    "an export to no path": (
        lambda h: charlm.export_torch(h.model, None),
        2,
        "path: None is not a path; give text or a pathlib.Path",
    ),
    "an export over a file": (
        lambda h: charlm.export_html(h.model, "odd.txt"),
        2,
        "odd.txt: there is such a file; name another one, or replace it",
    ),
    "weights of no size that there is": (
        lambda h: charlm.export_html(h.model, "page.html", weights="int4"),
        2,
        "weights: 'int4' is not a choice (float16, int8, float32)",
    ),
    "a NUL in a path": (
        lambda h: charlm.load("a\0b"),
        2,
        r"path: a\x00b: has a NUL character (U+0000), which no path can have; remove it",
    ),
    "a home that is not known": (
        lambda h: charlm.load("~nobody-of-this-name/run"),
        2,
        "path: ~nobody-of-this-name/run: the home directory ~nobody-of-this-name is not known; write the path out, or put ./ before a name that begins with ~",
    ),
    "a folder without a run": (
        lambda h: charlm.load(Path("void")),
        2,
        "void: no checkpoint in this folder (best.safetensors or last.safetensors); `charlm train CONFIG` makes a run",
    ),
    "a text for a model": (
        lambda h: charlm.load("text.txt"),
        1,
        "text.txt: damaged, or not a checkpoint: it is text; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a PyTorch model": (
        lambda h: charlm.load("model.pt"),
        1,
        "model.pt: damaged, or not a checkpoint: it is a zip archive, as PyTorch's and Keras's models are; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a checkpoint of a later version": (
        lambda h: charlm.load("later.safetensors"),
        1,
        "later.safetensors: written by charlm 9.0.0, a later version than this one (…): its cell 'mamba' is not known here; update charlm",
    ),
    "kernels that there are not": (
        lambda h: charlm.load("runs/run", kernels="gpu"),
        2,
        "kernels: 'gpu' is not a choice of kernels (auto, numpy, fused)",
    ),
    "no workers": (lambda h: charlm.load("runs/run", workers=0), 2, "workers: must be 'auto' or at least 1, got 0"),
    "all workers": (
        lambda h: charlm.load("runs/run", workers="all"),
        2,
        "workers: must be a whole number ('auto' or at least 1), got 'all'",
    ),
    "half a worker": (
        lambda h: charlm.load("runs/run", workers=2.5),
        2,
        "workers: must be a whole number ('auto' or at least 1), got 2.5",
    ),
    "a character that the model never saw": (
        lambda h: h.model.sample("É"),
        2,
        "not in the vocabulary of 12 symbols: 'É' (U+00C9 LATIN CAPITAL LETTER E WITH ACUTE; nearest 'e')",
    ),
    "no prompt at all": (
        lambda h: h.model.sample(None),
        2,
        "a text must be str, bytes or a list of ids, which are whole numbers, got None",
    ),
    "a number for a prompt": (
        lambda h: h.model.sample(3),
        2,
        "a text must be str, bytes or a list of ids, which are whole numbers, got 3",
    ),
    "words in a list for a prompt": (
        lambda h: h.model.sample(["tin", "ra"]),
        2,
        "a text must be str, bytes or a list of ids, which are whole numbers, got ['tin', 'ra']",
    ),
    "bytes for a model of characters": (
        lambda h: h.model.sample(b"tin"),
        2,
        "runs/run: is a model of characters; give it text instead of bytes",
    ),
    "an id beyond the vocabulary": (
        lambda h: h.model.sample([0, 1, 99]),
        2,
        "ids must be between 0 and 11, got 0 to 99",
    ),
    "a negative id": (lambda h: h.model.sample([-1]), 2, "ids must be between 0 and 11, got -1 to -1"),
    "an id with a fraction": (
        lambda h: h.model.sample([0.5]),
        2,
        "a text must be str, bytes or a list of ids, which are whole numbers, got [0.5]",
    ),
    "an id that is too large for the machine": (
        lambda h: h.model.sample([10**30]),
        2,
        "a text must be str, bytes or a list of ids, which are whole numbers, got [1000000000000000000000000000000]",
    ),
    "ids that are no numbers": (
        lambda h: h.model.sample(np.array([0, np.nan])),
        2,
        "a text must be str, bytes or a list of ids, which are whole numbers, got array([ 0., nan])",
    ),
    "ids of two dimensions": (
        lambda h: h.model.sample(np.zeros((2, 2), int)),
        2,
        r"a text must be str, bytes or a list of ids, which are whole numbers, got array([[0, 0],\n       [0, 0]])",
    ),
    "ids of several lengths": (
        lambda h: h.model.sample([[1], [1, 2]]),
        2,
        "a text must be str, bytes or a list of ids, which are whole numbers, got [[1], [1, 2]]",
    ),
    "a byte that the model never saw": (
        lambda h: h.bytes.sample(b"\xff"),
        2,
        "not in the vocabulary of 12 symbols: 0xFF (byte 255; nearest 'u')",
    ),
    "half of a surrogate pair": (
        lambda h: h.bytes.sample("\ud800"),
        2,
        "the text has no UTF-8 form: surrogates not allowed at character 0",
    ),
    "a line with a character that the model never saw": (
        lambda h: h.names.sample("annx"),
        2,
        "not in the vocabulary of 5 symbols: 'x' (U+0078 LATIN SMALL LETTER X; nearest 'o')",
    ),
    "a negative length": (lambda h: h.model.sample(length=-1), 2, "length: must be at least 0, got -1"),
    "a length with a fraction": (
        lambda h: h.model.sample(length=2.5),
        2,
        "length: must be a whole number (at least 0), got 2.5",
    ),
    "a length in quotes": (
        lambda h: h.model.sample(length="10"),
        2,
        "length: must be a whole number (at least 0), got '10'",
    ),
    "a length beyond the limit": (
        lambda h: h.model.sample(length=10**12),
        2,
        "length: must be at most 1,000,000,000, got 1000000000000",
    ),
    "a length that is true": (
        lambda h: h.model.sample(length=True),
        2,
        "length: must be a whole number (at least 0), got True",
    ),
    "a length that no number writes": (
        lambda h: h.model.sample(length=10**5000),
        2,
        "length: must be at most 1,000,000,000, got a value that is too long to show",
    ),
    "a negative temperature": (lambda h: h.model.sample(temperature=-1), 2, "temperature: must be at least 0, got -1"),
    "a temperature in words": (
        lambda h: h.model.sample(temperature="hot"),
        2,
        "temperature: must be a number (at least 0), got 'hot'",
    ),
    "a temperature that is no number": (
        lambda h: h.model.sample(temperature=float("nan")),
        2,
        "temperature: must be at least 0, got nan",
    ),
    "a temperature that is infinite": (
        lambda h: h.model.sample(temperature=float("inf")),
        2,
        "temperature: must be at most 1e+300, got inf",
    ),
    "no temperature": (
        lambda h: h.model.sample(temperature=None),
        2,
        "temperature: must be a number (at least 0), got None",
    ),
    "a temperature beyond floating-point numbers": (
        lambda h: h.model.sample(temperature=10**40 * 10**270),
        2,
        "temperature: must be at most 1e+300, got 100000000000000000000000000000000000000000000000000000000...",
    ),
    "a complex temperature": (
        lambda h: h.model.sample(temperature=1j),
        2,
        "temperature: must be a number (at least 0), got 1j",
    ),
    "no symbols": (lambda h: h.model.sample(top_k=0), 2, "top_k: must be at least 1, got 0"),
    "half a symbol": (lambda h: h.model.sample(top_k=2.5), 2, "top_k: must be a whole number (at least 1), got 2.5"),
    "symbols in quotes": (
        lambda h: h.model.sample(top_k="5"),
        2,
        "top_k: must be a whole number (at least 1), got '5'",
    ),
    "no probability": (lambda h: h.model.sample(top_p=0), 2, "top_p: must be above 0 and at most 1, got 0"),
    "a probability in per cent": (
        lambda h: h.model.sample(top_p=90),
        2,
        "top_p: must be above 0 and at most 1, got 90",
    ),
    "a probability that is no number": (
        lambda h: h.model.sample(top_p=float("nan")),
        2,
        "top_p: must be above 0 and at most 1, got nan",
    ),
    "a negative share": (lambda h: h.model.sample(min_p=-0.1), 2, "min_p: must be between 0 and 1, got -0.1"),
    "shares in a list": (
        lambda h: h.model.sample(min_p=[0.1]),
        2,
        "min_p: must be a number (between 0 and 1), got [0.1]",
    ),
    "a negative seed": (lambda h: h.model.sample(seed=-1), 2, "seed: must be between 0 and 2**64 - 1, got -1"),
    "a seed with a fraction": (
        lambda h: h.model.sample(seed=1.5),
        2,
        "seed: must be a whole number (between 0 and 2**64 - 1), got 1.5",
    ),
    "a seed in words": (
        lambda h: h.model.sample(seed="random"),
        2,
        "seed: must be a whole number (between 0 and 2**64 - 1), got 'random'",
    ),
    "a seed that is too large": (
        lambda h: h.model.sample(seed=2**64),
        2,
        "seed: must be between 0 and 2**64 - 1, got 18446744073709551616",
    ),
    "no texts": (lambda h: h.model.sample(count=0), 2, "count: must be at least 1, got 0"),
    "a text and a half": (
        lambda h: h.model.sample(count=1.5),
        2,
        "count: must be a whole number (at least 1), got 1.5",
    ),
    "no number of texts": (
        lambda h: h.model.sample(count=None),
        2,
        "count: must be a whole number (at least 1), got None",
    ),
    "too many texts": (lambda h: h.model.sample(count=10**6), 2, "count: must be at most 10,000, got 1000000"),
    "no lines": (lambda h: h.model.sample(lines=0), 2, "lines: must be at least 1, got 0"),
    "lines of a model without line ends": (
        lambda h: h.flat.sample(lines=3),
        2,
        "lines: runs/flat never saw a line end, so it writes none; give a length",
    ),
    "an empty stop": (
        lambda h: h.model.sample(stop=""),
        2,
        "stop: the empty text would end every text before its first character; leave it out",
    ),
    "a number for a stop": (lambda h: h.model.sample(stop=3), 2, "stop: must be text, got 3"),
    "two stops": (lambda h: h.model.sample(stop=["a", "b"]), 2, "stop: must be text, got ['a', 'b']"),
    "a stop that never comes": (
        lambda h: h.model.sample(stop="É"),
        2,
        "stop: not in the vocabulary of 12 symbols: 'É' (U+00C9 LATIN CAPITAL LETTER E WITH ACUTE; nearest 'e')",
    ),
    "an unknown policy": (
        lambda h: h.model.sample("tin", on_unknown="ignore"),
        2,
        "on_unknown: 'ignore' is not a policy; it must be one of error, skip, replace",
    ),
    "nothing to replace by": (
        lambda h: h.model.sample("tin", on_unknown="replace"),
        2,
        "on_unknown: 'replace' needs an unknown symbol, and this vocabulary has none (it is made when the corpus is read with min_count above 1); choose 'error' or 'skip'",
    ),
    "a stream of negative length": (
        lambda h: h.model.stream("tin", length=-1),
        2,
        "length: must be at least 0, got -1",
    ),
    "one character to score": (lambda h: h.model.score("t"), 2, "a text needs at least two characters to be scored"),
    "nothing to score": (lambda h: h.model.score(""), 2, "a text needs at least two characters to be scored"),
    "a score of nothing": (
        lambda h: h.model.score(None),
        2,
        "a text must be str, bytes or a list of ids, which are whole numbers, got None",
    ),
    "a score of what the model never saw": (
        lambda h: h.model.score("ÉÉ"),
        2,
        "not in the vocabulary of 12 symbols: 'É' (U+00C9 LATIN CAPITAL LETTER E WITH ACUTE; nearest 'e')",
    ),
    "a score with an unknown policy": (
        lambda h: h.model.score("tin", on_unknown="drop"),
        2,
        "on_unknown: 'drop' is not a policy; it must be one of error, skip, replace",
    ),
    "log-probabilities of what the model never saw": (
        lambda h: h.model.log_probabilities("É"),
        2,
        "not in the vocabulary of 12 symbols: 'É' (U+00C9 LATIN CAPITAL LETTER E WITH ACUTE; nearest 'e')",
    ),
    "log-probabilities of a number": (
        lambda h: h.model.log_probabilities(3.5),
        2,
        "a text must be str, bytes or a list of ids, which are whole numbers, got 3.5",
    ),
    "lines in a context that there is not": (
        lambda h: list(h.model.score_lines(["tin"], context="none")),
        2,
        "context: 'none' is not a choice (fresh, carry)",
    ),
    "several lines in one": (
        lambda h: list(h.model.score_lines(["tin\nra"])),
        2,
        r"lines: 'tin\nra' is more than one line; split it at its line ends",
    ),
    "a number for a line": (
        lambda h: list(h.model.score_lines([3])),
        2,
        "lines: runs/run is a model of chars; got 3",
    ),
    "bytes for a line of characters": (
        lambda h: list(h.model.score_lines([b"tin"])),
        2,
        "lines: runs/run is a model of chars; got b'tin'",
    ),
    "a line of a character that the model never saw": (
        lambda h: list(h.model.score_lines(["tin", "É"])),
        2,
        "line 2: not in the vocabulary of 12 symbols: 'É' (U+00C9 LATIN CAPITAL LETTER E WITH ACUTE; nearest 'e')",
    ),
    "lines to score with a model without line ends": (
        lambda h: list(h.flat.score_lines(["abba"])),
        2,
        "context: runs/flat never saw a line end, so it cannot read each line as if it followed one; choose carry",
    ),
    "too many characters to inspect": (
        lambda h: charlm.inspect(h.model, characters=50_001),
        2,
        "characters: must be at most 50,000, got 50001",
    ),
    "nothing to inspect": (
        lambda h: charlm.inspect(h.model, ""),
        2,
        "text: is empty; a unit is seen at work on a text of at least one character",
    ),
    "an unknown character to inspect": (
        lambda h: charlm.inspect(h.model, "É"),
        2,
        "not in the vocabulary of 12 symbols: 'É' (U+00C9 LATIN CAPITAL LETTER E WITH ACUTE; nearest 'e')",
    ),
    "too many guesses": (
        lambda h: list(h.model.score_lines(["tin"], guesses=101)),
        2,
        "guesses: must be at most 100, got 101",
    ),
    "half a guess": (
        lambda h: list(h.model.score_lines(["tin"], guesses=0.5)),
        2,
        "guesses: must be a whole number (at least 0), got 0.5",
    ),
    "no lines' file": (
        lambda h: h.model.read_lines("txet.txt"),
        1,
        "txet.txt: there is no such file; did you mean text.txt?",
    ),
    "an encoding of lines that there is not": (
        lambda h: h.model.read_lines("text.txt", encoding="latin-99"),
        2,
        "encoding: 'latin-99' is not a text encoding; did you mean 'latin-1'?",
    ),
    "an n-gram in words": (
        lambda h: charlm.load("runs/run", ngram="no"),
        2,
        "ngram: must be True or False, got 'no'",
    ),
    "a word for a dynamic score": (
        lambda h: h.model.score("tin ra", dynamic="yes"),
        2,
        "dynamic: must be True or False, got 'yes'",
    ),
    "a number for an unknown symbol": (
        lambda h: h.model.sample(allow_unknown=1),
        2,
        "allow_unknown: must be True or False, got 1",
    ),
    "a word for replacing a file": (
        lambda h: charlm.export_html(h.model, "page.html", overwrite="yes"),
        2,
        "overwrite: must be True or False, got 'yes'",
    ),
    "a word for replacing a run": (
        lambda h: charlm.train("small.yaml", "x", replace="yes"),
        2,
        "replace: must be True or False, got 'yes'",
    ),
    "a bytearray for bytes": (
        lambda h: h.model.score(bytearray(b"\1\2\3")),
        2,
        r"a text must be str, bytes or a list of ids, which are whole numbers, got bytearray(b'\x01\x02\x03')",
    ),
    "a text in place of lines": (
        lambda h: list(h.model.score_lines("tin ra")),
        2,
        "lines: must be a list of lines, or another iterable of them, got 'tin ra'",
    ),
    "a text in place of lines to compare": (
        lambda h: list(charlm.compare_lines([h.model, h.model], "tin ra")),
        2,
        "lines: must be a list of lines, or another iterable of them, got 'tin ra'",
    ),
    "no lines at all": (
        lambda h: list(h.model.score_lines(None)),
        2,
        "lines: must be a list of lines, or another iterable of them, got None",
    ),
    "a text written by a seed with a fraction": (
        lambda h: charlm.novelty(h.model, length=5, seed=1.5),
        2,
        "seed: must be a whole number (between 0 and 2**64 - 1), got 1.5",
    ),
    "novel items by a seed in words": (
        lambda h: list(charlm.novel_items(charlm.load("runs/names"), seed="random")),
        2,
        "seed: must be a whole number (between 0 and 2**64 - 1), got 'random'",
    ),
    "several novel items at once": (
        lambda h: list(charlm.novel_items(h.model, count=2)),
        2,
        "count: items are written one by one, each to its end; leave it out",
    ),
    "the name of a model to inspect": (
        lambda h: charlm.inspect("runs/run"),
        2,
        "model: must be a model, as `load` returns it, got 'runs/run'",
    ),
    "the name of a model to export": (
        lambda h: charlm.export_torch("runs/run", "x.safetensors"),
        2,
        "model: must be a model, as `load` returns it, got 'runs/run'",
    ),
    "several texts for a stream": (
        lambda h: list(h.model.stream("t", count=2)),
        2,
        "count: is of `sample` and `writing`; a stream is one text, so leave it out",
    ),
    "a text in place of a proposal": (
        lambda h: h.model.proposals("t").take(" in"),
        2,
        "a proposal or ids are taken, and no text; encode ' in' first",
    ),
    "a number in place of a proposal": (
        lambda h: h.model.proposals("t").take(3),
        2,
        "a text must be str, bytes or a list of ids, which are whole numbers, got 3",
    ),
    "a proposal of an unknown id": (
        lambda h: h.model.proposals("t").take([-1]),
        2,
        "ids must be between 0 and 11, got -1 to -1",
    ),
    "a proposal of nothing": (
        lambda h: h.model.proposals("t").take([]),
        2,
        "a proposal or ids are taken, and there are none; give at least one",
    ),
    "proposals in words": (
        lambda h: h.model.proposals("t").propose("some"),
        2,
        "number: must be a whole number of at least 1, got 'some'",
    ),
    "no proposals": (
        lambda h: h.model.proposals("t").propose(0),
        2,
        "number: must be a whole number of at least 1, got 0",
    ),
    "models by name to compare": (
        lambda h: list(charlm.compare_lines({"a": h.model, "b": h.model}, ["tin"])),
        2,
        "models: must be a list of models, as `load` returns them, got {'a': …",
    ),
    "one model alone to compare": (
        lambda h: list(charlm.compare_lines([h.model], ["tin"])),
        2,
        "models: at least two are needed for a comparison",
    ),
    "none of the likeliest": (lambda h: h.model.next_probabilities("t", top=0), 2, "top: must be at least 1, got 0"),
    "one and a half of the likeliest": (
        lambda h: h.model.next_probabilities("t", top=1.5),
        2,
        "top: must be a whole number (at least 1), got 1.5",
    ),
    "a file to score that is not there": (
        lambda h: h.model.read_files("txet.txt"),
        1,
        "txet.txt: there is no such file; did you mean text.txt?",
    ),
    "no files to score": (
        lambda h: h.model.read_files([]),
        2,
        "the path of the text is empty; it must name a file, a directory, a pattern or - for standard input",
    ),
    "a number for files": (lambda h: h.model.read_files(3), 2, "files: must be a path or a list of paths, got 3"),
    "a file in an encoding that there is not": (
        lambda h: h.model.read_files("text.txt", encoding="latin-99"),
        2,
        "encoding: 'latin-99' is not a text encoding; did you mean 'latin-1'?",
    ),
    "a number for an encoding": (
        lambda h: h.model.read_files("text.txt", encoding=5),
        2,
        "encoding: 5 is not a text encoding; for example utf-8, utf-16, cp1252, latin-1",
    ),
    "a file with a character that the model never saw": (
        lambda h: h.model.read_files("odd.txt"),
        2,
        "odd.txt: not in the vocabulary of 12 symbols: 'É' (U+00C9 LATIN CAPITAL LETTER E WITH ACUTE; nearest 'e')",
    ),
    "an empty text to judge": (
        lambda h: charlm.novelty(h.model, ""),
        2,
        "text: is empty; give a text, or a length of at least 1",
    ),
    "a way of writing for a text to judge": (
        lambda h: charlm.novelty(h.model, "tin", temperature=1.0),
        2,
        "temperature: says how a model writes; leave it out for a text that is given",
    ),
    "a sample of no length to judge": (
        lambda h: charlm.novelty(h.model, length=0),
        2,
        "text: is empty; give a text, or a length of at least 1",
    ),
    "no novel items": (lambda h: charlm.novel_items(h.names, items=0), 2, "items: must be at least 1, got 0"),
    "a part that there is not": (
        lambda h: h.model.read_part("tst"),
        2,
        "part: 'tst' is not a part of a corpus (train, valid, test)",
    ),
    "a part that was never held back": (
        lambda h: h.flat.read_part("valid"),
        2,
        "runs/flat: has no valid part (corpus.split.valid is 0); give a text of your own",
    ),
    "a corpus that is not there": (
        lambda h: h.model.read_part(corpus="txet.txt"),
        1,
        "runs/run: its corpus cannot be read again: txet.txt: there is no such file; did you mean text.txt? If it was moved, say where it is now",
    ),
    "a number for a corpus": (
        lambda h: h.model.read_part(corpus=5),
        2,
        "corpus: must be a path or a list of paths, got 5",
    ),
    "a configuration file that is not there": (
        lambda h: charlm.load_config("small.yml"),
        2,
        "small.yml: there is no such file; did you mean 'small.yaml'?",
    ),
    "a folder for a configuration file": (
        lambda h: charlm.load_config("void"),
        2,
        "void: is a directory; a configuration is a YAML file",
    ),
    "a number for a configuration file": (
        lambda h: charlm.load_config(5),
        2,
        "config: 5 is not a path; give text or a pathlib.Path",
    ),
    "a wrong value beside the file": (
        lambda h: charlm.load_config("small.yaml", {"model.cell": "grru"}),
        2,
        "model.cell: 'grru' is not a cell; did you mean 'gru'? (gru, lstm, lstm-1997, rnn, simple-gru)",
    ),
    "a section beside the file": (
        lambda h: charlm.load_config("small.yaml", {"model": {"cell": "gru"}}),
        2,
        "model: is a section; set one of its keys (model.cell, model.hidden_size, model.num_layers, model.embedding_size, model.dropout, model.ngram, model.tie_weights, model.dtype)",
    ),
    "a key without its section beside the file": (
        lambda h: charlm.load_config("small.yaml", {"hidden_size": 4}),
        2,
        "hidden_size: is not a key here; it belongs to model",
    ),
    "a number for a key": (
        lambda h: charlm.load_config("small.yaml", {5: 4}),
        2,
        "5: is not a key (corpus, preset, model, training, optimizer, schedule, seed, workers, kernels)",
    ),
    "a text for overrides": (
        lambda h: charlm.load_config("small.yaml", "model.cell=gru"),
        2,
        "overrides: must be a mapping, or a list of texts such as ['seed=2'], got 'model.cell=gru'",
    ),
    "numbers for overrides": (
        lambda h: charlm.load_config("small.yaml", [5]),
        2,
        "overrides: must be a mapping, or a list of texts such as ['seed=2'], got [5]",
    ),
    "an override without a value": (
        lambda h: charlm.load_config("small.yaml", ["model.cell"]),
        2,
        "model.cell: needs KEY=VALUE, such as model.hidden_size=512",
    ),
    "no configuration": (
        lambda h: charlm.train(),
        2,
        "config: is missing; give a configuration or a text, or resume a run",
    ),
    "an empty configuration": (
        lambda h: charlm.train({}, "x"),
        2,
        "corpus.path: is missing; name the text to learn from, such as data/plays/*.txt",
    ),
    "a list for a configuration": (
        lambda h: charlm.train([], "x"),
        2,
        "config: must be a Config, a mapping or a file, got []",
    ),
    "no run directory": (
        lambda h: charlm.train(h.config),
        2,
        "out: is missing; name the run directory, such as runs/mine",
    ),
    "an empty run directory": (
        lambda h: charlm.train(h.config, ""),
        2,
        "out: the path is empty; name a file or a directory",
    ),
    "a number for a run directory": (
        lambda h: charlm.train(h.config, 3),
        2,
        "out: 3 is not a path; give text or a pathlib.Path",
    ),
    "a run that is there already": (
        lambda h: charlm.train(h.config, "runs/run"),
        2,
        "runs/run: already holds a run (last.safetensors); resume it, replace it, or name another directory",
    ),
    "a file for a run directory": (
        lambda h: charlm.train(h.config, "text.txt"),
        2,
        "text.txt: cannot be a run directory: text.txt is a file; name another directory",
    ),
    "a NUL in a run directory": (
        lambda h: charlm.train(h.config, "a\0b"),
        2,
        r"out: a\x00b: has a NUL character (U+0000), which no path can have; remove it",
    ),
    "a text for a section": (
        lambda h: charlm.train({"corpus": "text.txt"}, "x"),
        2,
        "corpus: must be a section with keys (path, encoding, unit, mode, column, newlines, separator, normalize, lowercase, min_count, unknown, split), got 'text.txt'",
    ),
    "a number for a text": (
        lambda h: charlm.train({"corpus": {"path": 5}}, "x"),
        2,
        "corpus.path: must be a path or a list of paths, got 5",
    ),
    "a text that is not there": (
        lambda h: charlm.train({"corpus": {"path": Path("txet.txt")}}, "x"),
        1,
        "txet.txt: there is no such file; did you mean text.txt?",
    ),
    "three mistakes at once": (
        lambda h: charlm.train({"corpus": {"path": "text.txt"}, "modle": {}, "seed": -1, "model": {"cell": "x"}}, "x"),
        2,
        "model.cell: 'x' is not a cell (gru, lstm, lstm-1997, rnn, simple-gru)",
        "seed: must be at least 0, got -1",
        "modle: is not a key; did you mean 'model'? (corpus, preset, model, training, optimizer, schedule, seed, workers, kernels)",
    ),
    "negative minutes": (
        lambda h: charlm.train({"corpus": {"path": "text.txt"}, "training": {"max_minutes": -1}}, "x"),
        2,
        "training.max_minutes: must be above 0 or null, got -1",
    ),
    "minutes that are no number": (
        lambda h: charlm.train({"corpus": {"path": "text.txt"}, "training": {"max_minutes": float("nan")}}, "x"),
        2,
        "training.max_minutes: must be a finite number or null, got nan",
    ),
    "units in quotes": (
        lambda h: charlm.train({"corpus": {"path": "text.txt"}, "model": {"hidden_size": "64"}}, "x"),
        2,
        "model.hidden_size: must be a whole number, got '64', which is text; remove the quotes",
    ),
    "units beyond all limits": (
        lambda h: charlm.train({"corpus": {"path": "text.txt"}, "model": {"hidden_size": 10**400}}, "x"),
        2,
        "model.hidden_size: must be at most 65536, got 100000000000000000000000000000000000000000000000000000000...",
    ),
    "a number for a function": (
        lambda h: charlm.train(h.config, "x", on_step=3),
        2,
        "on_step: must be a function of an Update, got 3",
    ),
    "weights that are not there": (
        lambda h: charlm.train(h.config, "x", init_from="runs/rum"),
        2,
        "runs/rum: no such run or file; did you mean runs/run?",
    ),
    "an empty path of weights": (
        lambda h: charlm.train(h.config, "x", init_from=""),
        2,
        "init_from: the path is empty; name a file or a directory",
    ),
    "weights of another unit": (
        lambda h: charlm.train(h.config, "x", init_from="runs/bytes"),
        2,
        "corpus.unit is 'char' here and 'byte' in runs/bytes; use the latter",
    ),
    "changes of a new run": (
        lambda h: charlm.train(h.config, "x", changes=charlm.Changes(max_steps=3)),
        2,
        "changes: are of a run that is resumed; a new one has its configuration",
    ),
    "a run to resume that is not there": (
        lambda h: charlm.train(resume="runs/hal"),
        2,
        "runs/hal: no such run or file; did you mean runs/half?",
    ),
    "an empty path to resume": (
        lambda h: charlm.train(resume=""),
        2,
        "resume: the path is empty; name a file or a directory",
    ),
    "a folder of runs to resume": (
        lambda h: charlm.train(resume="runs"),
        2,
        "runs: holds no run itself; the runs there are: runs/bytes, runs/flat, runs/half, runs/names, runs/run",
    ),
    "a text to resume": (
        lambda h: charlm.train(resume="text.txt"),
        1,
        "text.txt: damaged, or not a checkpoint: it is text; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a model to resume without its training": (
        lambda h: charlm.train(resume="runs/run/best.safetensors"),
        2,
        "runs/run/best.safetensors: holds a model but no training to resume; start a run from its weights",
    ),
    "a configuration with a resume": (
        lambda h: charlm.train(h.config, resume="runs/half"),
        2,
        "resume: goes on exactly as the run began; leave out config, out, init_from and replace",
    ),
    "a mapping for changes": (
        lambda h: charlm.train(resume="runs/half", changes={"max_steps": 3}),
        2,
        "changes: must be charlm.Changes(...), got {'max_steps': 3}",
    ),
    "no steps in changes": (
        lambda h: charlm.train(resume="runs/half", changes=charlm.Changes(max_steps=0)),
        2,
        "runs/half/last.safetensors: training.max_steps: must be at least 1 or null, got 0",
    ),
    "steps in quotes in changes": (
        lambda h: charlm.train(resume="runs/half", changes=charlm.Changes(max_steps="3")),
        2,
        "runs/half/last.safetensors: training.max_steps: must be a whole number or null, got '3', which is text; remove the quotes",
    ),
    "negative epochs in changes": (
        lambda h: charlm.train(resume="runs/half", changes=charlm.Changes(epochs=-1)),
        2,
        "runs/half/last.safetensors: training.epochs: must be above 0 or null, got -1",
    ),
    "two lengths in changes": (
        lambda h: charlm.train(resume="runs/half", changes=charlm.Changes(epochs=1, max_steps=3)),
        2,
        "runs/half/last.safetensors: only one of epochs and max_steps may be given",
    ),
    "kernels that there are not in changes": (
        lambda h: charlm.train(resume="runs/half", changes=charlm.Changes(kernels="gpu")),
        2,
        "runs/half/last.safetensors: kernels: 'gpu' is not a choice of kernels (auto, numpy, fused)",
    ),
    "a corpus that is not there in changes": (
        lambda h: charlm.train(resume="runs/half", changes=charlm.Changes(corpus="txet.txt")),
        1,
        "runs/half: its corpus cannot be read again: txet.txt: there is no such file; did you mean text.txt? If it was moved, say where it is now",
    ),
    "no corpus in changes": (
        lambda h: charlm.train(resume="runs/half", changes=charlm.Changes(corpus=())),
        2,
        "runs/half/last.safetensors: corpus.path: must be a path or a list of paths, got []",
    ),
    "a length that is over": (
        lambda h: charlm.train(resume="runs/run", changes=charlm.Changes(max_steps=3)),
        2,
        "runs/run: has done 24 steps; a length of 3 leaves nothing to do; give more",
    ),
    "a number for a corpus to report on": (
        lambda h: charlm.corpus_report(3),
        2,
        "path: must be a path or a list of paths, got 3",
    ),
    "a corpus to report on that is not there": (
        lambda h: charlm.corpus_report("txet.txt"),
        1,
        "txet.txt: there is no such file; did you mean text.txt?",
    ),
    "a corpus to report on in an encoding that there is not": (
        lambda h: charlm.corpus_report("text.txt", encoding=5),
        2,
        "encoding: 5 is not a text encoding; for example utf-8, utf-16, cp1252, latin-1",
    ),
    "a corpus to report on in a unit that there is not": (
        lambda h: charlm.corpus_report("text.txt", unit="bytes"),
        2,
        "corpus.unit: 'bytes' is not a choice; did you mean 'byte'? (char, byte)",
    ),
    "a corpus to report on in a mode that there is not": (
        lambda h: charlm.corpus_report("text.txt", mode="line"),
        2,
        "corpus.mode: 'line' is not a choice; did you mean 'lines'? (stream, lines)",
    ),
    "a corpus to report on in a mode that there is not, with a column": (
        lambda h: charlm.corpus_report("films.csv", column="title", mode="line"),
        2,
        "corpus.mode: 'line' is not a choice; did you mean 'lines'? (stream, lines)",
    ),
    "a corpus to report on in a part": (
        lambda h: charlm.corpus_report("text.txt", split={"train": 1}),
        2,
        "split: must be a mapping of train, valid, test to their fractions, got {'train': 1}",
    ),
    "a corpus to report on in a list of parts": (
        lambda h: charlm.corpus_report("text.txt", split=[0.9, 0.1, 0]),
        2,
        "split: must be a mapping of train, valid, test to their fractions, got [0.9, 0.1, 0]",
    ),
    "a corpus to report on in parts in quotes": (
        lambda h: charlm.corpus_report("text.txt", split={"train": "0.9", "valid": 0.1, "test": 0}),
        2,
        "split: must have finite numbers, got '0.9' for train",
    ),
    "no runs to plot": (lambda h: charlm.plot(), 2, "runs: there are none; name a run directory"),
    "a list of runs to plot": (
        lambda h: charlm.plot(["runs/run", "runs/bytes"]),
        2,
        "run: ['runs/run', 'runs/bytes'] is not a path; give text or a pathlib.Path",
    ),
    "an x like none": (
        lambda h: charlm.plot("runs/run", x="step"),
        2,
        "x: must be steps, characters or minutes, got 'step'; did you mean 'steps'?",
    ),
    "no x": (lambda h: charlm.plot("runs/run", x=None), 2, "x: must be steps, characters or minutes, got None"),
    "all of the past": (
        lambda h: charlm.plot("runs/run", smooth=1),
        2,
        "smooth: must be at least 0 and below 1, got 1",
    ),
    "a start that is no number": (
        lambda h: charlm.plot("runs/run", start=float("nan")),
        2,
        "start: must be finite and at least 0, got nan",
    ),
    "curves of a text": (lambda h: charlm.curves("text.txt"), 2, "text.txt: is no run directory and no metrics.jsonl"),
    "a list of nothing": (lambda h: charlm.runs("nowhere"), 2, "nowhere: is not there; name a directory of runs"),
    "runs of a number": (lambda h: charlm.runs(3), 2, "directory: 3 is not a path; give text or a pathlib.Path"),
    "a difference from nothing": (
        lambda h: charlm.compare_configs("runs/run", ""),
        2,
        "second: the path is empty; name a file or a directory",
    ),
    "no gradient": (lambda h: charlm.gradflow(), 2, "sources: there are none; name a run or a configuration"),
    "the gradient of a number": (
        lambda h: charlm.gradflow(3),
        2,
        "source: 3 is not a path; give text or a pathlib.Path",
    ),
    "the gradient of a cell like none": (
        lambda h: charlm.gradflow("small.yaml", cells=["lstmm"]),
        2,
        "cells: 'lstmm' is not a cell; did you mean 'lstm'? (gru, lstm, lstm-1997, rnn, simple-gru)",
    ),
    "the cells of a run": (
        lambda h: charlm.gradflow("runs/run", cells=["lstm"]),
        2,
        "cells: is for configurations, and runs/run is none; leave out the one or the other",
    ),
    "a cell in place of a list": (
        lambda h: charlm.gradflow("small.yaml", cells="lstm"),
        2,
        "cells: must be a list of texts, such as ['lstm'], got 'lstm'",
    ),
    "half a lag": (
        lambda h: charlm.gradflow("runs/run", lags=1.5),
        2,
        "lags: must be a whole number (at least 1), got 1.5",
    ),
    "too many windows": (
        lambda h: charlm.gradflow("runs/run", windows=10**5),
        2,
        "windows: must be at most 10,000, got 100000",
    ),
    "a layer that is not there": (
        lambda h: charlm.gradflow("runs/run", lags=3).plot(layer=1),
        2,
        "layer: runs/run has no layer 1; choose at most 0",
    ),
    "a weight in quotes": (
        lambda h: charlm.toy_gradflow(weights=["1"]),
        2,
        "weights: must be numbers from -1,000 to 1,000, got '1'",
    ),
    "a gate above one": (lambda h: charlm.toy_gradflow(gates=[1.5]), 2, "gates: must be numbers from 0 to 1, got 1.5"),
    "a weight that is not a list": (
        lambda h: charlm.toy_gradflow(weights=1),
        2,
        "weights: must be a list of numbers, got 1",
    ),
    "an array without an axis": (
        lambda h: charlm.toy_gradflow(gates=np.array(0.5)),
        2,
        "gates: must be a list of numbers, got 0.5",
    ),
    "a chart as wide as a letter": (
        lambda h: charlm.plot("runs/run").text(columns="a"),
        2,
        "columns: must be a whole number (at least 0), got 'a'",
    ),
    "colours in words": (
        lambda h: charlm.plot("runs/run").text(coloured="no"),
        2,
        "coloured: must be True or False, got 'no'",
    ),
    "a picture to a number": (
        lambda h: charlm.plot("runs/run").save(3),
        2,
        "path: 3 is not a path; give text or a pathlib.Path",
    ),
    "a picture over a file": (
        lambda h: charlm.plot("runs/run").save("odd.txt"),
        2,
        "odd.txt: there is such a file; name another one, or replace it",
    ),
    "a picture to standard output": (
        lambda h: charlm.plot("runs/run").save("-"),
        2,
        "-: is no name of a file here; name one, such as curves.svg",
    ),
    "a picture in no folder": (
        lambda h: charlm.plot("runs/run").save("nowhere/x.svg"),
        2,
        "nowhere/x.svg: there is no folder nowhere to write it to; make it first",
    ),
    "a unit that is not there": (
        lambda h: charlm.inspect(h.model, "tin tin").traces.of("l1.h.0"),
        2,
        "unit: 'l1.h.0' is no unit of this network; it has l0.i.0 to l0.c.7, and a layer has i, f, g, o, h, c",
    ),
}
