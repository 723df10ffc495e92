"""Facts about fetching: what arrives is checked before it counts, and every failure is told in one line."""

import hashlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from charlm.cli.data import command
from charlm.corpus.fetch import CORPORA, Download, corpus_named, fetch
from charlm.errors import CharlmError, UsageError
from tests.conftest import ROOT

CONTENT = b"emma\nolivia\nava\n" * 20_000


class Server(BaseHTTPRequestHandler):
    """Answers each path with a failure of its own."""

    released = threading.Event()

    def do_GET(self):
        getattr(self, "answer_" + self.path.strip("/"))()

    def answer_good(self, body=CONTENT):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(body)

    def answer_moved(self):
        self.send_response(302)
        self.send_header("Location", "/good")
        self.end_headers()

    def answer_short(self):
        self.answer_good(CONTENT[:100_000])

    def answer_long(self):
        self.answer_good(CONTENT + b"more")

    def answer_other(self):
        self.answer_good(CONTENT.replace(b"ava", b"eva"))

    def answer_missing(self):
        self.send_error(404)

    def answer_broken(self):
        self.send_error(500)

    def answer_nonsense(self):
        self.wfile.write(b"220 this is no web server\r\n\r\n")

    def answer_drip(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        while not self.released.wait(0.05):
            self.wfile.write(b"e")

    def answer_drip_of_headers(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not self.released.wait(0.05):
            self.wfile.write(b"e")

    def answer_rude(self):
        self.wfile.write(b"HTTP/1.1 500 \x1b[31mred\x1b]0;title\x07\r\n\r\n")

    def answer_silence(self):
        self.released.wait(10)

    def answer_stall(self):
        self.answer_good(CONTENT[:100_000])
        self.released.wait(10)

    def log_message(self, *arguments):
        """Keep quiet."""


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        Server.released.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def corpus(server):
    return Download("names", "given names", f"{server}/good", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def test_a_corpus_is_fetched_into_a_folder_that_is_made(corpus, tmp_path):
    arrived: list[int] = []
    fetched = fetch(corpus, tmp_path / "new" / "data", progress=arrived.append)
    assert fetched.path == tmp_path / "new" / "data" / "names.txt"
    assert not fetched.already_there
    assert fetched.path.read_bytes() == CONTENT
    assert sum(arrived) == len(CONTENT)
    assert len(arrived) > 1
    assert [path.name for path in fetched.path.parent.iterdir()] == ["names.txt"]


def test_a_mirror_and_a_redirection_are_followed(corpus, server, tmp_path):
    assert fetch(corpus, tmp_path, url=f"{server}/moved").path.read_bytes() == CONTENT


def test_a_file_that_is_there_is_not_fetched_again(corpus, server, tmp_path):
    (tmp_path / "names.txt").write_bytes(CONTENT)
    assert fetch(corpus, tmp_path, url=f"{server}/broken").already_there


@pytest.mark.parametrize("other", [CONTENT[:-1] + b"x", b"mine"])
def test_a_different_file_is_overwritten_only_by_force(corpus, tmp_path, other):
    target = tmp_path / "names.txt"
    target.write_bytes(other)
    with pytest.raises(CharlmError, match=r"exists and is not names as it was published.*overwrite it"):
        fetch(corpus, tmp_path)
    assert target.read_bytes() == other
    fetch(corpus, tmp_path, force=True)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing", "the server answered 404 Not Found"),
        ("broken", "the server answered 500 Internal Server Error"),
        ("short", "sends 100,000 of the 320,000 bytes of names; .*take the address of a mirror, or try again"),
        ("other", r"is not names as it was published \(SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}\)"),
        ("nonsense", "no proper answer"),
        ("silence", "nothing came for 0.5 seconds"),
        ("stall", "nothing came for 0.5 seconds"),
    ],
)
def test_what_goes_wrong_on_the_way_is_told_in_one_line_and_leaves_nothing(corpus, server, tmp_path, path, message):
    with pytest.raises(CharlmError, match=message) as caught:
        fetch(corpus, tmp_path, url=f"{server}/{path}", timeout=0.5 if "nothing came" in message else 30)
    assert str(caught.value).startswith(f"{server}/{path}: ")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_sends_too_much_is_stopped(server, tmp_path):
    smaller = Download("names", "", f"{server}/good", 1000, hashlib.sha256(CONTENT[:1000]).hexdigest())
    with pytest.raises(CharlmError, match="sends more than the 1,000 bytes of names"):
        fetch(smaller, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_fetch_leaves_the_old_file(corpus, server, tmp_path):
    (tmp_path / "names.txt").write_bytes(b"mine")
    with pytest.raises(CharlmError, match="500"):
        fetch(corpus, tmp_path, url=f"{server}/broken", force=True)
    assert (tmp_path / "names.txt").read_bytes() == b"mine"


def test_a_port_where_nobody_listens_is_no_connection(corpus, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/names"
        with pytest.raises(CharlmError, match=r"no connection to 127\.0\.0\.1 .* is there a network\?"):
            fetch(corpus, tmp_path, url=url)


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        (socket.gaierror(-3, "Temporary failure in name resolution"), r"the name example\.com cannot be resolved"),
        (OSError(101, "Network is unreachable"), r"\(Network is unreachable\); is there a network\?"),
        (ssl.SSLCertVerificationError("certificate has expired"), "no secure connection.*clock"),
        ("unknown", r"no connection to example\.com \(unknown\)"),
    ],
)
def test_without_a_network_the_message_says_what_else_can_be_done(corpus, tmp_path, monkeypatch, reason, message):
    def fail(address, timeout):
        raise urllib.error.URLError(reason)

    monkeypatch.setattr(urllib.request, "urlopen", fail)
    with pytest.raises(CharlmError, match=message):
        fetch(corpus, tmp_path, url="https://example.com/names.txt")


@pytest.mark.parametrize("url", ["names.txt", "file:///etc/passwd", "ftp://example.com/x", "http://example.com:port/"])
def test_what_is_no_web_address_is_refused(corpus, tmp_path, url):
    with pytest.raises(UsageError, match="is not a web address"):
        fetch(corpus, tmp_path, url=url)


def test_a_folder_that_cannot_be_written_is_told(corpus, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CharlmError, match=r"cannot be a folder: .*file is a file; choose another folder"):
        fetch(corpus, tmp_path / "file")


def test_the_known_corpora_are_named_as_their_files_and_checked():
    assert list(CORPORA) == ["tiny-shakespeare", "names"]
    for name, known in CORPORA.items():
        assert known.filename == f"{name}.txt"
        assert len(known.sha256) == 64
        assert known.url.startswith("https://")


def test_an_unknown_name_is_told_with_the_nearest():
    with pytest.raises(UsageError, match=r"'tinyshakespeare' is not .*did you mean 'tiny-shakespeare'\?"):
        corpus_named("tinyshakespeare")


def test_the_command_fetches_and_prints_the_path_alone(corpus, server, tmp_path, monkeypatch):
    monkeypatch.setitem(CORPORA, "names", corpus)
    result = CliRunner().invoke(command, ["fetch", "names", "--to", str(tmp_path)])
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path / 'names.txt'}\n"
    assert "names: fetched and checked, 320,000 bytes" in result.stderr
    result = CliRunner().invoke(command, ["fetch", "names", "--to", str(tmp_path), "--url", f"{server}/missing"])
    assert "already there" in result.stderr
    result = CliRunner().invoke(command, ["fetch", "names", "--to", str(tmp_path / "b"), "--url", f"{server}/missing"])
    assert isinstance(result.exception, CharlmError)


