"""The files that a corpus path names, and the bytes that are in them."""

import bz2
import contextlib
import glob
import gzip
import hashlib
import io
import lzma
import math
import os
import re
import shutil
import stat
import sys
import sysconfig
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from charlm.errors import CorpusError, UsageError
from charlm.paths import expanded
from charlm.phrases import nearest, one_line

CHUNK_BYTES = 1 << 18
SPOOL_BYTES = 1 << 24  # standard input is kept in memory up to this size, then in a temporary file
UNPACKED_RATIO = 50  # text is compressed to a third or a tenth of its size
UNPACKED_MB = 128
UNPACKED_VARIABLE = "CHARLM_MAX_UNPACKED_MB"
STANDARD_INPUT = "-"
STDLIB_PREFIX = "stdlib:"
STDLIB_EXTRAS = ("site-packages", "dist-packages", "test", "tests", "idle_test", "__pycache__")

SPECIAL = {
    stat.S_IFIFO: "a named pipe; to read it, name it in corpus.path",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

Opener = Callable[[BinaryIO], IO[bytes]]
DECOMPRESSORS: dict[str, Opener] = {
    ".gz": lambda stored: cast(IO[bytes], gzip.GzipFile(fileobj=stored, mode="rb")),
    ".bz2": lambda stored: bz2.BZ2File(stored, "rb"),
    ".xz": lambda stored: lzma.LZMAFile(stored, "rb"),  # noqa: SIM115 (Source.chunks opens and closes it)
}


@dataclass(frozen=True)
class Source:
    """One file of a corpus, which can be read as often as it takes.

    Parameters
    ----------
    name : str
        What a message calls it.
    path : Path or None
        Where it is.
    spool : binary file or None
        Its bytes, where they came through a pipe and could not be read twice otherwise.
    """

    name: str
    path: Path | None = None
    spool: IO[bytes] | None = None

    @property
    def compression(self) -> str:
        """The suffix that says how the file is compressed, or an empty string."""
        suffix = self.path.suffix.lower() if self.path else ""
        return suffix if suffix in DECOMPRESSORS else ""

    def state(self) -> tuple[int, int]:
        """Return the stored size in bytes and the time of the last change, which tell whether it is the same file."""
        if self.spool is not None:
            return self.spool.seek(0, io.SEEK_END), 0
        assert self.path is not None
        try:
            facts = self.path.stat()
        except OSError as error:
            raise _unreadable(self.name, error) from None
        return facts.st_size, facts.st_mtime_ns

    def chunks(self) -> Iterator[bytes]:
        """Yield the content, decompressed, in pieces of up to `CHUNK_BYTES`.

        Raises
        ------
        CorpusError
            When it cannot be read, or when the compressed file is damaged, cut short, or unpacks to more than a
            compressed file may: `UNPACKED_RATIO` times its size, `UNPACKED_MB` megabytes in any case, or as many as
            the environment variable CHARLM_MAX_UNPACKED_MB says.
        """
        try:
            limit = self._most_unpacked()
            with self._stored() as stored, self._decompressed(stored) as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    limit -= len(chunk)
                    if limit < 0:
                        raise self._too_large()
                    yield chunk
        except (EOFError, zlib.error, lzma.LZMAError) as error:
            raise self._damaged(error) from None
        except OSError as error:
            raise (_unreadable(self.name, error) if error.errno else self._damaged(error)) from None

    def digest(self) -> str:
        """Return the SHA-256 sum of the bytes as they are stored."""
        try:
            with self._stored() as stored:
                digest = hashlib.sha256()
                while chunk := stored.read(CHUNK_BYTES):
                    digest.update(chunk)
                return digest.hexdigest()
        except OSError as error:
            raise _unreadable(self.name, error) from None

    def close(self) -> None:
        """Give back the temporary file of a pipe."""
        if self.spool is not None:
            self.spool.close()

    def _stored(self) -> AbstractContextManager[BinaryIO]:
        if self.spool is not None:
            self.spool.seek(0)
            return nullcontext(cast(BinaryIO, self.spool))
        assert self.path is not None
        return self.path.open("rb")

    def _decompressed(self, stored: BinaryIO) -> AbstractContextManager[IO[bytes]]:
        return DECOMPRESSORS[self.compression](stored) if self.compression else nullcontext(stored)

    def _most_unpacked(self) -> float:
        if not self.compression:
            return math.inf
        chosen = os.environ.get(UNPACKED_VARIABLE)
        if not chosen:
            return max(UNPACKED_MB * 1_000_000, UNPACKED_RATIO * self.state()[0])
        if not chosen.isdecimal():
            raise UsageError(f"{UNPACKED_VARIABLE}: must be a whole number of megabytes, got {one_line(chosen)!r}")
        return int(chosen) * 1_000_000

    def _too_large(self) -> CorpusError:
        megabytes = -(-int(self._most_unpacked()) // 1_000_000)
        return CorpusError(
            f"{self.name}: unpacks to more than {megabytes:,} MB ({UNPACKED_RATIO} times its size and at least "
            f"{UNPACKED_MB} MB are allowed); if it is really so much text, set the environment variable "
            f"{UNPACKED_VARIABLE} to the megabytes it may have, such as {10 * megabytes}"
        )

    def _damaged(self, error: Exception) -> CorpusError:
        reason = str(error).rstrip(".") or "no reason given"
        return CorpusError(
            f"{self.name}: cannot be decompressed as {self.compression} ({reason}); it is cut short, damaged or not "
            f"compressed that way: get the file again, or give it the suffix of what it is"
        )


def find(path: str | Sequence[str], notes: list[str] | None = None) -> list[Source]:
    """Return the files that a corpus path names, in the order in which they are to be read.

    Parameters
    ----------
    path : str or sequence of str
        Each is a file; a directory, which means all files in it and below, hidden ones left out, in order of
        their relative paths; a glob pattern, where ``**`` means any number of directories; ``-`` for standard
        input; or ``stdlib:PATTERN``, a pattern below the directory of this Python's standard library, where
        installed packages and the library's own tests count only if the pattern names their directory.
    notes : list of str, optional
        Takes a line for each file or link in a directory, or matched by a pattern, that is left out: named pipes,
        devices, sockets and links to directories.

    Returns
    -------
    list of Source
        At least one; compressed ones are known by their suffix, .gz, .bz2 or .xz.

    Raises
    ------
    CorpusError
        When a path leads to no file.
    UsageError
        When there is no path at all, or standard input is named twice.
    """
    paths = [path] if isinstance(path, str) else list(path)
    if not paths or not all(paths):
        raise UsageError(
            "the path of the text is empty; it must name a file, a directory, a pattern or - for standard input"
        )
    if paths.count(STANDARD_INPUT) > 1:
        raise UsageError("standard input (-) is named twice; it can be read once, so name it once")
    left_out: list[str] = []
    found: list[Source] = []
    with ExitStack() as opened:
        for one in paths:
            found += _find_one(one, left_out)
            opened.callback(found[-1].close)  # a pipe, which is one source, if a later path leads nowhere
        opened.pop_all()
    if notes is not None:
        notes += dict.fromkeys(left_out)
    return found


def is_standard_input(path: str | Sequence[str]) -> bool:
    """Tell whether one of the paths of a corpus is standard input."""
    return path == STANDARD_INPUT if isinstance(path, str) else STANDARD_INPUT in path


def is_read_once(path: str | Sequence[str]) -> bool:
    """Tell whether one of the paths of a corpus can be read but once: standard input, or a pipe under any name."""
    places = [expanded(one) for one in ([path] if isinstance(path, str) else path)]
    return is_standard_input(path) or any(
        os.path.exists(place) and not os.path.isfile(place) and not os.path.isdir(place) for place in places
    )


def _find_one(path: str, notes: list[str]) -> list[Source]:
    if path == STANDARD_INPUT:
        return [Source("standard input", spool=_spooled(standard_input()))]
    if path.startswith(STDLIB_PREFIX):
        return [_file(found) for found in _stdlib(path.removeprefix(STDLIB_PREFIX))]
    place = expanded(path)
    try:
        mode = place.stat().st_mode
    except FileNotFoundError:
        if glob.has_magic(path):
            return [_file(found) for found in _matches(path, notes)]
        raise CorpusError(_missing(path)) from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if stat.S_ISDIR(mode):
        return [_file(found) for found in _directory(place, notes)]
    if stat.S_ISBLK(mode) or (stat.S_ISCHR(mode) and not _is_terminal(place)):
        raise CorpusError(f"{one_line(path)}: is a device; name a file with the text")
    return [_file(place) if stat.S_ISREG(mode) else _pipe(place)]


def standard_input() -> BinaryIO:
    """Return standard input, which may be a text in memory, as bytes.

    Raises
    ------
    CorpusError
        When it is closed or cannot be read.
    """
    stream = sys.stdin
    if stream is None or getattr(stream, "closed", False):
        raise CorpusError("standard input: is closed; send a text in, or name a file")
    try:
        return stream.buffer if hasattr(stream, "buffer") else io.BytesIO(stream.read().encode())
    except (OSError, ValueError) as error:
        raise CorpusError(f"standard input: cannot be read ({error}); send a text in, or name a file") from None


def _is_terminal(path: Path) -> bool:
    with contextlib.suppress(OSError), path.open("rb", buffering=0) as stream:
        return stream.isatty()
    return False


def _file(path: Path) -> Source:
    return Source(one_line(str(path)), path=path)


def _pipe(path: Path) -> Source:
    try:
        with path.open("rb") as stream:
            return Source(one_line(str(path)), spool=_spooled(stream))
    except OSError as error:
        raise _unreadable(str(path), error) from None


def _spooled(stream: BinaryIO) -> IO[bytes]:
    spool = cast(IO[bytes], tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))  # noqa: SIM115 (Source.close does)
    try:
        shutil.copyfileobj(stream, spool, CHUNK_BYTES)
    except BaseException:
        spool.close()
        raise
    return spool


def _directory(top: Path, notes: list[str]) -> list[Path]:
    def refuse(error: OSError) -> None:
        raise _unreadable(error.filename or str(top), error)

    found = []
    linked = []
    for folder, folders, files in os.walk(top, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        linked += [Path(folder, name) for name in folders if os.path.islink(os.path.join(folder, name))]
        found += [Path(folder, name) for name in files if not name.startswith(".")]
    notes += [
        f"{one_line(str(path))}: left out, as it is a link to a directory; to read it, add it to corpus.path"
        for path in sorted(linked)
    ]
    found = _ordinary(sorted(found, key=lambda path: path.relative_to(top).parts), notes)
    if not found:
        raise CorpusError(
            f"{one_line(str(top))}: the directory holds no files (hidden ones, pipes, devices and linked directories "
            "do not count); put the corpus there"
        )
    return found


def _ordinary(paths: Iterable[Path], notes: list[str]) -> list[Path]:
    """Leave out what could be waited for for ever, or has no end, and note it."""
    files = []
    for path in paths:
        try:
            kind = stat.S_IFMT(path.stat().st_mode)
        except OSError:
            kind = stat.S_IFREG  # reading it will say what is wrong
        if kind in SPECIAL:
            notes.append(f"{one_line(str(path))}: left out, as it is {SPECIAL[kind]}")
        else:
            files.append(path)
    return files


def _matches(pattern: str, notes: list[str]) -> list[Path]:
    found = _expanded_pattern(str(expanded(pattern)), notes)
    files = _ordinary((Path(name) for name in sorted(found) if not os.path.isdir(name)), notes)
    if not files:
        raise CorpusError(
            f"{pattern}: no file matches this pattern (patterns are relative to {Path.cwd()}; * stays within a "
            f"directory, ** goes into those below)"
        )
    return files


def _expanded_pattern(pattern: str, notes: list[str]) -> set[str]:
    """Return what a pattern matches, where ``**`` enters no directory again that it is in already."""
    before, stars, after = _at_stars(pattern)
    if not stars:
        return set(glob.glob(pattern))
    found = set()
    for top in glob.glob(before) if before else [""]:
        for folder in _folders_below(top, notes):
            found |= _expanded_pattern(os.path.join(glob.escape(folder), after or "*"), notes)
    return found


def _at_stars(pattern: str) -> tuple[str, bool, str]:
    """Cut a pattern at its first ``**``."""
    parts = pattern.split(os.sep)
    if "**" not in parts:
        return pattern, False, ""
    at = parts.index("**")
    return os.sep.join([*parts[:at], ""]), True, os.sep.join(parts[at + 1 :])


def _folders_below(top: str, notes: list[str], inside: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield a directory and those below it, hidden ones left out, each linked one unless it leads back."""
    real = os.path.realpath(top)
    if real in inside:
        notes.append(f"{one_line(top)}: left out, as it is a link that leads back to {one_line(real)}")
        return
    yield top
    try:
        with os.scandir(top or ".") as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    except OSError:
        return
    for name in names:
        yield from _folders_below(os.path.join(top, name), notes, inside | {real})


def _stdlib(pattern: str) -> list[Path]:
    top = Path(sysconfig.get_paths()["stdlib"])
    named = set(Path(pattern).parts)
    skipped = set(STDLIB_EXTRAS) - named
    found = [top / name for name in sorted(glob.glob(pattern, root_dir=top, recursive=True))]
    files = [path for path in found if path.is_file() and not skipped & set(path.relative_to(top).parts[:-1])]
    if not files:
        raise CorpusError(f"{STDLIB_PREFIX}{pattern}: no file in {top} matches; for example, {STDLIB_PREFIX}*.py does")
    return files


def _missing(path: str) -> str:
    folder, name = os.path.split(path)
    message = f"{one_line(path)}: there is no such file"
    if "://" in path:
        return f"{one_line(path)}: is an address; charlm reads files: bring it here first, and name the file"
    if re.search("[\0-\x1f\x85\xa0\u2028\u2029]", path):  # what the letters n, t, ... are after a backslash
        return (
            f"{message}; in double quotes, YAML takes a backslash for an escape: use single quotes or forward slashes"
        )
    if folder == "data" and (command := _makes(name)):
        return f"{message} (paths are relative to {Path.cwd()}); to get it: {command}"
    if not os.path.isdir(folder or "."):
        return f"{message}, nor a directory {folder} (paths are relative to {Path.cwd()})"
    near = nearest(name, os.listdir(folder or "."))
    if near:
        return f"{message}; did you mean {one_line(os.path.join(folder, near))}?"
    return f"{message} (paths are relative to {Path.cwd()})"


def _makes(name: str) -> str | None:
    """Return the command that puts a text of some name, which a recipe uses, into data/."""
    from charlm.corpus.fetch import CORPORA
    from charlm.corpus.tasks import DELAY, TASKS

    fetched = {corpus.filename: f"charlm data fetch {corpus.name}" for corpus in CORPORA.values()}
    if task := re.fullmatch(rf"({'|'.join(TASKS)})-([1-9]\d*)\.txt", name):
        delay = "" if int(task[2]) == DELAY else f" --delay {task[2]}"
        return f"charlm data task {task[1]}{delay}"
    return fetched.get(name)


def _unreadable(name: str, error: Exception) -> CorpusError:
    reason = getattr(error, "strerror", None) or str(error)
    return CorpusError(f"{one_line(name)}: cannot be read ({reason}); name a file that you may read")
