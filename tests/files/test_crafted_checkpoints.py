"""Checkpoints that somebody made by hand, checksums and all: each is used or refused in one line, and soon."""

import contextlib
import copy
import json
import os
import struct
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import charlm
from charlm import __version__, cli
from charlm.errors import CharlmError
from charlm.files import checkpoint
from tests.runs import configured, corpus_file, finish, resume, start

ODD: list[Any] = [
    None, True, -1, 0, 1, 7, 10**6, 10**18, 1.5, -2.5e300, "", "x", "\x1b[31m\n", [], [1], [[]], {}, {"a": 1},
    [None, "x", 10**9],
]  # fmt: skip
SECONDS = 5.0  # of processor time


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    """Return a finished run, its tensors and its metadata."""
    folder = tmp_path_factory.mktemp("made")
    path = corpus_file(folder)
    run = finish(start(folder / "run", configured(path, training__max_steps=6, training__ema=0.9)))
    return run, *checkpoint.load(run / "last.safetensors")


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value of some metadata; of a long list, the first two."""
    if at:
        yield at
    entries = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from places(inner, (*at, key))


def changed(metadata: dict[str, Any], place: tuple[Any, ...], change: Callable[[Any, Any], None]) -> dict[str, Any]:
    copied = copy.deepcopy(metadata)
    inner: Any = copied
    for key in place[:-1]:
        inner = inner[key]
    change(inner, place[-1])
    return copied


def metadata_cases(metadata: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for place in places(metadata):
        name = ".".join(map(str, place))
        yield f"without {name}", changed(metadata, place, lambda inner, key: inner.pop(key))
        for odd in ODD:

            def put(inner: Any, key: Any, odd: Any = odd) -> None:
                inner[key] = odd

            yield f"{name} = {odd!r}", changed(metadata, place, put)


def tensor_cases(tensors: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, array in tensors.items():
        others = {key: value for key, value in tensors.items() if key != name}
        yield f"without {name}", others
        yield f"{name} renamed", {**others, f"{name}x": array}
        for label, odd in {
            "empty": array.reshape(-1)[:0],
            "one": array.reshape(-1)[:1],
            "flat": array.reshape(-1),
            "turned": array.T.copy() if array.ndim > 1 else array[:, None],
            "wide": np.repeat(array, 2, axis=-1),
            "whole numbers": array.astype(np.int32),
            "float64": array.astype(np.float64),
            "not a number": np.full_like(array, np.nan),
            "infinite": np.full_like(array, np.inf),
            "huge": np.full_like(array, 3e38),
        }.items():
            yield f"{name} {label}", {**others, name: odd}


def survives(path: Path, where: str, capsys) -> None:
    """Use a checkpoint in every way; nothing but errors that are told may come of it."""
    started = time.process_time()
    for arguments in (
        ["info", str(path)],
        ["info", str(path), "--json"],
        ["sample", str(path), "--length", "5", "--seed", "1"],
        ["eval", str(path)],
    ):
        status = cli.main(arguments)
        output, message = capsys.readouterr()
        assert status in (0, 1, 2), where
        assert "Traceback" not in message, f"{where}: {arguments[0]}: {message}"
        assert "this is a bug" not in message, where
        assert "Warning" not in message, f"{where}: {message}"
        if status:
            assert output == "", where
    with contextlib.suppress(CharlmError):
        resume(path.parent).close()
    assert time.process_time() - started < SECONDS, where


def tried(made, cases: list[tuple[str, dict[str, Any], dict[str, Any]]], tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "run"
    run.mkdir()
    for where, tensors, metadata in cases:
        for name in ("metrics.jsonl", "samples.txt", "config.yaml"):
            (run / name).write_bytes((made[0] / name).read_bytes())
        checkpoint.save(run / "last.safetensors", tensors, metadata)
        survives(run / "last.safetensors", where, capsys)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["run"], f"{where}: wrote elsewhere"


def all_cases(made) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    _, tensors, metadata = made
    cases = [(where, tensors, other) for where, other in metadata_cases(metadata)]
    return cases + [(where, other, metadata) for where, other in tensor_cases(tensors)]


@pytest.mark.parametrize("share", range(4))
def test_some_crafted_checkpoints_are_used_or_refused(made, share, tmp_path, capsys, monkeypatch):
    tried(made, all_cases(made)[share * 7 :: 41][:45], tmp_path, capsys, monkeypatch)


@pytest.mark.faults
@pytest.mark.parametrize("share", range(16))
def test_all_crafted_checkpoints_are_used_or_refused(made, share, tmp_path, capsys, monkeypatch):
    cases = all_cases(made)
    assert len(cases) > 1_500
    tried(made, cases[share::16], tmp_path, capsys, monkeypatch)


def headers(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield files whose header was changed, or that were cut."""
    (length,) = struct.unpack("<Q", raw[:8])
    header, rest = json.loads(raw[8 : 8 + length]), raw[8 + length :]

    def file(value: Any) -> bytes:
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        return struct.pack("<Q", len(text)) + text + rest

    name = next(key for key in header if key != "__metadata__")
    for odd in ODD:
        yield f"header = {odd!r}", file(odd)
        yield f"metadata = {odd!r}", file({**header, "__metadata__": odd})
        yield f"charlm = {odd!r}", file({**header, "__metadata__": {"charlm": odd}})
        yield f"tensor = {odd!r}", file({**header, name: odd})
        for key in ("dtype", "shape", "data_offsets"):
            yield f"{key} = {odd!r}", file({**header, name: {**header[name], key: odd}})
    yield "65 dimensions", file({**header, name: {**header[name], "shape": [1] * 65}})
    yield "a huge shape", file({**header, name: {**header[name], "shape": [1 << 59, 1 << 59]}})
    yield "nesting", file(b"[" * 100_000 + b"]" * 100_000)
    deep = '{"format":1,"checksum":{},"x":' + "[" * 985 + "]" * 985 + "}"
    yield "metadata that is deep where it is not checked", file({**header, "__metadata__": {"charlm": deep}})
    yield "nested metadata", file({**header, "__metadata__": {"charlm": "[" * 985 + "]" * 985}})
    for size in (0, 1, 7, 8, 9, 100, 8 + length - 1, 8 + length, 8 + length + 1, len(raw) - 1):
        yield f"{size} bytes", raw[:size]
    yield "a byte more", raw + b"x"
    for claimed in (0, 1, length - 1, length + 1, 1 << 31, 1 << 62, (1 << 64) - 1):
        yield f"a header of {claimed} bytes", struct.pack("<Q", claimed) + raw[8:]


