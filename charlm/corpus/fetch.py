"""Well-known public corpora, brought by URL and checked by size and SHA-256 before they count as there."""

import contextlib
import hashlib
import http.client
import queue
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import urlsplit

from charlm.atomic import made, open_atomic
from charlm.errors import CharlmError, Remedy, UsageError, WriteError
from charlm.phrases import one_line, suggestion

BLOCK = 1 << 16
QUEUED = 16  # blocks that have come and are not written yet
TIMEOUT = 30.0  # seconds of silence
LIMIT = 600.0  # seconds in all: 2 kB a second are enough for the largest corpus
SCHEMES = ("http", "https")
ELSEWHERE = "bring the file yourself and name it in the configuration as corpus.path"
OTHER_MIRROR = "nothing was kept; take the address of a mirror"


@dataclass(frozen=True)
class Download:
    """A file on the web whose content is known."""

    name: str
    about: str
    url: str
    size: int
    sha256: str

    @property
    def filename(self) -> str:
        """What the file is called here."""
        return f"{self.name}.txt"


class Fetched(NamedTuple):
    """Where a corpus is, and whether it was there before."""

    path: Path
    already_there: bool


CORPORA = {
    corpus.name: corpus
    for corpus in (
        Download(
            name="tiny-shakespeare",
            about="scenes from Shakespeare's plays, as char-rnn uses them; public domain",
            url="https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
            size=1_115_394,
            sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        ),
        Download(
            name="names",
            about="32,033 given names, one a line, as makemore uses them",
            url="https://raw.githubusercontent.com/karpathy/makemore/master/names.txt",
            size=228_145,
            sha256="0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
        ),
    )
}


def corpus_named(name: str) -> Download:
    """Return the corpus of a name, or raise a `UsageError` that lists them."""
    if name not in CORPORA:
        hint = suggestion(name, CORPORA)
        raise UsageError(f"{name!r} is not a corpus that can be fetched{hint} ({', '.join(CORPORA)})")
    return CORPORA[name]


def fetch(
    corpus: Download,
    folder: Path,
    url: str | None = None,
    force: bool = False,
    progress: Callable[[int], object] = lambda size: None,
    timeout: float = TIMEOUT,
    limit: float = LIMIT,
) -> Fetched:
    """Bring a corpus into a folder.

    Parameters
    ----------
    corpus : Download
        What to bring.
    folder : Path
        Where to; it is made if need be.
    url : str or None
        A mirror to use instead of the corpus's own address.
    force : bool
        Whether to put it in the place of a different file.
    progress : callable
        Called with the number of bytes that have just arrived.
    timeout : float
        Seconds of silence after which to give up.
    limit : float
        Seconds after which to give up whatever comes.

    Returns
    -------
    Fetched
        The file, of exactly the known content.

    Raises
    ------
    CharlmError
        When it cannot be brought, is not what it should be, or cannot be written.
    UsageError
        When the address is none of the web's.
    """
    address = corpus.url if url is None else url
    if not _is_of_the_web(address):
        raise UsageError(
            f"url: {address!r} is not a web address; it must begin with http:// or https:// and name a server"
        )
    target = folder / corpus.filename
    try:
        if _is_there(corpus, target, force):
            return Fetched(target, already_there=True)
        with made(folder), open_atomic(target) as file:
            _copy_checked(corpus, address, _within(limit, address, _arriving(address, timeout)), file, progress)
    except OSError as error:
        raise WriteError(
            f"{target}: cannot be written ({error.strerror or error}); choose another folder",
            remedy=Remedy.OTHER_FOLDER,
        ) from None
    return Fetched(target, already_there=False)


def _is_of_the_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
        plain = address.isprintable() and " " not in address
        return plain and parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a bracket that is not closed, as around an IPv6 address, or a port above 65535
        return False


def _is_there(corpus: Download, target: Path, force: bool) -> bool:
    if not target.exists():
        return False
    if target.is_file() and target.stat().st_size == corpus.size:
        with target.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == corpus.sha256:
                return True
    if not force:
        raise CharlmError(
            f"{target}: exists and is not {corpus.name} as it was published; move it away, choose another folder, "
            "or overwrite it",
            remedy=Remedy.OTHER_FOLDER_OR_OVERWRITE,
        )
    return False


