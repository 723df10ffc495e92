"""What a person may get wrong, and the line with which each command answers: where, what, and what would be right."""

import re

import numpy as np
import pytest

from charlm import cli
from charlm.config import dump_yaml
from charlm.files import checkpoint
from tests.runs import configured, corpus_file, finish, start, trained

# Arguments, exit status, and what every line of the answer must match, one pattern a line.
TRAIN = {
    "no configuration": ("train", 2, r"CONFIG is missing: .*configs/plays.yaml"),
    "a configuration that is not there": ("train nowhere.yaml", 2, r"nowhere.yaml: there is no such file"),
    "a directory for a configuration": ("train runs", 2, r"runs: is a directory"),
    "a text for a configuration": ("train text.txt", 2, r"text.txt"),
    "a checkpoint for a configuration": (
        "train runs/run/best.safetensors",
        2,
        r"best.safetensors.* is a safetensors file",
    ),
    "a misspelt cell": (
        "train small.yaml --set model.cell=lstmm",
        2,
        r"--set model.cell: .*'lstmm' is not a cell; did you mean 'lstm'",
    ),
    "a misspelt key": (
        "train small.yaml --set model.hiden_size=3",
        2,
        r"--set model.hiden_size: .*did you mean 'hidden_size'",
    ),
    "an override without a value": ("train small.yaml --set seed", 2, r"--set seed: needs KEY=VALUE"),
    "two mistakes at once": (
        "train small.yaml --set seed=-1 --set model.cell=x",
        2,
        r"--set seed: must be at least 0",
        r"--set model.cell",
    ),
    "a corpus that is not there": (
        "train small.yaml --corpus txet.txt",
        1,
        r"txet.txt: there is no such file; did you mean text.txt\?",
    ),
    "an empty corpus": ("train small.yaml --corpus empty.txt", 1, r"empty.txt: is empty"),
    "a corpus that is no text": ("train small.yaml --corpus binary", 1, r"binary: .*byte .*corpus.unit: byte|binary"),
    "a directory without files": ("train small.yaml --corpus void", 1, r"void: the directory holds no files"),
    "a batch that is too large": (
        "train small.yaml --set training.batch_size=9000",
        1,
        r"needs at least 72,001; .*would fit",
    ),
    "a run that is there already": (
        "train small.yaml --out runs/run",
        2,
        r"runs/run: already holds a run .*--resume runs/run.*--force.*--out",
    ),
    "a file for a run directory": (
        "train small.yaml --out text.txt",
        2,
        r"text.txt: cannot be a run directory: text.txt is a file",
    ),
    "an unknown flag": ("train small.yaml --steps 3", 2, r"No such option '?--steps"),
    "a length that is no number": (
        "train small.yaml --max-minutes ten",
        2,
        r"'--max-minutes': must be a finite number above 0, got 'ten'",
    ),
    "no minutes at all": (
        "train small.yaml --max-minutes 0",
        2,
        r"'--max-minutes': must be a finite number above 0, got '0'",
    ),
    "endless minutes": (
        "train small.yaml --max-minutes inf",
        2,
        r"'--max-minutes': must be a finite number above 0, got 'inf'",
    ),
    "more than a resume takes": (
        "train small.yaml --resume runs/half --force",
        2,
        r"--resume goes on as the run began; leave out CONFIG, --force, .* `charlm train CONFIG --init-from runs/half`",
    ),
    "a run to resume that is not there": (
        "train --resume runs/hal",
        2,
        r"runs/hal: no such run or file; did you mean runs.half\?",
    ),
    "a folder to resume without a run": ("train --resume void", 2, r"void: holds no run to resume"),
    "a model to resume without its training": (
        "train --resume runs/run/best.safetensors",
        2,
        r"no training to resume; .*`charlm train CONFIG --init-from runs.run.best.safetensors`",
    ),
    "a damaged checkpoint to resume": (
        "train --resume damaged-last.safetensors",
        1,
        r"damaged-last.safetensors: damaged",
    ),
    "weights of another network": (
        "train small.yaml --out x --init-from runs/run --set model.num_layers=2",
        2,
        r"model.num_layers is 2 here and 1 in runs/run; use the latter",
    ),
    "weights that are not there": (
        "train small.yaml --out x --init-from runs/rum",
        2,
        r"runs/rum: no such run or file; did you mean runs.run\?",
    ),
    "a misspelt command": ("trian small.yaml", 2, r"No such command 'trian'; did you mean 'train'\?"),
}
SAMPLE = {
    "no model": ("sample", 2, r"Missing argument 'MODEL'"),
    "a run that is not there": ("sample runs/rn", 2, r"runs/rn: no such run or file; .*runs.run"),
    "a folder without a run": ("sample runs", 2, r"runs: no checkpoint in this folder .*runs.half.*runs.run"),
    "a configuration for a model": ("sample small.yaml", 1, r"small.yaml: damaged, or not a checkpoint"),
    "a damaged checkpoint": ("sample damaged.safetensors", 1, r"damaged.safetensors: damaged"),
    "an empty file": ("sample empty.txt", 1, r"empty.txt: damaged, or not a checkpoint"),
    "a checkpoint of something else": (
        "sample other.safetensors",
        1,
        r"other.safetensors: not a model that this charlm knows",
    ),
    "weights that are no numbers": ("sample broken.safetensors", 1, r"its weights are not finite numbers"),
    "a negative temperature": (
        "sample runs/run --temperature -1",
        2,
        r"'--temperature': must be a number of at least 0 and at most .*, got '-1'",
    ),
    "a temperature that is no number": (
        "sample runs/run --temperature nan",
        2,
        r"'--temperature': must be a number of at least 0 .*, got 'nan'",
    ),
    "a negative length": (
        "sample runs/run --length -5",
        2,
        r"'--length': must be a whole number of at least 0 and at most 1,000,000,000, got '-5'",
    ),
    "no symbols to choose from": (
        "sample runs/run --top-k 0",
        2,
        r"'--top-k': must be a whole number of at least 1 .*, got '0'",
    ),
    "too much probability": (
        "sample runs/run --top-p 1.5",
        2,
        r"'--top-p': must be a number above 0 and at most 1, got '1.5'",
    ),
    "no texts": (
        "sample runs/run --count 0",
        2,
        r"'--count': must be a whole number of at least 1 and at most 10,000, got '0'",
    ),
    "a seed that is no number": ("sample runs/run --seed x", 2, r"'--seed': must be a whole number .*, got 'x'"),
    "two prompts": ("sample runs/run --prompt a --prompt-file text.txt", 2, r"--prompt and --prompt-file: give one"),
    "a prompt file that is not there": (
        "sample runs/run --prompt-file nowhere",
        1,
        r"--prompt-file: nowhere cannot be read: No such file",
    ),
    "a prompt file that is no text": ("sample runs/run --prompt-file binary", 1, r"binary: is not UTF-8 at byte 0"),
    "an unknown character": ("sample runs/run --prompt É", 2, r"--prompt: not in the vocabulary of 12 symbols: 'É'"),
    "an unknown policy": (
        "sample runs/run --on-unknown ignore",
        2,
        r"'ignore' is not one of 'error', 'skip', 'replace'",
    ),
    "nothing to replace by": ("sample runs/run --prompt É --on-unknown replace", 2, r"needs an unknown symbol"),
    "an empty stop": ("sample runs/run --stop=", 2, r"--stop: the empty text"),
    "a stop that never comes": ("sample runs/run --stop É", 2, r"--stop: not in the vocabulary"),
    "lines of a model without line ends": ("sample runs/flat --lines 3", 2, r"--lines: runs/flat never saw a line end"),
}
EVAL = {
    "no model": ("eval", 2, r"Missing argument 'MODEL'"),
    "a run that is not there": ("eval nowhere", 2, r"nowhere: no such run or file"),
    "a file that is not there": ("eval runs/run txt.txt", 1, r"txt.txt: there is no such file; did you mean text.txt"),
    "an empty file": ("eval runs/run empty.txt", 1, r"empty.txt: has 0 characters; at least 2 are needed"),
    "a file of one character": ("eval runs/run one.txt", 1, r"one.txt: has 1 character; at least 2 are needed"),
    "a file that is no text": ("eval runs/run binary", 1, r"binary"),
    "unknown characters": ("eval runs/run odd.txt", 2, r"odd.txt: not in the vocabulary of 12 symbols: 'É'.* nearest"),
    "a split that there is not": ("eval runs/run --split train", 2, r"'train' is not one of 'valid', 'test'"),
    "a split and a file": ("eval runs/run text.txt --split test", 2, r"--split: is of the model's own corpus"),
    "a part that was never held back": ("eval runs/flat --split test", 2, r"runs/flat: has no test part"),
    "a damaged checkpoint": ("eval damaged.safetensors text.txt", 1, r"damaged.safetensors: damaged"),
    "a directory for a checkpoint": ("eval void", 2, r"void: no checkpoint in this folder"),
    "weights that are no numbers": ("eval broken.safetensors", 1, r"its weights are not finite numbers"),
}
INFO = {
    "no model": ("info", 2, r"Missing argument 'MODEL'"),
    "a run that is not there": ("info nowhere", 2, r"nowhere: no such run or file"),
    "a folder without a run": ("info void", 2, r"void: no checkpoint in this folder"),
    "a text": ("info text.txt", 1, r"text.txt: damaged, or not a checkpoint"),
    "an empty file": ("info empty.txt", 1, r"empty.txt: damaged, or not a checkpoint"),
    "a damaged checkpoint": ("info damaged.safetensors", 1, r"damaged.safetensors: damaged"),
    "a cut checkpoint": ("info cut.safetensors", 1, r"cut.safetensors: damaged"),
    "a checkpoint of something else": ("info other.safetensors", 1, r"not a model that this charlm knows"),
    "two models": ("info runs/run runs/half", 2, r"unexpected extra argument"),
    "an unknown flag": ("info runs/run --yaml", 2, r"No such option '?--yaml"),
}
GRADCHECK = {
    "no configuration": ("gradcheck", 2, r"Missing argument 'CONFIG'"),
    "a configuration that is not there": ("gradcheck nowhere.yaml", 2, r"nowhere.yaml: there is no such file"),
    "a directory": ("gradcheck runs", 2, r"runs: is a directory"),
    "a run's checkpoint": ("gradcheck runs/run/best.safetensors", 2, r"best.safetensors"),
    "an empty configuration": ("gradcheck empty.txt", 2, r"empty.txt: corpus.path: is missing"),
    "a misspelt cell": ("gradcheck small.yaml --set model.cell=gruu", 2, r"'gruu' is not a cell; did you mean 'gru'"),
    "a misspelt section": ("gradcheck small.yaml --set modle.cell=gru", 2, r"modle"),
    "a wrong type": ("gradcheck small.yaml --set model.num_layers=two", 2, r"--set model.num_layers: must be a whole"),
    "an impossible rate": ("gradcheck small.yaml --set model.dropout.input=1", 2, r"must be below 1, got 1"),
    "options that do not agree": (
        "gradcheck small.yaml --set model.tie_weights=true",
        2,
        r"needs model.embedding_size",
    ),
    "nothing to check": (
        "gradcheck small.yaml --most 0",
        2,
        r"'--most': must be a whole number of at least 1 .*, got '0'",
    ),
}
ALL = {
    f"{command}: {name}": case
    for command, cases in (
        ("train", TRAIN),
        ("sample", SAMPLE),
        ("eval", EVAL),
        ("info", INFO),
        ("gradcheck", GRADCHECK),
    )
    for name, case in cases.items()
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with runs, configurations and texts, sound and not."""
    folder = tmp_path_factory.mktemp("mistakes")
    (folder / "runs").mkdir()
    text = corpus_file(folder)
    (folder / "small.yaml").write_text(dump_yaml(configured(text)), encoding="utf-8")
    run = finish(start(folder / "runs/run", configured(text)))
    half = start(folder / "runs/half", configured(text))
    half.close()
    flat = {"train": 1.0, "valid": 0.0, "test": 0.0}
    trained(folder, "flat", "ab ba " * 100, corpus__split=flat).rename(folder / "runs/flat")
    (folder / "void").mkdir()
    (folder / "empty.txt").touch()
    (folder / "one.txt").write_text("a")
    (folder / "odd.txt").write_text("tinÉra", encoding="utf-8")
    (folder / "binary").write_bytes(bytes(range(128, 256)) * 8)
    whole = (run / "best.safetensors").read_bytes()
    (folder / "damaged.safetensors").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    last = (folder / "runs/half/last.safetensors").read_bytes()
    (folder / "damaged-last.safetensors").write_bytes(last[:-1] + bytes([last[-1] ^ 1]))
    (folder / "cut.safetensors").write_bytes(whole[:-9])
    tensors, metadata = checkpoint.load(run / "best.safetensors")
    checkpoint.save(folder / "other.safetensors", {"x": np.zeros(3)}, {"a": 1})
    checkpoint.save(
        folder / "broken.safetensors", {**tensors, "decoder.bias": tensors["decoder.bias"] + np.nan}, metadata
    )
    return folder


@pytest.mark.parametrize(("line", "status", "patterns"), [(c[0], c[1], c[2:]) for c in ALL.values()], ids=ALL)
def test_a_mistake_is_answered_in_one_line(folder, capsys, monkeypatch, line, status, patterns):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("CHARLM_DEBUG", raising=False)
    before = sorted(path.relative_to(folder) for path in folder.rglob("*"))
    got = cli.main(line.split())
    output, message = capsys.readouterr()
    lines = [told for told in message.splitlines() if told.startswith("charlm: ") or "seed" not in told]
    assert got == status, message
    assert output == ""
    assert len(lines) == len(patterns), message
    for told, pattern in zip(lines, patterns, strict=True):
        assert told.startswith("charlm: ")
        assert re.search(pattern, told), told
        assert "Traceback" not in told
    assert sorted(path.relative_to(folder) for path in folder.rglob("*")) == before, "nothing may be left behind"


def test_there_are_ten_mistakes_and_more_for_every_command():
    assert min(len(cases) for cases in (TRAIN, SAMPLE, EVAL, INFO, GRADCHECK)) >= 10
