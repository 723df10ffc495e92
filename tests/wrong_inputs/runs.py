"""What a person may get wrong with `charlm runs`."""

RUNS = {
    "a folder that is not there": ("runs nowhere", 2, "nowhere: is not there; name a directory of runs"),
    "a file": ("runs text.txt", 2, "text.txt: is no directory; name a directory of runs"),
    "a named pipe": ("runs pipe", 2, "pipe: is no directory; name a directory of runs"),
    "a folder without runs": ("runs void", 0, "void: holds no run; `charlm train CONFIG` makes one"),
    "an empty name": ("runs ''", 2, "Invalid value for '[DIR]': is empty; give a path. Try `charlm runs --help`."),
    "two folders": ("runs runs void", 2, "Got unexpected extra argument (void). Try `charlm runs --help`."),
    "a difference of one": (
        "runs --diff runs/run",
        2,
        "Option '--diff' requires 2 arguments. Try `charlm runs --help`.",
    ),
    "a difference of three": (
        "runs --diff runs/run runs/half runs/flat",
        2,
        "runs/flat: --diff takes two configurations and no directory; leave it out",
    ),
    "a difference from a run that is not there": (
        "runs --diff runs/run runs/hal",
        2,
        "runs/hal: no such run or file; did you mean runs/half?",
    ),
    "a difference from a text": (
        "runs --diff runs/run text.txt",
        1,
        "text.txt: damaged, or not a checkpoint: it is text; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a difference from a configuration with mistakes": (
        "runs --diff twice.yaml runs/run",
        2,
        "twice.yaml:4: seed: is given twice; keep this one or the one at twice.yaml:3",
    ),
    "a difference from a configuration that is not there": (
        "runs --diff runs/run Small.yaml",
        2,
        "Small.yaml: there is no such file; did you mean 'small.yaml'?",
    ),
    "a difference of the same": ("runs --diff runs/run runs/run", 0, "the configurations are the same"),
    "a misspelt option": ("runs --jsn", 2, "No such option '--jsn'; did you mean '--json'? Try `charlm runs --help`."),
}