def _copy_checked(
    corpus: Download, address: str, blocks: Iterable[bytes], file: IO[bytes], progress: Callable[[int], object]
) -> None:
    size, digest = 0, hashlib.sha256()
    for block in blocks:
        size += len(block)
        if size > corpus.size:
            raise CharlmError(
                f"{address}: sends more than the {corpus.size:,} bytes of {corpus.name}; {OTHER_MIRROR}",
                remedy=Remedy.OTHER_ADDRESS,
            )
        digest.update(block)
        file.write(block)
        progress(len(block))
    if size < corpus.size:
        raise CharlmError(
            f"{address}: sends {size:,} of the {corpus.size:,} bytes of {corpus.name}; {OTHER_MIRROR}, or try again if "
            "it broke off",
            remedy=Remedy.OTHER_ADDRESS,
        )
    if digest.hexdigest() != corpus.sha256:
        raise CharlmError(
            f"{address}: is not {corpus.name} as it was published (SHA-256 {digest.hexdigest()}, expected "
            f"{corpus.sha256}); {OTHER_MIRROR}",
            remedy=Remedy.OTHER_ADDRESS,
        )


def _within(limit: float, address: str, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what another thread takes from a server, which may send a byte now and then for ever, up to a time."""
    arrived: queue.Queue[bytes | BaseException | None] = queue.Queue(QUEUED)
    given_up = threading.Event()

    def take() -> None:
        try:
            for block in blocks:
                arrived.put(block)
                if given_up.is_set():
                    return
            arrived.put(None)
        except BaseException as error:  # told by the thread that waits
            arrived.put(error)

    threading.Thread(target=take, daemon=True).start()
    end = time.monotonic() + limit
    try:
        while True:
            try:
                block = arrived.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise CharlmError(
                    f"{address}: was not done after {limit:g} seconds; try again, or {ELSEWHERE}"
                ) from None
            if block is None:
                return
            if isinstance(block, BaseException):
                raise block
            yield block
    finally:
        given_up.set()
        with contextlib.suppress(queue.Empty):
            arrived.get_nowait()  # so that the thread can go on to its end


def _arriving(address: str, timeout: float) -> Iterator[bytes]:
    """Yield what comes from an address, and say in one line why it does not."""
    try:
        with urllib.request.urlopen(address, timeout=timeout) as response:
            while block := response.read1(BLOCK):
                yield block
    except urllib.error.HTTPError as error:
        error.close()
        raise CharlmError(
            f"{address}: the server answered {error.code} {one_line(str(error.reason))}; {OTHER_MIRROR}",
            remedy=Remedy.OTHER_ADDRESS,
        ) from None
    except urllib.error.URLError as error:
        raise CharlmError(f"{address}: {_no_connection(error.reason, address, timeout)}") from None
    except (http.client.InvalidURL, ValueError) as error:
        raise UsageError(f"url: {address!r} is not a web address ({error})") from None
    except (OSError, http.client.HTTPException) as error:
        raise CharlmError(f"{address}: {_no_connection(error, address, timeout)}") from None


def _no_connection(reason: object, address: str, timeout: float) -> str:
    host = urlsplit(address).hostname
    if isinstance(reason, TimeoutError):
        return f"nothing came for {timeout:g} seconds; try again, or {ELSEWHERE}"
    if isinstance(reason, socket.gaierror):
        return f"the name {host} cannot be resolved; is there a network? Otherwise {ELSEWHERE}"
    if isinstance(reason, ssl.SSLError):
        return f"no secure connection to {host} ({reason}); check this machine's clock and certificates"
    if isinstance(reason, http.client.HTTPException):
        return f"{host} broke off or sent no proper answer ({reason!r}); try again"
    text = one_line(str(getattr(reason, "strerror", None) or reason))
    return f"no connection to {host} ({text}); is there a network? Otherwise {ELSEWHERE}"
