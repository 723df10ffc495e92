"""What a person may get wrong with `charlm gradcheck`."""

GRADCHECK = {
    "no configuration": ("gradcheck", 2, "Missing argument 'CONFIG'. Try `charlm gradcheck --help`."),
    "a configuration that is not there": (
        "gradcheck Small.yml",
        2,
        "Small.yml: there is no such file; did you mean 'small.yaml'?",
    ),
    "a folder": ("gradcheck runs", 2, "runs: is a directory; a configuration is a YAML file"),
    "a run": (
        "gradcheck runs/run",
        2,
        "runs/run: is a directory; a configuration is a YAML file; did you mean runs/run/config.yaml?",
    ),
    "a checkpoint": (
        "gradcheck runs/run/best.safetensors",
        2,
        "runs/run/best.safetensors: is a safetensors file, as checkpoints are; a configuration is a YAML file",
    ),
    "a text": (
        "gradcheck text.txt",
        2,
        "text.txt: must be a configuration with keys (corpus, preset, model, training, optimizer, schedule, seed, workers, kernels), got 'o ontns a uaa o rose larrs o ou sn nllt ontns lnin nlioa...; the text to learn from is named by corpus.path in it",
    ),
    "an empty configuration": (
        "gradcheck empty.txt",
        2,
        "empty.txt: corpus.path: is missing; name the text to learn from, such as data/plays/*.txt",
    ),
    "five mistakes at once": (
        "gradcheck many.yaml",
        2,
        "many.yaml:4: model.cell: 'lstmm' is not a cell; did you mean 'lstm'? (gru, lstm, lstm-1997, rnn, simple-gru)",
        "many.yaml:5: model.hiden_size: is not a key; did you mean 'hidden_size'? (cell, hidden_size, num_layers, embedding_size, dropout, ngram, tie_weights, dtype)",
        "many.yaml:6: model.num_layers: must be a whole number, got 'two'",
        "many.yaml:8: training.batch_size: must be at least 1, got -4",
        "many.yaml:9: seed: must be a whole number, got 1.5",
    ),
    "two configurations": (
        "gradcheck small.yaml small.yaml",
        2,
        "Got unexpected extra argument (small.yaml). Try `charlm gradcheck --help`.",
    ),
    "a misspelt cell": (
        "gradcheck small.yaml --set model.cell=gruu",
        2,
        "--set model.cell: 'gruu' is not a cell; did you mean 'gru'? (gru, lstm, lstm-1997, rnn, simple-gru)",
    ),
    "a misspelt section": (
        "gradcheck small.yaml --set modle.cell=gru",
        2,
        "--set modle.cell: is not a key here; it belongs to model",
    ),
    "a wrong type": (
        "gradcheck small.yaml --set model.num_layers=two",
        2,
        "--set model.num_layers: must be a whole number, got 'two'",
    ),
    "an impossible rate": (
        "gradcheck small.yaml --set model.dropout.input=1",
        2,
        "--set model.dropout.input: must be below 1, got 1",
    ),
    "options that do not agree": (
        "gradcheck small.yaml --set model.tie_weights=true",
        2,
        "--set model.tie_weights: needs model.embedding_size equal to model.hidden_size (8), got null",
    ),
    "nothing to check": (
        "gradcheck small.yaml --most 0",
        2,
        "Invalid value for '--most': must be a whole number of at least 1 and at most 1,000,000, got '0'. Try `charlm gradcheck --help`.",
    ),
    "all of it": (
        "gradcheck small.yaml --most all",
        2,
        "Invalid value for '--most': must be a whole number of at least 1 and at most 1,000,000, got 'all'. Try `charlm gradcheck --help`.",
    ),
    "a step of differences as an option": (
        "gradcheck small.yaml --epsilon 1e-3",
        2,
        "No such option '--epsilon'. Try `charlm gradcheck --help`.",
    ),
    "a cell as an option": (
        "gradcheck small.yaml --cell gru",
        2,
        "No such option '--cell'; it is a key of the configuration: `--set model.cell=VALUE`. Try `charlm gradcheck --help`.",
    ),
}
