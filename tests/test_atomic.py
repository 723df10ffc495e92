"""Facts about files that are written whole or not at all."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from charlm.atomic import atomic_file
from charlm.errors import CharlmError
from charlm.files import checkpoint

ROOT = Path(__file__).parent.parent
KILLED = 1 if os.name == "nt" else -signal.SIGKILL
TENSORS = {"w": np.arange(12, dtype=np.float32)}
METADATA = {"seed": 7}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "last.safetensors"
    checkpoint.save(path, TENSORS, METADATA)
    return path


def left_behind(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.endswith(".tmp"))


def write_half(path: Path, error: BaseException) -> None:
    with atomic_file(path) as stream:
        stream.write(b"half a che")
        raise error


@pytest.mark.parametrize("name", [".", "folder", "folder/..", ""])
def test_a_folder_is_not_written_over(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(CharlmError, match=r"not saved: Is a directory"):
        write_half(Path(name), RuntimeError("never raised"))
    assert os.listdir(tmp_path) == ["folder"]
    assert os.listdir(tmp_path / "folder") == []


def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(file):
    before = file.read_bytes()
    for error in (OSError(28, "No space left on device"), KeyboardInterrupt(), RuntimeError("bug")):
        expected = CharlmError if isinstance(error, OSError) else type(error)
        with pytest.raises(expected) as caught:
            write_half(file, error)
        assert file.read_bytes() == before
        assert os.listdir(file.parent) == [file.name]
        if expected is CharlmError:
            assert str(caught.value) == (
                f"{file}: not saved: No space left on device; what was there before is unchanged"
            )


@pytest.mark.parametrize("failures", [1, 4, 5])
def test_a_file_that_another_program_holds_for_a_moment_is_replaced_a_little_later(file, monkeypatch, failures):
    rename, refusals = os.replace, iter([PermissionError(13, "Access is denied")] * failures)

    def held(source, target):
        if (refusal := next(refusals, None)) is not None:
            raise refusal
        rename(source, target)

    before = file.read_bytes()
    monkeypatch.setattr(os, "replace", held)
    if failures < 5:
        checkpoint.save(file, {"w": np.zeros(9)}, {})
        assert len(checkpoint.load(file)[0]["w"]) == 9
    else:
        with pytest.raises(CharlmError, match="not saved: Access is denied; what was there before is unchanged"):
            checkpoint.save(file, {"w": np.zeros(9)}, {})
        assert file.read_bytes() == before
    assert left_behind(file.parent) == []


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be replaced there")
def test_whoever_reads_the_old_file_meanwhile_reads_it_to_its_end(file):
    before = file.read_bytes()
    with file.open("rb") as reader:
        start = reader.read(10)
        checkpoint.save(file, {"w": np.zeros(1000)}, {})
        assert start + reader.read() == before


LIMITED_SAVE = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from charlm.files import checkpoint
from charlm.errors import CharlmError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    checkpoint.save(Path(sys.argv[1]), {"w": np.ones(1_000_000)}, {})
except CharlmError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="file size limits are POSIX's")
def test_a_disk_that_fills_up_is_told_in_one_line(file):
    before = file.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", LIMITED_SAVE, file], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout == f"{file}: not saved: File too large; what was there before is unchanged\n"
    assert file.read_bytes() == before
    assert left_behind(file.parent) == []


def test_a_folder_that_does_not_exist_is_told_in_one_line(tmp_path):
    with pytest.raises(CharlmError, match="not saved: No such file or directory"):
        checkpoint.save(tmp_path / "nowhere" / "a", TENSORS, METADATA)


SECOND_SAVE = """
import os, signal, sys
from pathlib import Path
import numpy as np
from charlm.files import checkpoint

place, count = sys.argv[2], int(sys.argv[3])  # bytes to write, or calls of a function
if place == "write":
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, count))
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the system kills whoever writes more bytes
else:
    function = getattr(os, place)

    def stop(*arguments):
        global count
        count -= 1
        if count == 0:
            print("there", flush=True)
            sys.stdin.read()
        return function(*arguments)

    setattr(os, place, stop)