@pytest.mark.parametrize("path", ["drip", "drip_of_headers", "stall"])
def test_a_server_that_never_comes_to_an_end_is_given_up(corpus, server, tmp_path, path):
    begun = time.monotonic()
    with pytest.raises(CharlmError, match=r"was not done after 0.5 seconds; try again"):
        fetch(corpus, tmp_path, url=f"{server}/{path}", limit=0.5)
    assert time.monotonic() - begun < 5
    assert list(tmp_path.iterdir()) == []


def test_what_a_server_says_is_shown_without_control_characters(corpus, server, tmp_path):
    with pytest.raises(CharlmError, match=r"answered 500 \\x1b\[31mred") as caught:
        fetch(corpus, tmp_path, url=f"{server}/rude")
    assert str(caught.value).isprintable()


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process without a word")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)])
def test_a_signal_leaves_no_temporary_file(server, tmp_path, number):
    arguments = ["data", "fetch", "names", "--to", str(tmp_path), "--url", f"{server}/drip"]
    with subprocess.Popen([sys.executable, "-m", "charlm", *arguments], cwd=ROOT, stderr=subprocess.PIPE) as process:
        until = time.monotonic() + 30
        while not list(tmp_path.iterdir()) and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.2)
        process.send_signal(number)
        assert process.wait(20) == 128 + number
    assert list(tmp_path.iterdir()) == []


def test_the_command_lists_every_corpus_with_its_address():
    result = CliRunner().invoke(command, ["list"])
    assert result.exit_code == 0
    for known in CORPORA.values():
        assert known.name in result.stdout
        assert known.url in result.stdout
