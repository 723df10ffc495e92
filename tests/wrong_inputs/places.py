"""A folder as people have them: runs, configurations and texts, sound and not, and files of other programs."""

import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np

from charlm.config import dump_yaml
from charlm.files import checkpoint
from tests.runs import configured, corpus_file, finish, start, trained

SPLIT = {"train": 1.0, "valid": 0.0, "test": 0.0}
CONFIGURATIONS = {
    "small.yaml": dump_yaml(configured("text.txt")),
    "gone.yaml": "corpus:\n  path: no/such/text.txt\n",
    "tabs.yaml": "corpus:\n\tpath: text.txt\n",
    "list.yaml": "- text.txt\n- one.txt\n",
    "word.yaml": "hello\n",
    "open.yaml": "corpus: {path: text.txt\n",
    "anchor.yaml": "corpus: &c\n  path: text.txt\nmodel: *c\n",
    "twice.yaml": "corpus:\n  path: text.txt\nseed: 1\nseed: 2\n",
    "windows.yaml": 'corpus:\n  path: "C:\\new\\text.txt"\n',
    "later.yaml": "corpus:\n  path: text.txt\nmodel:\n  cell: mamba\n  heads: 8\n",
    "many.yaml": "corpus:\n  path: text.txt\nmodel:\n  cell: lstmm\n  hiden_size: 8\n  num_layers: two\n"
    "training:\n  batch_size: -4\nseed: 1.5\n",
    "flat.yaml": "path: text.txt\ncell: gru\n",
}


def make(folder: Path) -> None:
    """Fill a folder."""
    text = corpus_file(folder)
    for name, content in CONFIGURATIONS.items():
        (folder / name).write_text(content, encoding="utf-8")
    (folder / "latin.yaml").write_bytes("corpus:\n  path: text.txt # für alle\n".encode("latin-1"))
    _make_runs(folder, text)
    _make_checkpoints(folder)
    _make_texts(folder)
    _make_foreign(folder)


def _make_runs(folder: Path, text: Path) -> None:
    runs = folder / "runs"
    runs.mkdir()
    finish(start(runs / "run", configured(text)))
    start(runs / "half", configured(text)).close()
    for name, content, changes in (
        ("flat", "ab ba " * 100, {"corpus__split": SPLIT}),
        ("bytes", text.read_bytes(), {"corpus__unit": "byte"}),
        ("names", "ann\nbob\nabba\nbanna\n" * 60, {"corpus__mode": "lines"}),
    ):
        trained(folder, name, content, **changes).rename(runs / name)
    (folder / "bytes.txt").unlink()


def _make_checkpoints(folder: Path) -> None:
    best = folder / "runs/run/best.safetensors"
    whole, last = best.read_bytes(), (folder / "runs/half/last.safetensors").read_bytes()
    (folder / "damaged.safetensors").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    (folder / "broken/damaged").mkdir(parents=True)
    (folder / "copy-of-last.safetensors").write_bytes(last)
    (folder / "broken/damaged/last.safetensors").write_bytes(last[:-1] + bytes([last[-1] ^ 1]))
    (folder / "cut.safetensors").write_bytes(whole[:-9])
    (folder / "head.safetensors").write_bytes(whole[:100])
    tensors, metadata = checkpoint.load(best)
    bias = tensors["decoder.bias"]
    later = {**metadata, "version": "9.0.0", "architecture": {**metadata["architecture"], "cell": "mamba"}}
    checkpoint.save(folder / "other.safetensors", {"x": np.zeros(3)}, {"a": 1})
    checkpoint.save(folder / "broken.safetensors", {**tensors, "decoder.bias": bias + np.nan}, metadata)
    checkpoint.save(folder / "later.safetensors", tensors, later)
    weights = np.zeros(12, np.float32).tobytes()
    header = json.dumps({"embed.weight": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}}).encode()
    (folder / "bert.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + weights)


def _make_texts(folder: Path) -> None:
    (folder / "void").mkdir()
    (folder / "data").mkdir()
    (folder / "data/names.txt").write_text("mine")
    (folder / "data/copy-5.txt").write_text("mine")
    (folder / "empty.txt").touch()
    (folder / "one.txt").write_text("a")
    (folder / "same.txt").write_text("a" * 5000)
    (folder / "short.txt").write_text("hello world")
    (folder / "notes.tex").write_text("A title\nMARA: one word: another\n")
    (folder / "mine.conf").write_text("corpus: {path: text.txt}\nmodel: {hiden_size: 5}\n")
    (folder / "verses").mkdir()
    (folder / "verses" / "a.txt").write_text("To be or not to be\n")
    (folder / "films.csv").write_text("id,title\n" + "1,tin\n2,ra\n" * 30)
    (folder / "ragged.csv").write_text("id,title\n1,tin\n2,tin, ra\n")
    (folder / "odd.txt").write_text("tinÉra", encoding="utf-8")
    (folder / "old.html").write_text("tin ra\n")
    (folder / "old.svg").write_text("<svg/>")
    (folder / "binary").write_bytes(bytes(range(128, 256)) * 8)
    (folder / "utf16.txt").write_bytes(b"\xff\xfe" + ("tin ra " * 200).encode("utf-16-le"))
    (folder / "unmarked.txt").write_bytes(("tin ra " * 200).encode("utf-16-le"))
    (folder / "text.txt.gz").write_bytes((folder / "text.txt").read_bytes())
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe")
    (folder / "locked.txt").write_text("tin ra")
    (folder / "locked.txt").chmod(0)
    (folder / "locked").mkdir(mode=0o500)


def _make_foreign(folder: Path) -> None:
    """Write the files of other programs, as far as their first bytes go."""
    for name in ("archive.zip", "model.pt"):
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr(zipfile.ZipInfo("a/data.pkl"), pickle.dumps({"a": 1}) + bytes(200))
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(200))
    (folder / "weights.pkl").write_bytes(pickle.dumps({"w": [1.0, 2.0]}, 4) + b"\xff")
    (folder / "llama.gguf").write_bytes(b"GGUF\3\0\0\0" + bytes(8) + b"\xff" + bytes(100))
    (folder / "list.json").write_text("[1, 2, 3]")
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    (folder / "weights.npy").write_bytes(array.getvalue())
