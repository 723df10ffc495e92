"""What a person may get wrong with `charlm train`."""

TRAIN = {
    "no configuration": (
        "train",
        2,
        "a text or a configuration is missing: `charlm train mine.txt`, `charlm train configs/plays.yaml`, or `--resume RUN` to go on with a run",
    ),
    "a configuration that is not there": ("train nowhere.yaml", 2, "nowhere.yaml: there is no such file"),
    "a configuration in other letters": (
        "train Small.yaml",
        2,
        "Small.yaml: there is no such file; did you mean 'small.yaml'?",
    ),
    "a configuration of the other suffix": (
        "train small.yml",
        2,
        "small.yml: there is no such file; did you mean 'small.yaml'?",
    ),
    "a configuration without its suffix": (
        "train small",
        2,
        "small: there is no such file; did you mean 'small.yaml'?",
    ),
    "a configuration in a folder that is not there": (
        "train confs/small.yaml",
        2,
        "confs/small.yaml: there is no such file, nor a directory confs",
    ),
    "a text after the configuration": (
        "train small.yaml text.txt",
        2,
        "text.txt: is one too many; give at most one configuration, and several texts as in `charlm train small.yaml --corpus text.txt`",
    ),
    "three texts": (
        "train text.txt 'a b.txt' c.txt",
        2,
        "a b.txt: is one too many; give at most one configuration, and several texts as in `charlm train --corpus text.txt --corpus 'a b.txt'`",
    ),
    "two configurations": (
        "train small.yaml many.yaml",
        2,
        "many.yaml: is one too many; give at most one configuration, and several texts as in `charlm train small.yaml --corpus TEXT`",
    ),
    "a text of another suffix": (
        "train notes.tex --out new",
        2,
        "notes.tex:2: is not valid YAML: mapping values are not allowed here (for a text: `charlm train --corpus notes.tex`)",
    ),
    "a mistake in a configuration of another suffix": (
        "train mine.conf",
        2,
        "mine.conf:2: model.hiden_size: is not a key; did you mean 'hidden_size'? …num_layers…",
    ),
    "a folder of texts for a configuration": (
        "train verses",
        2,
        "verses: is a directory; a configuration is a YAML file (for a text: `charlm train --corpus verses`)",
    ),
    "a folder of runs for a configuration": ("train runs", 2, "runs: is a directory; a configuration is a YAML file"),
    "a run for a configuration": (
        "train runs/run",
        2,
        "runs/run: is a directory; a configuration is a YAML file; did you mean runs/run/config.yaml?",
    ),
    "a checkpoint for a configuration": (
        "train runs/run/last.safetensors",
        2,
        "runs/run/last.safetensors: is a safetensors file, as checkpoints are; a configuration is a YAML file",
    ),
    "an image for a configuration": (
        "train picture.png",
        2,
        "picture.png: is a PNG image; a configuration is a YAML file",
    ),
    "a zip archive for a configuration": (
        "train archive.zip",
        2,
        "archive.zip: is a zip archive, as PyTorch's and Keras's models are; a configuration is a YAML file",
    ),
    "a PyTorch model for a configuration": (
        "train model.pt",
        2,
        "model.pt: is a zip archive, as PyTorch's and Keras's models are; a configuration is a YAML file",
    ),
    "a GGUF model for a configuration": (
        "train llama.gguf",
        2,
        "llama.gguf: is a GGUF model; a configuration is a YAML file",
    ),
    "a list in JSON for a configuration": (
        "train list.json",
        2,
        "list.json: must be a configuration with keys (corpus, preset, model, training, optimizer, schedule, seed, workers, kernels), got [1, 2, 3]; the text to learn from is named by corpus.path in it",
    ),
    "a list for a configuration": (
        "train list.yaml",
        2,
        "list.yaml: must be a configuration with keys (corpus, preset, model, training, optimizer, schedule, seed, workers, kernels), got ['text.txt', 'one.txt']; the text to learn from is named by corpus.path in it",
    ),
    "a word for a configuration": (
        "train word.yaml",
        2,
        "word.yaml: must be a configuration with keys (corpus, preset, model, training, optimizer, schedule, seed, workers, kernels), got 'hello'; the text to learn from is named by corpus.path in it",
    ),
    "a device for a configuration": ("train /dev/null", 2, "/dev/null: is a device; a configuration is a YAML file"),
    "a text of the run that is replaced": (
        "train small.yaml --corpus runs/run/samples.txt --out runs/run --force",
        2,
        "runs/run: the text runs/run/samples.txt is a file of the run that would be replaced; copy it to another place, or name another directory (--out)",
    ),
    "a preset that there is not, beside a text": (
        "train text.txt --set preset=foo",
        2,
        "--set preset: 'foo' is not a preset (auto, null)",
    ),
    "a text, and another one": (
        "train text.txt --set corpus.path=odd.txt",
        2,
        "--set corpus.path: --corpus, or the TEXT, gives the same key; leave one of them out",
    ),
    "a length twice": (
        "train small.yaml --max-steps 3 --set training.max_steps=4",
        2,
        "--set training.max_steps: --max-steps gives the same key; leave one of them out",
    ),
    "a named pipe for a configuration": ("train pipe", 2, "pipe: is a named pipe; a configuration is a YAML file"),
    "an empty path for a configuration": (
        'train ""',
        2,
        "Invalid value for '[CONFIG|TEXT]': is empty; give a path. Try `charlm train --help`.",
    ),
    "an empty text in place of a configuration": (
        "train empty.txt",
        1,
        "empty.txt: is empty; a corpus needs some text to learn from",
    ),
    "a line end in the path of a configuration": (
        'train "sm\\nall.yaml"',
        2,
        r"sm\nall.yaml: there is no such file; did you mean 'small.yaml'?",
    ),
    "an escape in the path of a configuration": (
        'train "sm\\eall.yaml"',
        2,
        r"sm\x1ball.yaml: there is no such file; did you mean 'small.yaml'?",
    ),
    "a NUL in the path of a configuration": (
        'train "sm\\0all.yaml"',
        2,
        r"sm\x00all.yaml: has a NUL character (U+0000), which no path can have; remove it",
    ),
    "a home that is not known": (
        'train "~nobody-of-this-name/small.yaml"',
        2,
        "~nobody-of-this-name/small.yaml: the home directory ~nobody-of-this-name is not known; write the path out, or put ./ before a name that begins with ~",
    ),
    "a configuration in Latin-1": (
        "train latin.yaml",
        2,
        "latin.yaml:2: is not UTF-8 text (byte 0xfc); save it as UTF-8",
    ),
    "a configuration with tabs": (
        "train tabs.yaml",
        2,
        r"tabs.yaml:2: is not valid YAML: found character '\t' that cannot start any token; indent with spaces instead of tabs",
    ),
    "a configuration with an open bracket": (
        "train open.yaml",
        2,
        "open.yaml:2: is not valid YAML: expected ',' or '}', but got '<stream end>'",
    ),
    "a configuration with an anchor": (
        "train anchor.yaml",
        2,
        "anchor.yaml:1: is not valid YAML: aliases, anchors and tags have no use here; put text that begins with '*', '&' or '!' in quotes",
    ),
    "a key given twice": (
        "train twice.yaml",
        2,
        "twice.yaml:4: seed: is given twice; keep this one or the one at twice.yaml:3",
    ),
    "a Windows path in double quotes": (
        "train windows.yaml",
        2,
        r"windows.yaml:2: corpus.path: must be in single quotes, or have forward slashes: in double quotes a backslash begins an escape, as \n is a line end, got 'C:\new\text.txt'",
    ),
    "keys without their section": (
        "train flat.yaml",
        2,
        "flat.yaml: corpus.path: is missing; name the text to learn from, such as data/plays/*.txt",
        "flat.yaml:1: path: is not a key here; it belongs to corpus",
        "flat.yaml:2: cell: is not a key here; it belongs to model",
    ),
    "five mistakes at once": (
        "train many.yaml",
        2,
        "many.yaml:4: model.cell: 'lstmm' is not a cell; did you mean 'lstm'? (gru, lstm, lstm-1997, rnn, simple-gru)",
        "many.yaml:5: model.hiden_size: is not a key; did you mean 'hidden_size'? (cell, hidden_size, num_layers, embedding_size, dropout, ngram, tie_weights, dtype)",
        "many.yaml:6: model.num_layers: must be a whole number, got 'two'",
        "many.yaml:8: training.batch_size: must be at least 1, got -4",
        "many.yaml:9: seed: must be a whole number, got 1.5",
    ),
    "a configuration of a later version": (
        "train later.yaml",
        2,
        "later.yaml:4: model.cell: 'mamba' is not a cell (gru, lstm, lstm-1997, rnn, simple-gru)",
        "later.yaml:5: model.heads: is not a key (cell, hidden_size, num_layers, embedding_size, dropout, ngram, tie_weights, dtype)",
    ),
    "a configuration whose text is not there": (
        "train gone.yaml",
        1,
        "no/such/text.txt: there is no such file, nor a directory no/such (paths are relative to …)",
    ),
    "a number of steps as an option of another program": (
        "train small.yaml --steps 3",
        2,
        "No such option '--steps'; it is a key of the configuration: `--set training.max_steps=VALUE`. Try `charlm train --help`.",
    ),
    "a learning rate as an option": (
        "train small.yaml --lr 0.1",
        2,
        "No such option '--lr'; it is a key of the configuration: `--set optimizer.learning_rate=VALUE`. Try `charlm train --help`.",
    ),
    "a number of units as an option": (
        "train small.yaml --hidden-size 512",
        2,
        "No such option '--hidden-size'; it is a key of the configuration: `--set model.hidden_size=VALUE`. Try `charlm train --help`.",
    ),
    "an option without its hyphen": (
        "train small.yaml --maxsteps 3",
        2,
        "No such option '--maxsteps'; did you mean '--max-steps'? Try `charlm train --help`.",
    ),
    "an option cut short": (
        "train small.yaml --max-min 3",
        2,
        "No such option '--max-min'; did you mean '--max-minutes'? Try `charlm train --help`.",
    ),
    "an option of another program": (
        "train small.yaml --device cuda",
        2,
        "No such option '--device'. Try `charlm train --help`.",
    ),
    "a short option": ("train small.yaml -o x", 2, "No such option '-o'. Try `charlm train --help`."),
    "an option without its value": (
        "train small.yaml --set",
        2,
        "Option '--set' requires an argument. Try `charlm train --help`.",
    ),
    "a length in words": (
        "train small.yaml --max-minutes ten",
        2,
        "Invalid value for '--max-minutes': must be a finite number above 0, got 'ten'. Try `charlm train --help`.",
    ),
    "no minutes at all": (
        "train small.yaml --max-minutes 0",
        2,
        "Invalid value for '--max-minutes': must be a finite number above 0, got '0'. Try `charlm train --help`.",
    ),
    "negative minutes": (
        "train small.yaml --max-minutes -5",
        2,
        "Invalid value for '--max-minutes': must be a finite number above 0, got '-5'. Try `charlm train --help`.",
    ),
    "endless minutes": (
        "train small.yaml --max-minutes inf",
        2,
        "Invalid value for '--max-minutes': must be a finite number above 0, got 'inf'. Try `charlm train --help`.",
    ),
    "minutes that are no number": (
        "train small.yaml --max-minutes nan",
        2,
        "Invalid value for '--max-minutes': must be a finite number above 0, got 'nan'. Try `charlm train --help`.",
    ),
    "minutes with their unit": (
        "train small.yaml --max-minutes 5m",
        2,
        "Invalid value for '--max-minutes': must be a finite number above 0, got '5m'. Try `charlm train --help`.",
    ),
    "minutes and seconds": (
        "train small.yaml --max-minutes 1:30",
        2,
        "Invalid value for '--max-minutes': must be a finite number above 0, got '1:30'. Try `charlm train --help`.",
    ),
    "steps in scientific notation": (
        "train small.yaml --max-steps 1e3",
        2,
        "Invalid value for '--max-steps': must be a whole number of at least 1, got '1e3'. Try `charlm train --help`.",
    ),
    "steps with a comma": (
        "train small.yaml --max-steps 1,000",
        2,
        "Invalid value for '--max-steps': must be a whole number of at least 1, got '1,000'. Try `charlm train --help`.",
    ),
    "half a step": (
        "train small.yaml --max-steps 0.5",
        2,
        "Invalid value for '--max-steps': must be a whole number of at least 1, got '0.5'. Try `charlm train --help`.",
    ),
    "no steps": (
        "train small.yaml --max-steps 0",
        2,
        "Invalid value for '--max-steps': must be a whole number of at least 1, got '0'. Try `charlm train --help`.",
    ),
    "negative epochs": (
        "train small.yaml --epochs -1",
        2,
        "Invalid value for '--epochs': must be a finite number above 0, got '-1'. Try `charlm train --help`.",
    ),
    "too many steps": (
        "train small.yaml --max-steps 10000000000000",
        2,
        "--max-steps: must be at most 1000000000000 or null, got 10000000000000",
    ),
    "two lengths": ("train small.yaml --epochs 3 --max-steps 4", 2, "--max-steps, --epochs: give one of them"),
    "kernels by the name of their package": (
        "train small.yaml --kernels numba",
        2,
        "Invalid value for '--kernels': 'numba' is not one of 'auto', 'numpy', 'fused'. Try `charlm train --help`.",
    ),
    "an override without a value": (
        "train small.yaml --set seed",
        2,
        "--set seed: needs KEY=VALUE, such as model.hidden_size=512",
    ),
    "an override with an empty value": (
        "train small.yaml --set seed=",
        2,
        "--set seed: needs a value; write null for none",
    ),
    "an override with a colon": (
        "train small.yaml --set model.hidden_size:512",
        2,
        "--set model.hidden_size:512: needs KEY=VALUE, such as model.hidden_size=512",
    ),
    "an override without a key": (
        "train small.yaml --set =5",
        2,
        "--set =5: needs KEY=VALUE, such as model.hidden_size=512",
    ),
    "an override of a section": (
        "train small.yaml --set model=lstm",
        2,
        "--set model: is a section; set one of its keys (model.cell, model.hidden_size, model.num_layers, model.embedding_size, model.dropout, model.ngram, model.tie_weights, model.dtype)",
    ),
    "two overrides in one": (
        "train small.yaml --set model.cell=gru,seed=2",
        2,
        "--set model.cell: 'gru,seed=2' is not a cell (gru, lstm, lstm-1997, rnn, simple-gru)",
    ),
    "a misspelt key": (
        "train small.yaml --set model.hiden_size=3",
        2,
        "--set model.hiden_size: is not a key; did you mean 'hidden_size'? (cell, hidden_size, num_layers, embedding_size, dropout, ngram, tie_weights, dtype)",
    ),
    "a key of another section": (
        "train small.yaml --set model.learning_rate=3",
        2,
        "--set model.learning_rate: is not a key here; it belongs to optimizer",
    ),
    "a key without its section": (
        "train small.yaml --set hidden_size=512",
        2,
        "--set hidden_size: is not a key here; it belongs to model",
    ),
    "a key by its short name": (
        "train small.yaml --set optimizer.lr=0.1",
        2,
        "--set optimizer.lr: is not a key; did you mean 'learning_rate'? (name, learning_rate, betas, eps, alpha, momentum, nesterov, weight_decay)",
    ),
    "a key that there is not": (
        "train small.yaml --set model.heads=8",
        2,
        "--set model.heads: is not a key (cell, hidden_size, num_layers, embedding_size, dropout, ngram, tie_weights, dtype)",
    ),
    "a misspelt section": (
        "train small.yaml --set modle.cell=gru",
        2,
        "--set modle.cell: is not a key here; it belongs to model",
    ),
    "a key with an escape": (
        'train small.yaml --set "a\\eb=1"',
        2,
        r"--set a\x1bb: is not a key (corpus, preset, model, training, optimizer, schedule, seed, workers, kernels)",
    ),
    "a value with an escape": (
        'train small.yaml --set "seed=\\e"',
        2,
        r"--set seed:1: is not valid YAML: '\x1b' is a control character",
    ),
    "a misspelt cell": (
        "train small.yaml --set model.cell=lstmm",
        2,
        "--set model.cell: 'lstmm' is not a cell; did you mean 'lstm'? (gru, lstm, lstm-1997, rnn, simple-gru)",
    ),
    "a cell in capitals": (
        "train small.yaml --set model.cell=GRU",
        2,
        "--set model.cell: 'GRU' is not a cell; did you mean 'gru'? (gru, lstm, lstm-1997, rnn, simple-gru)",
    ),
    "a cell that there is not": (
        "train small.yaml --set model.cell=transformer",
        2,
        "--set model.cell: 'transformer' is not a cell (gru, lstm, lstm-1997, rnn, simple-gru)",
    ),
    "a cell that is null": (
        "train small.yaml --set model.cell=null",
        2,
        "--set model.cell: null is not a cell (gru, lstm, lstm-1997, rnn, simple-gru)",
    ),
    "no units": ("train small.yaml --set model.hidden_size=0", 2, "--set model.hidden_size: must be at least 1, got 0"),
    "units with a fraction": (
        "train small.yaml --set model.hidden_size=2.5",
        2,
        "--set model.hidden_size: must be a whole number, got 2.5",
    ),
    "units as a float": (
        "train small.yaml --set model.hidden_size=512.0",
        2,
        "--set model.hidden_size: must be a whole number, got 512.0; write 512",
    ),
    "units in quotes": (
        "train small.yaml --set \"model.hidden_size='512'\"",
        2,
        "--set model.hidden_size: must be a whole number, got '512', which is text; remove the quotes",
    ),
    "too many units": (
        "train small.yaml --set model.hidden_size=1000000",
        2,
        "--set model.hidden_size: must be at most 65536, got 1000000",
    ),
    "layers in words": (
        "train small.yaml --set model.num_layers=two",
        2,
        "--set model.num_layers: must be a whole number, got 'two'",
    ),
    "too many layers": (
        "train small.yaml --set model.num_layers=100000",
        2,
        "--set model.num_layers: must be at most 1000, got 100000",
    ),
    "a rate in per cent": (
        "train small.yaml --set model.dropout.output=50%",
        2,
        "--set model.dropout.output: must be a number, got '50%'",
    ),
    "a rate of 1": (
        "train small.yaml --set model.dropout.output=1.0",
        2,
        "--set model.dropout.output: must be below 1, got 1.0",
    ),
    "a rate for all of a section": (
        "train small.yaml --set model.dropout=0.5",
        2,
        "--set model.dropout: is a section; set one of its keys (model.dropout.input, model.dropout.between, model.dropout.output, model.dropout.locked)",
    ),
    "a rate between layers of one": (
        "train small.yaml --set model.dropout.between=0.3",
        2,
        "--set model.dropout.between: has no effect with model.num_layers 1; remove it or add a layer",
    ),
    "a type that there is not": (
        "train small.yaml --set model.dtype=float16",
        2,
        "--set model.dtype: 'float16' is not a dtype; did you mean 'float64'? (float32, float64)",
    ),
    "tied weights without an embedding": (
        "train small.yaml --set model.tie_weights=true",
        2,
        "--set model.tie_weights: needs model.embedding_size equal to model.hidden_size (8), got null",
    ),
    "a yes for a true": (
        "train small.yaml --set model.tie_weights=yes",
        2,
        "--set model.tie_weights: must be true or false, got 'yes'; write true",
    ),
    "a misspelt optimizer": (
        "train small.yaml --set optimizer.name=Adma",
        2,
        "--set optimizer.name: 'Adma' is not an optimizer; did you mean 'adam'? (adagrad, adam, adamw, muon, rmsprop, sgd)",
    ),
    "a learning rate of 0": (
        "train small.yaml --set optimizer.learning_rate=0",
        2,
        "--set optimizer.learning_rate: must be above 0, got 0",
    ),
    "a learning rate that is infinite": (
        "train small.yaml --set optimizer.learning_rate=.inf",
        2,
        "--set optimizer.learning_rate: must be a finite number, got inf",
    ),
    "a learning rate that is no number": (
        "train small.yaml --set optimizer.learning_rate=.nan",
        2,
        "--set optimizer.learning_rate: must be a finite number, got nan",
    ),
    "a learning rate with a comma": (
        "train small.yaml --set optimizer.learning_rate=0,001",
        2,
        "--set optimizer.learning_rate: must be a number, got '0,001'",
    ),
    "an eps that is lost": (
        "train small.yaml --set optimizer.eps=1e-60",
        2,
        "--set optimizer.eps: must be at least 1.18e-38 with model.dtype 'float32', got 1e-60",
    ),
    "one beta": (
        "train small.yaml --set optimizer.betas=0.9",
        2,
        "--set optimizer.betas: must be two numbers, each at least 0 and below 1, got 0.9",
    ),
    "a momentum without a use": (
        "train small.yaml --set optimizer.momentum=0.9",
        2,
        "--set optimizer.momentum: has no effect with 'adam'; remove it or choose optimizer.name 'sgd'",
    ),
    "a misspelt schedule": (
        "train small.yaml --set schedule.name=cosin",
        2,
        "--set schedule.name: 'cosin' is not a schedule; did you mean 'cosine'? (constant, cosine, exponential, linear, plateau, step)",
    ),
    "a warm-up longer than the run": (
        "train small.yaml --set schedule.warmup_steps=100",
        2,
        "--set schedule.warmup_steps: must be below training.max_steps (24), got 100; set it to 2, for example",
    ),
    "a plateau without validation": (
        "train small.yaml --set schedule.name=plateau --set corpus.split.train=0.95 --set corpus.split.valid=0",
        2,
        "--set schedule.name: 'plateau' needs text for validation; set corpus.split.valid above 0",
    ),
    "an encoding that there is not": (
        "train small.yaml --set corpus.encoding=utf-99",
        2,
        "--set corpus.encoding: must be the name of a text encoding, such as 'utf-8', got 'utf-99'",
    ),
    "a codec that is no encoding": (
        "train small.yaml --set corpus.encoding=hex",
        2,
        "--set corpus.encoding: must be the name of a text encoding, such as 'utf-8', got 'hex'",
    ),
    "shares in per cent": (
        "train small.yaml --set corpus.split.train=90",
        2,
        "--set corpus.split.train: must be at most 1, got 90",
    ),
    "shares that are too much together": (
        "train small.yaml --set corpus.split.valid=0.5",
        2,
        "small.yaml:14: corpus.split.train: train, valid and test must sum to 1, got 0.9 + 0.5 + 0.05 = 1.45",
    ),
    "an unknown symbol of three letters": (
        "train small.yaml --set corpus.unknown=UNK --set corpus.min_count=2",
        2,
        "--set corpus.unknown: must be exactly one character, got 'UNK'",
    ),
    "a unit that there is not": (
        "train small.yaml --set corpus.unit=word",
        2,
        "--set corpus.unit: 'word' is not a unit (char, byte)",
    ),
    "a form in small letters": (
        "train small.yaml --set corpus.normalize=nfc",
        2,
        "--set corpus.normalize: 'nfc' is not a normalization form; did you mean 'NFC'? (NFC, NFD, NFKC, NFKD, null)",
    ),
    "a column that is not there": (
        "train films.csv --column titel --out new",
        1,
        "films.csv: has no column 'titel'; its columns are id, title; did you mean 'title'?",
    ),
    "a column without lines": (
        "train small.yaml --corpus films.csv --column title",
        2,
        "--column: needs corpus.mode 'lines', which reads its fields as items; set that, or remove the column",
    ),
    "a column as a running text": (
        "train films.csv --column title --set corpus.mode=stream",
        2,
        "--column: needs corpus.mode 'lines', which reads its fields as items; set that, or remove the column",
    ),
    "a column of bytes": (
        "train films.csv --column title --set corpus.unit=byte",
        2,
        "--column: has no effect with 'byte'; remove it or choose corpus.unit 'char'",
    ),
    "a column for a run that goes on": (
        "train --resume runs/half --column title",
        2,
        "--resume goes on as the run began; leave out --column, or start a new run from its weights: `charlm train CONFIG --init-from runs/half`",
    ),
    "bytes in lower case": (
        "train small.yaml --set corpus.unit=byte --set corpus.lowercase=true",
        2,
        "--set corpus.lowercase: has no effect with 'byte'; remove it or choose corpus.unit 'char'",
    ),
    "a seed in words": ("train small.yaml --set seed=random", 2, "--set seed: must be a whole number, got 'random'"),
    "a negative seed": ("train small.yaml --set seed=-1", 2, "--set seed: must be at least 0, got -1"),
    "a seed that is too large": (
        "train small.yaml --set seed=18446744073709551616",
        2,
        "--set seed: must be below 18446744073709551616, got 18446744073709551616",
    ),
    "all workers": (
        "train small.yaml --set workers=all",
        2,
        "--set workers: must be 'auto' or a whole number from 1 to 1024, got 'all'",
    ),
    "no workers": (
        "train small.yaml --set workers=0",
        2,
        "--set workers: must be 'auto' or a whole number from 1 to 1024, got 0",
    ),
    "no path of a text": (
        'train small.yaml --set "corpus.path=[]"',
        2,
        "--set corpus.path: must be a path or a list of paths, got []",
    ),
    "an override that is no YAML": (
        'train small.yaml --set "corpus.path={a: b"',
        2,
        "--set corpus.path:1: is not valid YAML: expected ',' or '}', but got '<stream end>'",
    ),
    "two mistakes at once": (
        "train small.yaml --set seed=-1 --set model.cell=x",
        2,
        "--set seed: must be at least 0, got -1",
        "--set model.cell: 'x' is not a cell (gru, lstm, lstm-1997, rnn, simple-gru)",
    ),
    "a text that is not there": (
        "train small.yaml --corpus txet.txt",
        1,
        "txet.txt: there is no such file; did you mean text.txt?",
    ),
    "a text in a folder that is not there": (
        "train small.yaml --corpus texts/text.txt",
        1,
        "texts/text.txt: there is no such file, nor a directory texts (paths are relative to …)",
    ),
    "standard input beside another text": (
        "train - --corpus text.txt",
        2,
        "-: is no YAML file, so it is a text, as --corpus is; give one of them",
    ),
    "an empty path of a text": (
        'train small.yaml --corpus ""',
        2,
        "--corpus: must be a path or a list of paths, got ['']",
    ),
    "two texts in one path": (
        "train small.yaml --corpus text.txt,one.txt",
        1,
        "text.txt,one.txt: there is no such file; did you mean text.txt.gz?",
    ),
    "an address for a text": (
        "train small.yaml --corpus https://example.com/text.txt",
        1,
        "https://example.com/text.txt: is an address; charlm reads files: bring it here first, and name the file",
    ),
    "a pattern that nothing matches": (
        'train small.yaml --corpus "*.nope"',
        1,
        "*.nope: no file matches this pattern (patterns are relative to …; * stays within a directory, ** goes into those below)",
    ),
    "a module that there is not": (
        "train small.yaml --corpus stdlib:nope/*.py",
        1,
        "stdlib:nope/*.py: no file in … matches; for example, stdlib:*.py does",
    ),
    "standard input twice": (
        "train small.yaml --corpus - --corpus -",
        2,
        "standard input (-) is named twice; it can be read once, so name it once",
    ),
    "a text in an unknown home": (
        'train small.yaml --corpus "~nobody-of-this-name/text.txt"',
        2,
        "~nobody-of-this-name/text.txt: the home directory ~nobody-of-this-name is not known; write the path out, or put ./ before a name that begins with ~",
    ),
    "a line end in the path of a text": (
        'train small.yaml --corpus "te\\nxt.txt"',
        1,
        r"te\nxt.txt: there is no such file; in double quotes, YAML takes a backslash for an escape: use single quotes or forward slashes",
    ),
    "a NUL in the path of a text": (
        'train small.yaml --corpus "te\\0xt.txt"',
        2,
        r"te\x00xt.txt: has a NUL character (U+0000), which no path can have; remove it",
    ),
    "a device for a text": (
        "train small.yaml --corpus /dev/zero",
        1,
        "/dev/zero: is a device; name a file with the text",
    ),
    "an empty text": (
        "train small.yaml --corpus empty.txt",
        1,
        "empty.txt: is empty; a corpus needs some text to learn from",
    ),
    "a text of one character": (
        "train small.yaml --corpus one.txt",
        1,
        "one.txt: has one distinct character, 'a'; there must be at least two different ones to learn anything",
    ),
    "a text of one symbol": (
        "train small.yaml --corpus same.txt",
        1,
        "same.txt: has one distinct character, 'a'; there must be at least two different ones to learn anything",
    ),
    "a text shorter than a window": (
        "train small.yaml --corpus short.txt",
        1,
        "the corpus is too small to split: of its 11 characters the valid part (0.05) gets 1 and the test part (0.05) gets 1, and a part needs 2; give 40 or more, or split it into 1, 0 and 0 (--set corpus.split.train=1 --set corpus.split.valid=0 --set corpus.split.test=0)",
    ),
    "a folder without texts": (
        "train small.yaml --corpus void",
        1,
        "void: the directory holds no files (hidden ones, pipes, devices and linked directories do not count); put the corpus there",
    ),
    "an image for a text": (
        "train small.yaml --corpus picture.png",
        1,
        "picture.png: byte 0 (line 1): 0x89 is not valid utf-8 (invalid start byte); it is a PNG image, and no text; a model of bytes can read it (--set corpus.unit=byte)",
    ),
    "a zip archive for a text": (
        "train small.yaml --corpus archive.zip",
        1,
        "archive.zip: … is not valid utf-8 …; it is a zip archive; extract the text from it",
    ),
    "a pickle for a text": (
        "train small.yaml --corpus weights.pkl",
        1,
        "weights.pkl: byte 0 (line 1): 0x80 is not valid utf-8 (invalid start byte); it is a pickle, and no text; a model of bytes can read it (--set corpus.unit=byte)",
    ),
    "a GGUF model for a text": (
        "train small.yaml --corpus llama.gguf",
        1,
        "llama.gguf: byte 16 (line 1): 0xFF is not valid utf-8 (invalid start byte); it is a GGUF model, and no text; a model of bytes can read it (--set corpus.unit=byte)",
    ),
    "a checkpoint for a text": (
        "train small.yaml --corpus runs/run/best.safetensors",
        1,
        "runs/run/best.safetensors: … is not valid utf-8 …; it is a safetensors file, as checkpoints are, and no text; a model of bytes can read it (--set corpus.unit=byte)",
    ),
    "a text in UTF-16": (
        "train small.yaml --corpus utf16.txt",
        1,
        "utf16.txt: byte 0 (line 1): 0xFF is not valid utf-8 (invalid start byte); it begins as UTF-16 does; set `encoding: utf-16` (--set corpus.encoding=ENCODING)",
    ),
    "a text in another encoding": (
        "train small.yaml --corpus binary",
        1,
        "binary: byte 0 (line 1): 0x80 is not valid utf-8 (invalid start byte); it may be in another 8-bit or East Asian encoding; set `encoding:` to what wrote it, such as cp1251, koi8-r, shift_jis or gb18030 (--set corpus.encoding=ENCODING)",
    ),
    "a text that is no gzip file": (
        "train small.yaml --corpus text.txt.gz",
        1,
        "text.txt.gz: cannot be decompressed as .gz (Not a gzipped file (b'o ')); it is cut short, damaged or not compressed that way: get the file again, or give it the suffix of what it is",
    ),
    "a text in UTF-8 read as ASCII": (
        "train small.yaml --corpus odd.txt --set corpus.encoding=ascii",
        1,
        "odd.txt: byte 3 (line 1): 0xC3 is not valid ascii (ordinal not in range(128)); it looks like UTF-8; set `encoding: utf-8` (--set corpus.encoding=ENCODING)",
    ),
    "a text without an order mark read as UTF-16": (
        "train small.yaml --set corpus.encoding=utf-16",
        1,
        "text.txt: byte 0 (line 1): 0x6F is not valid utf-16 (UTF-16 stream does not start with BOM); …",
    ),
    "a text whose characters are all rare": (
        "train small.yaml --set corpus.min_count=100000",
        1,
        "no character occurs 100000 times, as corpus.min_count demands; at most 271 leaves one",
    ),
    "a batch that is too large": (
        "train small.yaml --set training.batch_size=9000",
        1,
        "the training part has 1,350 characters, but batch_size 9000 x seq_length 8 needs at least 72,001; batch_size 168 would fit with seq_length 8",
    ),
    "a window that is too long": (
        "train small.yaml --set training.seq_length=1500",
        1,
        "the training part has 1,350 characters, but batch_size 4 x seq_length 1500 needs at least 6,001; seq_length 337 would fit with batch_size 4",
    ),
    "an empty run directory": (
        'train small.yaml --out ""',
        2,
        "Invalid value for '--out': is empty; give a path. Try `charlm train --help`.",
    ),
    "a NUL in the run directory": (
        'train small.yaml --out "a\\0b"',
        2,
        r"a\x00b: has a NUL character (U+0000), which no path can have; remove it",
    ),
    "a run directory in an unknown home": (
        "train small.yaml --out=~nobody-of-this-name/x",
        2,
        "~nobody-of-this-name/x: the home directory ~nobody-of-this-name is not known; write the path out, or put ./ before a name that begins with ~",
    ),
    "a run that is there already": (
        "train small.yaml --out runs/run",
        2,
        "runs/run: already holds a run (last.safetensors); resume it, replace it, or name another directory (`charlm train --resume runs/run`, --force, --out)",
    ),
    "a file for a run directory": (
        "train small.yaml --out text.txt",
        2,
        "text.txt: cannot be a run directory: text.txt is a file; name another directory (--out)",
    ),
    "a file above a run directory": (
        "train small.yaml --out text.txt/x",
        2,
        "text.txt/x: cannot be a run directory: …/text.txt is a file; name another directory (--out)",
    ),
    "a configuration with a resume": (
        "train small.yaml --resume runs/half",
        2,
        "--resume goes on as the run began; leave out CONFIG, or start a new run from its weights: `charlm train CONFIG --init-from runs/half`",
    ),
    "an override with a resume": (
        "train --resume runs/half --set seed=3",
        2,
        "--resume goes on as the run began; leave out --set, or start a new run from its weights: `charlm train CONFIG --init-from runs/half`",
    ),
    "a dry run with a resume": (
        "train --resume runs/half --dry-run",
        2,
        "--resume goes on as the run began; leave out --dry-run, or start a new run from its weights: `charlm train CONFIG --init-from runs/half`",
    ),
    "a resume of nothing": ("train --resume", 2, "Option '--resume' requires an argument. Try `charlm train --help`."),
    "a run to resume that is not there": (
        "train --resume runs/hal",
        2,
        "runs/hal: no such run or file; did you mean runs/half?",
    ),
    "a folder of runs to resume": (
        "train --resume runs",
        2,
        "runs: holds no run itself; the runs there are: runs/bytes, runs/flat, runs/half, runs/names, runs/run",
    ),
    "an empty folder to resume": (
        "train --resume void",
        2,
        "void: holds no run to resume; one that was stopped before its first step has written nothing: start it again",
    ),
    "a configuration to resume": (
        "train --resume small.yaml",
        1,
        "small.yaml: damaged, or not a checkpoint: it is text; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a configuration of a run to resume": (
        "train --resume runs/run/config.yaml",
        2,
        "runs/run/config.yaml: is no checkpoint, but lies in a run; did you mean runs/run?",
    ),
    "a model to resume without its training": (
        "train --resume runs/run/best.safetensors",
        2,
        "runs/run/best.safetensors: holds a model but no training to resume; start a run from its weights (`charlm train CONFIG --init-from runs/run/best.safetensors`)",
    ),
    "a PyTorch model to resume": (
        "train --resume model.pt",
        1,
        "model.pt: damaged, or not a checkpoint: it is a zip archive, as PyTorch's and Keras's models are; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "another program's safetensors to resume": (
        "train --resume bert.safetensors",
        1,
        "bert.safetensors: a safetensors file, but not charlm's: its metadata has no entry 'charlm'; a checkpoint is a file that `charlm train` wrote",
    ),
    "a damaged checkpoint to resume": (
        "train --resume broken/damaged",
        1,
        "broken/damaged/last.safetensors: damaged: its tensors do not match their checksum; use another copy of the file",
    ),
    "a copy of a checkpoint to resume": (
        "train --resume copy-of-last.safetensors",
        2,
        "copy-of-last.safetensors: is not the checkpoint of the run in .: a run goes on with the last.safetensors in its directory; to go on with it, put it as last.safetensors into a directory of its own",
    ),
    "a run to resume in an unknown home": (
        "train --resume=~nobody-of-this-name/r",
        2,
        "~nobody-of-this-name/r: the home directory ~nobody-of-this-name is not known; write the path out, or put ./ before a name that begins with ~",
    ),
    "two lengths of a resume": (
        "train --resume runs/half --epochs 3 --max-steps 4",
        2,
        "--max-steps, --epochs: give one of them",
    ),
    "a length that is over": (
        "train --resume runs/run --max-steps 3",
        2,
        "runs/run: has done 24 steps; a length of 3 leaves nothing to do; give more",
    ),
    "minutes that are over": (
        "train --resume runs/run --max-minutes 0.0000001",
        2,
        "runs/run: has trained for … minutes; give more than that",
    ),
    "another text for a resume": (
        "train --resume runs/half --corpus short.txt",
        1,
        "runs/half: its corpus cannot be read again: the corpus is too small to split: of its 11 characters the valid part (0.05) gets 1 and the test part (0.05) gets 1, and a part needs 2; give 40 or more, or split it into 1, 0 and 0; if it was moved, say where it is now (--corpus)",
    ),
    "a text for a resume that is not there": (
        "train --resume runs/half --corpus txet.txt",
        1,
        "runs/half: its corpus cannot be read again: txet.txt: there is no such file; did you mean text.txt? If it was moved, say where it is now (--corpus)",
    ),
    "weights of another depth": (
        "train small.yaml --out x --init-from runs/run --set model.num_layers=2",
        2,
        "model.num_layers is 2 here and 1 in runs/run; use the latter",
    ),
    "weights of another cell and width": (
        "train small.yaml --out x --init-from runs/run --set model.cell=gru --set model.hidden_size=9",
        2,
        "model.cell is 'gru' here and 'lstm' in runs/run; use the latter",
        "model.hidden_size is 9 here and 8 in runs/run; use the latter",
    ),
    "weights of another unit": (
        "train small.yaml --out x --init-from runs/bytes",
        2,
        "corpus.unit is 'char' here and 'byte' in runs/bytes; use the latter",
    ),
    "weights that are not there": (
        "train small.yaml --out x --init-from runs/rum",
        2,
        "runs/rum: no such run or file; did you mean runs/run?",
    ),
    "a configuration for weights": (
        "train small.yaml --out x --init-from small.yaml",
        1,
        "small.yaml: damaged, or not a checkpoint: it is text; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a folder for weights": (
        "train small.yaml --out x --init-from void",
        2,
        "void: no checkpoint in this folder (best.safetensors or last.safetensors); `charlm train CONFIG` makes a run",
    ),
    "a PyTorch model for weights": (
        "train small.yaml --out x --init-from model.pt",
        1,
        "model.pt: damaged, or not a checkpoint: it is a zip archive, as PyTorch's and Keras's models are; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a text that may not be read": (
        "train small.yaml --corpus locked.txt",
        1,
        "locked.txt: cannot be read (Permission denied); name a file that you may read",
    ),
    "a configuration that may not be read": (
        "train locked.txt",
        2,
        "locked.txt: cannot be read: Permission denied; name a file that you may read",
    ),
    "a run directory that may not be made": (
        "train small.yaml --out locked/run",
        1,
        "locked/run: cannot be made or written to: …/locked is not yours to write in; name another directory (--out)",
    ),
    "a log that is no list": (
        "train small.yaml --set training.log_to=tensorboard",
        2,
        "--set training.log_to: must be [] or [tensorboard], got 'tensorboard'",
    ),
    "a log that there is not": (
        "train small.yaml --set training.log_to=[wandb]",
        2,
        "--set training.log_to: must be [] or [tensorboard], got ['wandb']",
    ),
}
