"""What a person may get wrong with `charlm bench`."""

BENCH = {
    "a configuration that is not there": ("bench nowhere.yaml", 2, "nowhere.yaml: there is no such file"),
    "a folder": ("bench runs", 2, "runs: is a directory; a configuration is a YAML file"),
    "a run": (
        "bench runs/run",
        2,
        "runs/run: is a directory; a configuration is a YAML file; did you mean runs/run/config.yaml?",
    ),
    "a checkpoint": (
        "bench runs/run/best.safetensors",
        2,
        "runs/run/best.safetensors: is a safetensors file, as checkpoints are; a configuration is a YAML file",
    ),
    "five mistakes at once": (
        "bench many.yaml",
        2,
        "many.yaml:4: model.cell: 'lstmm' is not a cell; did you mean 'lstm'? (gru, lstm, lstm-1997, rnn, simple-gru)",
        "many.yaml:5: model.hiden_size: is not a key; did you mean 'hidden_size'? (cell, hidden_size, num_layers, embedding_size, dropout, ngram, tie_weights, dtype)",
        "many.yaml:6: model.num_layers: must be a whole number, got 'two'",
        "many.yaml:8: training.batch_size: must be at least 1, got -4",
        "many.yaml:9: seed: must be a whole number, got 1.5",
    ),
    "two configurations": (
        "bench small.yaml small.yaml",
        2,
        "Got unexpected extra argument (small.yaml). Try `charlm bench --help`.",
    ),
    "no steps": (
        "bench small.yaml --repeat 0",
        2,
        "Invalid value for '--repeat': must be a whole number of at least 1 and at most 1,000,000, got '0'. Try `charlm bench --help`.",
    ),
    "steps in words": (
        "bench small.yaml --repeat many",
        2,
        "Invalid value for '--repeat': must be a whole number of at least 1 and at most 1,000,000, got 'many'. Try `charlm bench --help`.",
    ),
    "one symbol": (
        "bench small.yaml --vocabulary 1",
        2,
        "Invalid value for '--vocabulary': must be a whole number of at least 2 and at most 1,114,112, got '1'. Try `charlm bench --help`.",
    ),
    "a hexadecimal number": (
        "bench small.yaml --vocabulary 0x10",
        2,
        "Invalid value for '--vocabulary': must be a whole number of at least 2 and at most 1,114,112, got '0x10'. Try `charlm bench --help`.",
    ),
    "a misspelt cell": (
        "bench small.yaml --set model.cell=gruu",
        2,
        "--set model.cell: 'gruu' is not a cell; did you mean 'gru'? (gru, lstm, lstm-1997, rnn, simple-gru)",
    ),
    "no units": ("bench --set model.hidden_size=0", 2, "--set model.hidden_size: must be at least 1, got 0"),
    "more than the memory": (
        "bench --set training.batch_size=1000000 --set training.seq_length=1000000",
        2,
        "the training takes about … GB of memory, and this machine has … GB; lower model.hidden_size, training.batch_size or training.seq_length",
    ),
    "kernels as an option": (
        "bench --kernels fused",
        2,
        "No such option '--kernels'; it is a key of the configuration: `--set kernels=VALUE`. Try `charlm bench --help`.",
    ),
    "units as an option": (
        "bench --hidden-size 3",
        2,
        "No such option '--hidden-size'; it is a key of the configuration: `--set model.hidden_size=VALUE`. Try `charlm bench --help`.",
    ),
}
