"""Facts about checkpoint files: they come back as they were stored, or are refused in one line."""

import hashlib
import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file, save_file

from charlm.errors import CharlmError, DamagedFileError
from charlm.files import checkpoint

ROOT = Path(__file__).parent.parent.parent
TENSORS: dict[str, checkpoint.Array] = {
    "rnn.weight_ih_l0": np.arange(12, dtype=np.float32).reshape(4, 3),
    "decoder.bias": np.array([0.5, -1.5], dtype=np.float32),
    "training.moment": np.arange(7) / 8,
    "training.step": np.array(41, dtype=np.int64),
}
METADATA = {"vocabulary": ["\n", "a", "é", "\U0001f600", "\ud800"], "best": 1.25, "history": [{"step": 1}], "seed": 7}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "last.safetensors"
    checkpoint.save(path, TENSORS, METADATA)
    return path


def assert_same(loaded, stored):
    assert sorted(loaded) == sorted(stored)
    for name, array in stored.items():
        assert loaded[name].dtype == array.dtype, name
        assert loaded[name].shape == array.shape, name
        assert loaded[name].tobytes() == array.tobytes(), name


def refusal(path: Path) -> str:
    with pytest.raises(CharlmError) as caught:
        checkpoint.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message


def rewrite_metadata(path: Path, change) -> None:
    """Replace the metadata's JSON text, leaving a file that is sound as safetensors."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    header["__metadata__"]["charlm"] = change(header["__metadata__"]["charlm"])
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + length :])


# --- What is stored comes back

NAMES = st.text(min_size=1, max_size=12).map(lambda name: "w." + name.encode("utf-8", "replace").decode())
ARRAYS = hnp.arrays(
    dtype=st.sampled_from([np.dtype(name) for name in checkpoint.DTYPE_NAMES]).flatmap(
        lambda dtype: st.sampled_from([dtype, dtype.newbyteorder(">")])
    ),
    shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(NAMES | NAMES.map("training.".__add__), ARRAYS, max_size=5), st.dictionaries(st.text(), JSON))
def test_any_arrays_and_metadata_come_back(tmp_path_factory, tensors, metadata):
    metadata = {f"key {name}": value for name, value in metadata.items()}
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    checkpoint.save(path, tensors, metadata)
    loaded, loaded_metadata = checkpoint.load(path)
    assert_same(loaded, {name: array.astype(array.dtype.newbyteorder("<")) for name, array in tensors.items()})
    assert loaded_metadata == metadata == checkpoint.read_metadata(path)


def test_a_view_that_is_not_contiguous_is_stored_by_its_values(tmp_path):
    view = np.arange(24.0).reshape(4, 6).T[::2]
    checkpoint.save(tmp_path / "a", {"view": view}, {})
    assert np.array_equal(checkpoint.load(tmp_path / "a")[0]["view"], view)


def test_nan_and_infinity_come_back_bit_for_bit(tmp_path):
    strange = {"strange": np.array([np.nan, -np.nan, np.inf, -np.inf, -0.0, 5e-324])}
    checkpoint.save(tmp_path / "a", strange, {"best": float("inf")})
    loaded, metadata = checkpoint.load(tmp_path / "a")
    assert_same(loaded, strange)
    assert metadata == {"best": float("inf")}


def test_loaded_arrays_can_be_written_to(file):
    for array in checkpoint.load(file)[0].values():
        array += 1


def test_equal_contents_make_equal_files_in_whatever_order_they_are_given(file, tmp_path):
    other = tmp_path / "other"
    backwards = dict(reversed(METADATA.items()))
    checkpoint.save(other, dict(reversed(TENSORS.items())), backwards)
    assert other.read_bytes() == file.read_bytes()
    checkpoint.save(other, *checkpoint.load(file))
    assert other.read_bytes() == file.read_bytes()


def test_files_have_not_changed_since_format_1_was_fixed(file):
    assert hashlib.sha256(file.read_bytes()).hexdigest() == (
        "8a07a2739ba20dabc929b31cac401262b7b034e26b04ea481e6b926a321b52a3"
    )


def test_every_array_starts_at_a_multiple_of_its_item_size(tmp_path):
    tensors = {name: np.zeros(3, dtype=name) for name in checkpoint.DTYPE_NAMES}
    checkpoint.save(tmp_path / "a", tensors, {})
    raw = (tmp_path / "a").read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    for name, array in tensors.items():
        assert (8 + length + header[name]["data_offsets"][0]) % array.itemsize == 0, name


def test_any_safetensors_reader_opens_the_file(file):
    assert_same(load_file(file), TENSORS)


def test_the_model_alone_can_be_read(file):
    loaded, metadata = checkpoint.load(file, training=False)
    assert_same(loaded, {name: array for name, array in TENSORS.items() if not name.startswith("training.")})
    assert metadata == METADATA


@pytest.mark.parametrize("dtype", ["complex128", "object", "U3", "datetime64[s]"])
def test_an_array_that_the_format_cannot_hold_is_a_bug_of_the_caller(file, dtype):
    before = file.read_bytes()
    with pytest.raises(ValueError, match=r"^w: arrays of .* cannot be stored$"):
        checkpoint.save(file, {"w": np.zeros(2, dtype=dtype)}, {})
    assert file.read_bytes() == before


@pytest.mark.parametrize("key", ["format", "checksum"])
def test_the_formats_own_keys_cannot_be_taken(tmp_path, key):
    with pytest.raises(ValueError, match="belong to the file format"):
        checkpoint.save(tmp_path / "a", {}, {key: "mine"})


# --- No file is trusted


def test_a_changed_byte_anywhere_is_noticed(file):
    raw = file.read_bytes()
    random = np.random.default_rng(0)
    (length,) = struct.unpack("<Q", raw[:8])
    refused = 0
    positions = [*range(8), *range(8 + length, len(raw)), *random.choice(np.arange(8, 8 + length), 300, replace=False)]
    for position in positions:
        changed = bytearray(raw)
        changed[position] ^= 1 << random.integers(8)
        file.write_bytes(changed)
        try:
            loaded, metadata = checkpoint.load(file)
        except CharlmError:
            refused += 1
        else:  # another spelling of the same JSON, such as \u00E9 for \u00e9
            assert 8 <= position < 8 + length
            assert_same(loaded, TENSORS)
            assert metadata == METADATA
    assert refused > 0.98 * len(positions)


@pytest.mark.parametrize("part", ["model", "training"])
def test_swapped_tensors_are_noticed(file, part):
    names = {"model": ("a", "b"), "training": ("training.a", "training.b")}[part]
    values = np.arange(6, dtype=np.float32)
    checkpoint.save(file, {names[0]: values, names[1]: values[::-1]}, {})
    raw = file.read_bytes()
    file.write_bytes(raw[:-48] + raw[-24:] + raw[-48:-24])
    assert "do not match their checksum" in refusal(file)


def test_damage_to_the_unread_part_does_not_keep_the_model_from_being_read(file):
    raw = bytearray(file.read_bytes())
    raw[raw.index(TENSORS["training.moment"].tobytes()) + 20] ^= 1
    file.write_bytes(raw)
    assert "do not match their checksum" in refusal(file)
    assert checkpoint.load(file, training=False)[1] == METADATA
    assert checkpoint.read_metadata(file) == METADATA


def test_a_file_cut_short_anywhere_is_refused(file):
    raw = file.read_bytes()
    for length in [*range(0, len(raw), 37), len(raw) - 1]:
        file.write_bytes(raw[:length])
        assert "damaged, or not a checkpoint" in refusal(file)


@pytest.mark.parametrize(
    "content",
    [b"", b"To be, or not to be", b"\xff" * 64, struct.pack("<Q", 2**62) + b"{}", struct.pack("<Q", 90_000_000) + b"{"],
    ids=["empty", "text", "ones", "huge header", "long header"],
)
def test_what_is_not_a_safetensors_file_is_refused(tmp_path, content):
    path = tmp_path / "x"
    path.write_bytes(content)
    assert "runs/NAME/best.safetensors" in refusal(path)


def test_a_safetensors_file_of_another_program_is_refused(tmp_path):
    save_file({"w": np.zeros(2)}, tmp_path / "a")
    save_file({"w": np.zeros(2)}, tmp_path / "b", {"format": "pt"})
    assert "not charlm's" in refusal(tmp_path / "a")
    assert "not charlm's" in refusal(tmp_path / "b")


def test_a_file_of_a_later_format_is_refused_by_its_number(file):
    rewrite_metadata(file, lambda text: text.replace('"format":1', '"format":2'))
    assert "written by a newer charlm (format 2); this one reads format 1; update charlm" in refusal(file)


@pytest.mark.parametrize("version", ["0", '"1.0"', "null", "[]"])
def test_a_file_of_an_unknown_format_is_refused(file, version):
    rewrite_metadata(file, lambda text: text.replace('"format":1', f'"format":{version}'))
    assert "written by another charlm" in refusal(file)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", '"format"', "{}", '{"format":1}', "[" * 100_000, "1" * 10_000, '{"format":1,"checksum":[]}'],
    ids=lambda text: text[:12],
)
def test_metadata_that_makes_no_sense_is_refused(file, text):
    rewrite_metadata(file, lambda _: text)
    assert "damaged: its metadata" in refusal(file)


def test_changed_metadata_is_refused_even_when_no_tensor_is_read(file):
    rewrite_metadata(file, lambda text: text.replace('"seed":7', '"seed":8'))
    with pytest.raises(DamagedFileError, match="metadata does not match its checksum"):
        checkpoint.read_metadata(file)


def test_a_tensor_type_that_charlm_never_writes_is_refused(file):
    rewrite_metadata(file, lambda text: text)
    raw = file.read_bytes().replace(b'"I64"', b'"F4"', 1).replace(b'"shape": []', b'"shape":[16]')
    (length,) = struct.unpack("<Q", raw[:8])
    file.write_bytes(struct.pack("<Q", length) + raw[8:])
    assert "has the type F4, which charlm never writes" in refusal(file)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    assert "cannot be read: No such file or directory" in refusal(tmp_path / "nothing")
    assert "cannot be read: " in refusal(tmp_path)


def test_reading_a_checkpoint_imports_neither_yaml_nor_pydantic_nor_click():
    code = (
        "import sys, charlm.files.checkpoint; print(*sorted({'yaml', 'pydantic', 'click', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "\n"
