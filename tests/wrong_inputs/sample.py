"""What a person may get wrong with `charlm sample`."""

SAMPLE = {
    "no model": ("sample", 2, "Missing argument 'MODEL'. Try `charlm sample --help`."),
    "a run without its folder": ("sample rn", 2, "rn: no such run or file; did you mean runs/run?"),
    "a misspelt run": ("sample runs/rum", 2, "runs/rum: no such run or file; did you mean runs/run?"),
    "the folder of the runs": (
        "sample runs",
        2,
        "runs: no checkpoint in this folder (best.safetensors or last.safetensors); the runs there are: runs/bytes, runs/flat, runs/half, runs/names, runs/run",
    ),
    "an empty folder": (
        "sample void",
        2,
        "void: no checkpoint in this folder (best.safetensors or last.safetensors); `charlm train CONFIG` makes a run",
    ),
    "a configuration for a model": (
        "sample small.yaml",
        1,
        "small.yaml: damaged, or not a checkpoint: it is text; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "the configuration of a run": (
        "sample runs/run/config.yaml",
        2,
        "runs/run/config.yaml: is no checkpoint, but lies in a run; did you mean runs/run?",
    ),
    "the metrics of a run": (
        "sample runs/run/metrics.jsonl",
        2,
        "runs/run/metrics.jsonl: is no checkpoint, but lies in a run; did you mean runs/run?",
    ),
    "a text for a model": (
        "sample text.txt",
        1,
        "text.txt: damaged, or not a checkpoint: it is text; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "an empty file": (
        "sample empty.txt",
        1,
        "empty.txt: damaged, or not a checkpoint: it is empty; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "an image for a model": (
        "sample picture.png",
        1,
        "picture.png: damaged, or not a checkpoint: it is a PNG image; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a PyTorch model": (
        "sample model.pt",
        1,
        "model.pt: damaged, or not a checkpoint: it is a zip archive, as PyTorch's and Keras's models are; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a pickle": (
        "sample weights.pkl",
        1,
        "weights.pkl: damaged, or not a checkpoint: it is a pickle; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a GGUF model": (
        "sample llama.gguf",
        1,
        "llama.gguf: damaged, or not a checkpoint: it is a GGUF model; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "an array of NumPy's": (
        "sample weights.npy",
        1,
        "weights.npy: damaged, or not a checkpoint: it is an array of NumPy's; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "another program's JSON": (
        "sample list.json",
        1,
        "list.json: damaged, or not a checkpoint: it is text; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "another program's safetensors": (
        "sample bert.safetensors",
        1,
        "bert.safetensors: a safetensors file, but not charlm's: its metadata has no entry 'charlm'; a checkpoint is a file that `charlm train` wrote",
    ),
    "a checkpoint of something else": (
        "sample other.safetensors",
        1,
        "other.safetensors: not a model that this charlm knows: its metadata has no architecture",
    ),
    "a checkpoint of a later version": (
        "sample later.safetensors",
        1,
        "later.safetensors: written by charlm 9.0.0, a later version than this one (…): its cell 'mamba' is not known here; update charlm",
    ),
    "a checkpoint that was damaged": (
        "sample damaged.safetensors",
        1,
        "damaged.safetensors: damaged: its tensors do not match their checksum; use another copy of the file",
    ),
    "a checkpoint that was cut": (
        "sample cut.safetensors",
        1,
        "cut.safetensors: damaged, or not a checkpoint: it has … bytes and its header describes …; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a checkpoint that was cut in its header": (
        "sample head.safetensors",
        1,
        "head.safetensors: damaged, or not a checkpoint: it has only a part of its header; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "weights that are no numbers": (
        "sample broken.safetensors",
        1,
        "broken.safetensors: its weights are not finite numbers (decoder.bias is the first such tensor); train anew",
    ),
    "a device for a model": (
        "sample /dev/zero",
        2,
        "/dev/zero: is no ordinary file; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "a named pipe for a model": (
        "sample pipe",
        2,
        "pipe: is no ordinary file; a checkpoint is a file such as runs/NAME/best.safetensors",
    ),
    "an empty path": ('sample ""', 2, "Invalid value for 'MODEL': is empty; give a path. Try `charlm sample --help`."),
    "a home that is not known": (
        'sample "~nobody-of-this-name/run"',
        2,
        "~nobody-of-this-name/run: the home directory ~nobody-of-this-name is not known; write the path out, or put ./ before a name that begins with ~",
    ),
    "a line end in the path": ('sample "runs/r\\nun"', 2, r"runs/r\nun: no such run or file; did you mean runs/run?"),
    "an escape in the path": ('sample "runs/r\\eun"', 2, r"runs/r\x1bun: no such run or file; did you mean runs/run?"),
    "a NUL in the path": (
        'sample "runs/r\\0un"',
        2,
        r"runs/r\x00un: has a NUL character (U+0000), which no path can have; remove it",
    ),
    "a prompt without its option": (
        "sample runs/run tin",
        2,
        "Got unexpected extra argument (tin). Try `charlm sample --help`.",
    ),
    "a prompt before the model": (
        "sample tin runs/run",
        2,
        "Got unexpected extra argument (runs/run). Try `charlm sample --help`.",
    ),
    "a model behind an option": (
        "sample --model runs/run",
        2,
        "No such option '--model'; did you mean '--novel'? Try `charlm sample --help`.",
    ),
    "an option cut short": (
        "sample runs/run --temp 0.7",
        2,
        "No such option '--temp'; did you mean '--temperature'? Try `charlm sample --help`.",
    ),
    "a length by another name": (
        "sample runs/run --max-length 30",
        2,
        "No such option '--max-length'; did you mean '--length'? Try `charlm sample --help`.",
    ),
    "a number of texts by another name": (
        "sample runs/run --num-samples 3",
        2,
        "No such option '--num-samples'. Try `charlm sample --help`.",
    ),
    "an override": ("sample runs/run --set model.cell=gru", 2, "No such option '--set'. Try `charlm sample --help`."),
    "a negative temperature": (
        "sample runs/run --temperature -1",
        2,
        "Invalid value for '--temperature': must be a number of at least 0 and at most 1e+300, got '-1'. Try `charlm sample --help`.",
    ),
    "a temperature in words": (
        "sample runs/run --temperature hot",
        2,
        "Invalid value for '--temperature': must be a number of at least 0 and at most 1e+300, got 'hot'. Try `charlm sample --help`.",
    ),
    "a temperature with a comma": (
        "sample runs/run --temperature 0,8",
        2,
        "Invalid value for '--temperature': must be a number of at least 0 and at most 1e+300, got '0,8'. Try `charlm sample --help`.",
    ),
    "a temperature that is no number": (
        "sample runs/run --temperature nan",
        2,
        "Invalid value for '--temperature': must be a number of at least 0 and at most 1e+300, got 'nan'. Try `charlm sample --help`.",
    ),
    "a temperature that is infinite": (
        "sample runs/run --temperature inf",
        2,
        "Invalid value for '--temperature': must be a number of at least 0 and at most 1e+300, got 'inf'. Try `charlm sample --help`.",
    ),
    "a temperature beyond all numbers": (
        "sample runs/run --temperature 1e400",
        2,
        "Invalid value for '--temperature': must be a number of at least 0 and at most 1e+300, got '1e400'. Try `charlm sample --help`.",
    ),
    "a temperature above the limit": (
        "sample runs/run --temperature 1e301",
        2,
        "Invalid value for '--temperature': must be a number of at least 0 and at most 1e+300, got '1e301'. Try `charlm sample --help`.",
    ),
    "no probability": (
        "sample runs/run --top-p 0",
        2,
        "Invalid value for '--top-p': must be a number above 0 and at most 1, got '0'. Try `charlm sample --help`.",
    ),
    "a probability in per cent": (
        "sample runs/run --top-p 90",
        2,
        "Invalid value for '--top-p': must be a number above 0 and at most 1, got '90'. Try `charlm sample --help`.",
    ),
    "a probability with its sign": (
        "sample runs/run --top-p 90%",
        2,
        "Invalid value for '--top-p': must be a number above 0 and at most 1, got '90%'. Try `charlm sample --help`.",
    ),
    "a negative share": (
        "sample runs/run --min-p -0.1",
        2,
        "Invalid value for '--min-p': must be a number of at least 0 and at most 1, got '-0.1'. Try `charlm sample --help`.",
    ),
    "a share above 1": (
        "sample runs/run --min-p 2",
        2,
        "Invalid value for '--min-p': must be a number of at least 0 and at most 1, got '2'. Try `charlm sample --help`.",
    ),
    "no symbols to choose from": (
        "sample runs/run --top-k 0",
        2,
        "Invalid value for '--top-k': must be a whole number of at least 1 and at most 1,114,112, got '0'. Try `charlm sample --help`.",
    ),
    "all symbols, as another program has it": (
        "sample runs/run --top-k -1",
        2,
        "Invalid value for '--top-k': must be a whole number of at least 1 and at most 1,114,112, got '-1'. Try `charlm sample --help`.",
    ),
    "half a symbol": (
        "sample runs/run --top-k 0.5",
        2,
        "Invalid value for '--top-k': must be a whole number of at least 1 and at most 1,114,112, got '0.5'. Try `charlm sample --help`.",
    ),
    "a negative length": (
        "sample runs/run --length -5",
        2,
        "Invalid value for '--length': must be a whole number of at least 0 and at most 1,000,000,000, got '-5'. Try `charlm sample --help`.",
    ),
    "a length in thousands": (
        "sample runs/run --length 1k",
        2,
        "Invalid value for '--length': must be a whole number of at least 0 and at most 1,000,000,000, got '1k'. Try `charlm sample --help`.",
    ),
    "a length in scientific notation": (
        "sample runs/run --length 1e3",
        2,
        "Invalid value for '--length': must be a whole number of at least 0 and at most 1,000,000,000, got '1e3'. Try `charlm sample --help`.",
    ),
    "a length beyond the limit": (
        "sample runs/run --length 99999999999",
        2,
        "Invalid value for '--length': must be a whole number of at least 0 and at most 1,000,000,000, got '99999999999'. Try `charlm sample --help`.",
    ),
    "no lines": (
        "sample runs/run --lines 0",
        2,
        "Invalid value for '--lines': must be a whole number of at least 1 and at most 1,000,000, got '0'. Try `charlm sample --help`.",
    ),
    "no texts": (
        "sample runs/run --count 0",
        2,
        "Invalid value for '--count': must be a whole number of at least 1 and at most 10,000, got '0'. Try `charlm sample --help`.",
    ),
    "too many texts": (
        "sample runs/run --count 10001",
        2,
        "Invalid value for '--count': must be a whole number of at least 1 and at most 10,000, got '10001'. Try `charlm sample --help`.",
    ),
    "a number of texts in words": (
        "sample runs/run --count two",
        2,
        "Invalid value for '--count': must be a whole number of at least 1 and at most 10,000, got 'two'. Try `charlm sample --help`.",
    ),
    "a negative seed": (
        "sample runs/run --seed -1",
        2,
        "Invalid value for '--seed': must be a whole number of at least 0 and at most 18,446,744,073,709,551,615, got '-1'. Try `charlm sample --help`.",
    ),
    "a seed in words": (
        "sample runs/run --seed random",
        2,
        "Invalid value for '--seed': must be a whole number of at least 0 and at most 18,446,744,073,709,551,615, got 'random'. Try `charlm sample --help`.",
    ),
    "a seed that is too large": (
        "sample runs/run --seed 18446744073709551616",
        2,
        "Invalid value for '--seed': must be a whole number of at least 0 and at most 18,446,744,073,709,551,615, got '18446744073709551616'. Try `charlm sample --help`.",
    ),
    "a character that the model never saw": (
        "sample runs/run --prompt É",
        2,
        "--prompt: not in the vocabulary of 12 symbols: 'É' (U+00C9 LATIN CAPITAL LETTER E WITH ACUTE; nearest 'e') (--on-unknown skip)",
    ),
    "words that the model never saw": (
        'sample runs/run --prompt "Hi!"',
        2,
        "--prompt: not in the vocabulary of 12 symbols: 'H' (U+0048 LATIN CAPITAL LETTER H; nearest 'a'), '!' (U+0021 EXCLAMATION MARK; nearest ' ') (--on-unknown skip)",
    ),
    "an escape in the prompt": (
        'sample runs/run --prompt "\\e"',
        2,
        r"--prompt: not in the vocabulary of 12 symbols: '\x1b' (U+001B; nearest ' ') (--on-unknown skip)",
    ),
    "a byte that the model never saw": (
        "sample runs/bytes --prompt É",
        2,
        "--prompt: not in the vocabulary of 12 symbols: 0xC3 (byte 195; nearest 'u'), 0x89 (byte 137; nearest 'u') (--on-unknown skip)",
    ),
    "a prompt option without a prompt": (
        "sample runs/run --prompt",
        2,
        "Option '--prompt' requires an argument. Try `charlm sample --help`.",
    ),
    "two prompts": (
        "sample runs/run --prompt a --prompt-file one.txt",
        2,
        "--prompt and --prompt-file: give one of them",
    ),
    "a prompt file that is not there": (
        "sample runs/run --prompt-file nowhere.txt",
        1,
        "--prompt-file: nowhere.txt cannot be read: No such file or directory; name a text, or - for standard input",
    ),
    "a folder for a prompt file": (
        "sample runs/run --prompt-file void",
        1,
        "--prompt-file: void cannot be read: Is a directory; name a text, or - for standard input",
    ),
    "a prompt file that is no text": (
        "sample runs/run --prompt-file binary",
        1,
        "binary: is not UTF-8 at byte 0; save the prompt as UTF-8",
    ),
    "an image for a prompt file": (
        "sample runs/run --prompt-file picture.png",
        1,
        "picture.png: is not UTF-8 at byte 0; save the prompt as UTF-8",
    ),
    "a prompt file with an unknown character": (
        "sample runs/run --prompt-file odd.txt",
        2,
        "odd.txt: not in the vocabulary of 12 symbols: 'É' (U+00C9 LATIN CAPITAL LETTER E WITH ACUTE; nearest 'e') (--on-unknown skip)",
    ),
    "an empty path of a prompt file": (
        'sample runs/run --prompt-file ""',
        2,
        "Invalid value for '--prompt-file': is empty; give a path. Try `charlm sample --help`.",
    ),
    "an empty stop": (
        "sample runs/run --stop=",
        2,
        "--stop: the empty text would end every text before its first character; leave it out",
    ),
    "a stop that never comes": (
        "sample runs/run --stop É",
        2,
        "--stop: not in the vocabulary of 12 symbols: 'É' (U+00C9 LATIN CAPITAL LETTER E WITH ACUTE; nearest 'e')",
    ),
    "lines of a model without line ends": (
        "sample runs/flat --lines 3",
        2,
        "--lines: runs/flat never saw a line end, so it writes none; give a length (--length)",
    ),
    "novel items of a running text": (
        "sample runs/run --novel",
        2,
        "--novel: runs/run learnt one running text (corpus.mode: stream), which has no items",
    ),
    "several texts of novel items": (
        "sample runs/names --novel --count 2",
        2,
        "--novel: writes items one by one; leave out --count",
    ),
    "a stop in novel items": (
        "sample runs/names --novel --stop a",
        2,
        "--novel: writes items one by one; leave out --stop",
    ),
    "a corpus without novel items": (
        "sample runs/names --corpus names.txt",
        2,
        "--corpus: is what --novel looks in; give --novel, too, or leave it out",
    ),
    "two items for the beginning of one": (
        'sample runs/names --novel --prompt "a\\na"',
        2,
        "--prompt: has a line end, after which an item would begin anew; give the beginning of one item",
    ),
    "novel items beside another corpus": (
        "sample runs/names --novel --corpus text.txt",
        1,
        "runs/names: the corpus text.txt is not the text that this run was reading; put that back, or say where it is now (--corpus)",
    ),
    "a temperature for proposals": (
        "sample runs/run --interactive --temperature 1",
        2,
        "--temperature: has no effect with --interactive; leave it out",
    ),
    "an object of proposals": (
        "sample runs/run --interactive --json",
        2,
        "--json: has no effect with --interactive; leave it out",
    ),
    "proposals and novel items": (
        "sample runs/names --interactive --novel",
        2,
        "--novel: has no effect with --interactive; leave it out",
    ),
    "choices and a prompt from one input": (
        "sample runs/run --interactive --prompt-file -",
        2,
        "--prompt-file: --interactive reads what you choose from standard input; name a file",
    ),
    "an unknown policy": (
        "sample runs/run --on-unknown ignore",
        2,
        "Invalid value for '--on-unknown': 'ignore' is not one of 'error', 'skip', 'replace'. Try `charlm sample --help`.",
    ),
    "a policy without a prompt": (
        "sample runs/run --on-unknown skip",
        2,
        "--on-unknown: is about characters that a text of yours may have; give --prompt, too, or leave it out",
    ),
    "nothing to replace by": (
        "sample runs/run --prompt É --on-unknown replace",
        2,
        "--on-unknown: 'replace' needs an unknown symbol, and this vocabulary has none (it is made when the corpus is read with min_count above 1); choose 'error' or 'skip'",
    ),
    "kernels by another name": (
        "sample runs/run --kernels gpu",
        2,
        "Invalid value for '--kernels': 'gpu' is not one of 'auto', 'numpy', 'fused'. Try `charlm sample --help`.",
    ),
    "several texts of the fused kernels": (
        "sample runs/run --kernels fused --count 2",
        2,
        "--kernels fused: writes one text at a time; leave it out, or --count",
    ),
    "novel items of the fused kernels": (
        "sample runs/names --kernels fused --novel",
        2,
        "--kernels fused: writes one text at a time; leave it out, or --novel",
    ),
    "a model that may not be read": (
        "sample locked.txt",
        1,
        "locked.txt: cannot be read: Permission denied; name a file that you may read",
    ),
    "a prompt file that may not be read": (
        "sample runs/run --prompt-file locked.txt",
        1,
        "--prompt-file: locked.txt cannot be read: Permission denied; name a text, or - for standard input",
    ),
}
