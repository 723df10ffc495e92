"""What a person may get wrong with `charlm export`."""

EXPORT = {
    "no model": ("export", 2, "Missing argument 'MODEL'. Try `charlm export --help`."),
    "a run that is not there": (
        "export runs/rum --torch t.safetensors",
        2,
        "runs/rum: no such run or file; did you mean runs/run?",
    ),
    "nothing to write": (
        "export runs/run",
        2,
        "nothing to write; give --torch, --onnx or --html with the name of a file",
    ),
    "no name": (
        'export runs/run --torch ""',
        2,
        "Invalid value for '--torch': is empty; give a path. Try `charlm export --help`.",
    ),
    "a folder that is not there": (
        "export runs/run --torch no/t.safetensors",
        2,
        "no/t.safetensors: there is no folder no to write it to; make it first",
    ),
    "a folder": (
        "export runs/run --torch runs",
        2,
        "runs: is a folder; name a file in it, such as runs/torch.safetensors",
    ),
    "a file that is there": (
        "export runs/run --onnx odd.txt",
        2,
        "odd.txt: there is such a file; name another one, or replace it (--force)",
    ),
    "the model's own file": (
        "export runs/run --torch runs/run/best.safetensors --force",
        2,
        "runs/run/best.safetensors: is a file that is read here; name another one",
    ),
    "the model's own corpus": (
        "export runs/run --html text.txt --force",
        2,
        "text.txt: is a file that is read here; name another one",
    ),
    "two files, the second of which is there": (
        "export runs/run --torch t.safetensors --html odd.txt",
        2,
        "odd.txt: there is such a file; name another one, or replace it (--force)",
    ),
    "the same file twice": (
        "export runs/run --torch a.out --onnx ./a.out",
        2,
        "--onnx: names the file of --torch; give each a file of its own",
    ),
    "weights without a page": (
        "export runs/run --torch t.safetensors --weights int8",
        2,
        "--weights: is about the weights of a page; add --html, or leave it out",
    ),
    "a corpus without a page": (
        "export runs/run --torch t.safetensors --corpus text.txt",
        2,
        "--corpus: is about the weights of a page; add --html, or leave it out",
    ),
    "a corpus that is another text": (
        "export runs/run --html p.html --corpus same.txt",
        1,
        "runs/run: its corpus cannot be read again: same.txt: has one distinct character, 'a'; …; if it was moved, say where it is now (--corpus)",
    ),
    "weights that there are not": (
        "export runs/run --html p.html --weights int4",
        2,
        "Invalid value for '--weights': 'int4' is not one of 'float16', 'int8', 'float32'. Try `charlm export --help`.",
    ),
    "a page in a folder that is not there": (
        "export runs/run --html no/p.html",
        2,
        "no/p.html: there is no folder no to write it to; make it first",
    ),
    "a text for a model": (
        "export text.txt --torch t.safetensors",
        1,
        "text.txt: damaged, or not a checkpoint: it is text; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a graph to standard output": (
        "export runs/run --onnx -",
        2,
        "-: is no name of a file here; name one, such as step.onnx",
    ),
    "a misspelt option": (
        "export runs/run --toch t.safetensors",
        2,
        "No such option '--toch'; did you mean '--torch'? Try `charlm export --help`.",
    ),
}
