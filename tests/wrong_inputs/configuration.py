"""What a person may get wrong with `charlm config`."""

CONFIG = {
    "a file that is not there": ("config nowhere.yaml", 2, "nowhere.yaml: there is no such file"),
    "a key for a file": ("config model.cell", 2, "model.cell: there is no such file"),
    "a folder": ("config runs", 2, "runs: is a directory; a configuration is a YAML file"),
    "a run": (
        "config runs/run",
        2,
        "runs/run: is a directory; a configuration is a YAML file; did you mean runs/run/config.yaml?",
    ),
    "a checkpoint": (
        "config runs/run/last.safetensors",
        2,
        "runs/run/last.safetensors: is a safetensors file, as checkpoints are; a configuration is a YAML file",
    ),
    "an image": ("config picture.png", 2, "picture.png: is a PNG image; a configuration is a YAML file"),
    "a text in Latin-1": ("config latin.yaml", 2, "latin.yaml:2: is not UTF-8 text (byte 0xfc); save it as UTF-8"),
    "tabs": (
        "config tabs.yaml",
        2,
        r"tabs.yaml:2: is not valid YAML: found character '\t' that cannot start any token; indent with spaces instead of tabs",
    ),
    "a list": (
        "config list.yaml",
        2,
        "list.yaml: must be a configuration with keys (corpus, preset, model, training, optimizer, schedule, seed, workers, kernels), got ['text.txt', 'one.txt']; the text to learn from is named by corpus.path in it",
    ),
    "five mistakes at once": (
        "config many.yaml",
        2,
        "many.yaml:4: model.cell: 'lstmm' is not a cell; did you mean 'lstm'? (gru, lstm, lstm-1997, rnn, simple-gru)",
        "many.yaml:5: model.hiden_size: is not a key; did you mean 'hidden_size'? (cell, hidden_size, num_layers, embedding_size, dropout, ngram, tie_weights, dtype)",
        "many.yaml:6: model.num_layers: must be a whole number, got 'two'",
        "many.yaml:8: training.batch_size: must be at least 1, got -4",
        "many.yaml:9: seed: must be a whole number, got 1.5",
    ),
    "a line end in the path": ('config "a\\nb.yaml"', 2, r"a\nb.yaml: there is no such file"),
    "two files": (
        "config small.yaml many.yaml",
        2,
        "Got unexpected extra argument (many.yaml). Try `charlm config --help`.",
    ),
    "a schema of a file": (
        "config --schema small.yaml",
        2,
        "--schema: describes all configurations; leave CONFIG and --set out",
    ),
    "a schema with a value": (
        "config --schema --set seed=1",
        2,
        "--schema: describes all configurations; leave CONFIG and --set out",
    ),
    "values without a text to learn from": (
        "config --set seed=1",
        2,
        "corpus.path: is missing; name the text to learn from, such as data/plays/*.txt",
    ),
    "an override without a value": (
        "config --set seed",
        2,
        "--set seed: needs KEY=VALUE, such as model.hidden_size=512",
    ),
    "an escape in a value": (
        'config small.yaml --set "seed=\\e"',
        2,
        r"--set seed:1: is not valid YAML: '\x1b' is a control character",
    ),
    "an unknown option": ("config --default", 2, "No such option '--default'. Try `charlm config --help`."),
}