def test_headers_that_lie_are_refused(made, tmp_path, capsys):
    path = tmp_path / "run" / "last.safetensors"
    path.parent.mkdir()
    for where, data in headers((made[0] / "last.safetensors").read_bytes()):
        path.write_bytes(data)
        with pytest.raises(CharlmError):
            checkpoint.load(path)
        with pytest.raises(CharlmError):
            checkpoint.read_metadata(path)
        assert cli.main(["info", str(path)]) == 1, where
        assert capsys.readouterr().err.count("\n") == 1, where


def forged(made, tmp_path, **values: Any):
    """Return a run directory whose checkpoint says something else."""
    run, tensors, metadata = made
    directory = tmp_path / "forged"
    directory.mkdir()
    for name in ("metrics.jsonl", "samples.txt", "config.yaml"):
        (directory / name).write_bytes((run / name).read_bytes())
    metadata = copy.deepcopy(metadata)
    for dotted, value in values.items():
        inner = metadata
        *keys, last = dotted.split("__")
        for key in keys:
            inner = inner[key]
        inner[last] = value
    checkpoint.save(directory / "last.safetensors", tensors, metadata)
    return directory


def refusal(made, tmp_path, **values: Any) -> str:
    with pytest.raises(CharlmError) as caught:
        resume(forged(made, tmp_path, **values)).close()
    return str(caught.value)