checkpoint.save(Path(sys.argv[1]), {"w": np.full(300_000, 2.0)}, {"number": 2})
"""
ON_POSIX = pytest.mark.skipif(os.name == "nt", reason="file size limits and folders that are synchronised are POSIX's")


@pytest.mark.parametrize(
    ("place", "count", "left"),
    [
        pytest.param("write", 1, 1.0, marks=ON_POSIX),  # that many bytes of the file are written
        pytest.param("write", 1_000_000, 1.0, marks=ON_POSIX),
        pytest.param("write", 2_400_000, 1.0, marks=ON_POSIX),
        ("fsync", 1, 1.0),  # that call of the function never returns
        ("replace", 1, 1.0),
        pytest.param("fsync", 2, 2.0, marks=ON_POSIX),
    ],
)
def test_a_process_killed_while_saving_leaves_a_whole_file(tmp_path, place, count, left):
    path = tmp_path / "last.safetensors"
    checkpoint.save(path, {"w": np.full(300_000, 1.0)}, {"number": 1})
    with subprocess.Popen(
        [sys.executable, "-c", SECOND_SAVE, path, place, str(count)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        process.kill()
    assert (said, process.returncode) == ((b"", -signal.SIGXFSZ) if place == "write" else (b"there", KILLED))
    assert len(left_behind(tmp_path)) == (left == 1.0)
    tensors, metadata = checkpoint.load(path)
    assert metadata["number"] == left
    assert np.array_equal(tensors["w"], np.full(300_000, left))
    checkpoint.save(path, TENSORS, METADATA)
    if os.name != "nt":
        assert left_behind(tmp_path) == []


WRITER = """
import sys
from pathlib import Path
from charlm.atomic import atomic_file

with atomic_file(Path(sys.argv[1])) as file:
    print("ready", flush=True)
    sys.stdin.read()
"""


def write(path: Path, content: bytes) -> None:
    with atomic_file(path) as stream:
        stream.write(content)


def start_writer(path: Path) -> subprocess.Popen[bytes]:
    """Return a process that is within the block which writes `path`, until its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"ready"
    return process


def test_a_temporary_file_stays_as_long_as_its_writer_lives_but_no_longer_than_a_day(tmp_path):
    path = tmp_path / "a"
    with start_writer(path) as process:
        write(path, b"1")
        (temporary,) = left_behind(tmp_path)
        os.utime(tmp_path / temporary, (0, 0))
        write(path, b"2")
        assert left_behind(tmp_path) == []
        process.kill()


@pytest.mark.skipif(os.name == "nt", reason="that system has no harmless way to ask whether a process exists")
def test_a_killed_writers_file_is_removed_by_the_next_write_into_its_folder(tmp_path):
    with start_writer(tmp_path / "a") as process:
        process.kill()
    assert len(left_behind(tmp_path)) == 1
    write(tmp_path / "b", b"1")
    assert os.listdir(tmp_path) == ["b"]


def test_a_dead_writers_file_from_another_computer_stays_for_a_day(tmp_path):
    with start_writer(tmp_path / "a") as process:
        process.kill()
    (temporary,) = left_behind(tmp_path)
    start, _, *rest = temporary.rsplit(".", 4)
    elsewhere = (tmp_path / temporary).rename(tmp_path / ".".join([start, "elsewhere", *rest]))
    write(tmp_path / "a", b"1")
    assert elsewhere.exists()
    os.utime(elsewhere, (0, 0))
    write(tmp_path / "a", b"1")
    assert not elsewhere.exists()


def test_files_of_others_stay_however_old_they_are(tmp_path):
    strangers = [tmp_path / name for name in (".a.1.tmp", ".a.host.1.x.tmp", "a.tmp", ".a.1.part")]
    for other in strangers:
        other.touch()
        os.utime(other, (0, 0))
    write(tmp_path / "a", b"1")
    assert all(other.exists() for other in strangers)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_that_stands_where_the_temporary_file_would_be_is_not_followed(tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_bytes(b"mine")
    monkeypatch.setattr(os, "urandom", bytes)  # an attacker who guesses the random name
    with atomic_file(tmp_path / "a"):
        (temporary,) = left_behind(tmp_path)
    (tmp_path / temporary).symlink_to(victim)
    with pytest.raises(CharlmError, match="not saved: File exists"):
        write(tmp_path / "a", b"theirs")
    assert victim.read_bytes() == b"mine"
    assert (tmp_path / temporary).is_symlink()


def test_two_writers_of_one_path_in_one_process_do_not_meet(tmp_path):
    with atomic_file(tmp_path / "a") as one, atomic_file(tmp_path / "a") as other:
        one.write(b"one")
        other.write(b"other")
    assert (tmp_path / "a").read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX's")
def test_a_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    write(tmp_path / "a", b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode
