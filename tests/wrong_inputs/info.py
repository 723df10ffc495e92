"""What a person may get wrong with `charlm info`."""

INFO = {
    "no model": ("info", 2, "Missing argument 'MODEL'. Try `charlm info --help`."),
    "a run that is not there": (
        "info nowhere",
        2,
        "nowhere: no such run or file; the runs there are: runs/bytes, runs/flat, runs/half, runs/names, runs/run",
    ),
    "the folder of the runs": (
        "info runs",
        2,
        "runs: no checkpoint in this folder (best.safetensors or last.safetensors); the runs there are: runs/bytes, runs/flat, runs/half, runs/names, runs/run",
    ),
    "an empty folder": (
        "info void",
        2,
        "void: no checkpoint in this folder (best.safetensors or last.safetensors); `charlm train CONFIG` makes a run",
    ),
    "a text": (
        "info text.txt",
        1,
        "text.txt: damaged, or not a checkpoint: it is text; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "an empty file": (
        "info empty.txt",
        1,
        "empty.txt: damaged, or not a checkpoint: it is empty; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a configuration": (
        "info small.yaml",
        1,
        "small.yaml: damaged, or not a checkpoint: it is text; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "the samples of a run": (
        "info runs/run/samples.txt",
        2,
        "runs/run/samples.txt: is no checkpoint, but lies in a run; did you mean runs/run?",
    ),
    "a damaged checkpoint": (
        "info damaged.safetensors",
        1,
        "damaged.safetensors: damaged: its tensors do not match their checksum; use another copy of the file",
    ),
    "a cut checkpoint": (
        "info cut.safetensors",
        1,
        "cut.safetensors: damaged, or not a checkpoint: it has … bytes and its header describes …; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a checkpoint cut in its header": (
        "info head.safetensors",
        1,
        "head.safetensors: damaged, or not a checkpoint: it has only a part of its header; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a checkpoint of something else": (
        "info other.safetensors",
        1,
        "other.safetensors: not a model that this charlm knows: its metadata has no architecture",
    ),
    "a checkpoint of a later version": (
        "info later.safetensors",
        1,
        "later.safetensors: written by charlm 9.0.0, a later version than this one (…): its cell 'mamba' is not known here; update charlm",
    ),
    "a PyTorch model": (
        "info model.pt",
        1,
        "model.pt: damaged, or not a checkpoint: it is a zip archive, as PyTorch's and Keras's models are; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a GGUF model": (
        "info llama.gguf",
        1,
        "llama.gguf: damaged, or not a checkpoint: it is a GGUF model; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "an image": (
        "info picture.png",
        1,
        "picture.png: damaged, or not a checkpoint: it is a PNG image; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "another program's safetensors": (
        "info bert.safetensors",
        1,
        "bert.safetensors: a safetensors file, but not charlm's: its metadata has no entry 'charlm'; a checkpoint is a file that `charlm train` wrote",
    ),
    "a device": (
        "info /dev/zero",
        2,
        "/dev/zero: is no ordinary file; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a named pipe": (
        "info pipe",
        2,
        "pipe: is no ordinary file; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "an empty path": ('info ""', 2, "Invalid value for 'MODEL': is empty; give a path. Try `charlm info --help`."),
    "a home that is not known": (
        'info "~nobody-of-this-name"',
        2,
        "~nobody-of-this-name: the home directory ~nobody-of-this-name is not known; write the path out, or put ./ before a name that begins with ~",
    ),
    "a line end in the path": ('info "no\\nrun"', 2, r"no\nrun: no such run or file; did you mean runs/run?"),
    "two models": (
        "info runs/run runs/half",
        2,
        "Got unexpected extra argument (runs/half). Try `charlm info --help`.",
    ),
    "an unknown option": ("info runs/run --yaml", 2, "No such option '--yaml'. Try `charlm info --help`."),
}