def test_a_billion_layers_are_refused_at_once(made, tmp_path):
    assert "architecture.num_layers cannot be 1000000000" in refusal(made, tmp_path, architecture__num_layers=10**9)


def test_more_workers_than_streams_are_not_started(made, tmp_path):
    assert "wants 1000 workers for 4 streams" in refusal(made, tmp_path, run__threads=[1000, 1])


def test_a_checkpoint_does_not_start_more_threads_of_a_product_than_the_machine_can_use(made, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with resume(forged(made, tmp_path, run__threads=[1, 1000])) as run:
        assert max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas") <= 32
        assert run.record.threads == (1, 32)
        of_the_checkpoint = [warning.partition("last.safetensors: ")[2] for warning in run.warnings]
        assert list(filter(None, of_the_checkpoint)) == [  # that best.safetensors is missing is another matter
            "was trained by 1 worker with 1000 threads a product, which are too many for this machine: the run goes on "
            "with 1 worker with 32 threads a product, but its bytes may differ from those of an uncut run"
        ]


def test_a_vocabulary_of_many_symbols_with_a_duplicate_is_refused_soon(made, tmp_path):
    symbols = [chr(0x4E00 + n) for n in range(20_000)] * 10
    started = time.process_time()
    message = refusal(made, tmp_path, vocabulary__symbols=symbols)
    assert "occurs twice" in message
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize("name", ["optimizer.mean", "optimizer.square", "state.h_l0", "weights"])
def test_training_tensors_of_another_shape_are_refused_and_not_stretched(made, tmp_path, name):
    _, tensors, metadata = made
    directory = forged(made, tmp_path)
    checkpoint.save(directory / "last.safetensors", {**tensors, f"training.{name}": np.ones(1, np.float32)}, metadata)
    with pytest.raises(CharlmError, match=rf"the tensor training.{name} is float32 \[1\], not float32"):
        resume(directory)


def test_a_key_of_a_later_version_is_named_as_such(made, tmp_path):
    model = {**made[2]["config"]["model"], "new_option": 1}
    message = refusal(made, tmp_path, version="0.2.0", config__model=model)
    assert "written by charlm 0.2.0, a later version than this one" in message
    assert "new_option" in message
    assert message.endswith("update charlm")


def test_a_finished_run_of_a_later_version_is_named_as_such(made, tmp_path, capfd):
    model = {**made[2]["config"]["model"], "new_option": 1}
    done = made[2]["run"]["standing"]["step"]
    directory = forged(made, tmp_path, version="0.2.0", config__model=model, run__total_steps=done)
    assert cli.main(["train", "--resume", str(directory)]) == 1
    assert "written by charlm 0.2.0, a later version than this one" in capfd.readouterr().err


SECTIONS = ["", "architecture", "vocabulary", "history.0", "run", "run.interval", "run.standing", "run.sizes"]


def with_unknown_key(metadata: dict[str, Any], section: str, version: str) -> dict[str, Any]:
    place = [int(key) if key.isdecimal() else key for key in section.split(".") if key]
    return changed({**metadata, "version": version}, (*place, "invented"), lambda inner, key: inner.update({key: 1}))


@pytest.mark.parametrize("section", SECTIONS)
def test_a_key_of_a_later_version_is_named_as_such_in_every_section(made, tmp_path, section):
    directory, (_, tensors, metadata) = forged(made, tmp_path), made
    path = directory / "last.safetensors"
    checkpoint.save(path, tensors, with_unknown_key(metadata, section, "0.2.0"))
    with pytest.raises(CharlmError) as caught:
        resume(directory)
    message, place = str(caught.value), section.removesuffix(".0")
    whose = f"{path}: written by charlm 0.2.0, a later version than this one ({__version__})"
    assert message.startswith(f"{whose}: its metadata's {place}")
    assert message.endswith("; update charlm")


@pytest.mark.parametrize("section", SECTIONS)
def test_a_key_that_this_version_did_not_write_is_no_sign_of_a_later_one(made, tmp_path, section):
    directory, (_, tensors, metadata) = forged(made, tmp_path), made
    checkpoint.save(directory / "last.safetensors", tensors, with_unknown_key(metadata, section, __version__))
    with pytest.raises(CharlmError) as caught:
        resume(directory)
    assert "damaged" in str(caught.value)
    assert "update charlm" not in str(caught.value)


@pytest.mark.parametrize("section", SECTIONS)
def test_a_model_can_be_used_whatever_a_later_version_keeps_of_its_training(made, tmp_path, section, capsys):
    _, tensors, metadata = made
    path = tmp_path / "last.safetensors"
    checkpoint.save(path, tensors, with_unknown_key(metadata, section, "0.2.0"))
    status = cli.main(["sample", str(path), "--length", "5", "--seed", "1"])
    assert status == (0 if section.startswith("run") else 1)
    assert ("update charlm" in capsys.readouterr().err) == bool(status)


@pytest.mark.parametrize(
    ("place", "value"),
    [("run__kernels", "cuda"), ("vocabulary__unit", "word"), ("architecture__dtype", "bfloat16"),
     ("run__sizes", {"metrics.jsonl": 1}), ("run__interval", {})],
)  # fmt: skip
def test_a_value_of_a_later_version_is_named_as_such(made, tmp_path, place, value):
    message = refusal(made, tmp_path, version="0.2.0", **{place: value})
    assert "written by charlm 0.2.0, a later version than this one" in message
    assert message.endswith("; update charlm")


def test_a_cell_of_a_later_version_is_named_as_such(made, tmp_path):
    path = forged(made, tmp_path, version="9.0", architecture__cell="mamba")
    with pytest.raises(CharlmError, match=r"written by charlm 9.0, a later version .* cell 'mamba' is not known here"):
        resume(path)


def test_weights_that_are_too_large_to_use_are_told(made, tmp_path, capsys):
    _, tensors, metadata = made
    directory = forged(made, tmp_path)
    large = {"decoder.weight": 3e38, "rnn.bias_ih_l0": 100}  # every unit is near 1, and their sum beyond float32
    huge = {name: np.full_like(array, large.get(name, 0)) for name, array in tensors.items()}
    checkpoint.save(directory / "last.safetensors", huge, metadata)
    for arguments in (["eval", str(directory), "--json"], ["sample", str(directory), "--temperature", "0"],
                      ["sample", str(directory), "--seed", "1"]):  # fmt: skip
        assert cli.main(arguments) == 1
        output, message = capsys.readouterr()
        assert message.splitlines()[-1].endswith("the logits of the model are not finite numbers: its weights are too "
                                                 "large; train it anew")  # fmt: skip
        assert output.strip() == ""


@pytest.mark.parametrize("embedding", [None, 2])
@pytest.mark.parametrize("sign", [1, -1])
def test_weights_whose_sums_overflow_are_told_and_not_warned_of(tmp_path, embedding, sign):
    small = configured(corpus_file(tmp_path), model__hidden_size=2, model__embedding_size=embedding,
                       model__cell="gru", training__max_steps=2)  # fmt: skip
    tensors, metadata = checkpoint.load(finish(start(tmp_path / "run", small)) / "last.safetensors")
    names = [name for name in tensors if not name.startswith("training.")]
    for one, other in product(names, names):
        huge = {**tensors, one: np.full_like(tensors[one], 3e38), other: np.full_like(tensors[other], sign * 3e38)}
        checkpoint.save(tmp_path / "huge.safetensors", huge, metadata)
        for use in (
            lambda model: model.sample(length=3, seed=1),
            lambda model: model.score("aei"),
            lambda model: model.next_probabilities("aei"),
        ):
            with contextlib.suppress(CharlmError):
                use(charlm.load(tmp_path / "huge.safetensors", workers=1))
