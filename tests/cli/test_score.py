"""`charlm score`: how much each line of a text surprises a model."""

import io
import json
import subprocess
import sys

import pytest

from charlm import cli
from tests.conftest import ROOT
from tests.runs import text, trained

TEXT = text(3_000)
LINES = TEXT.splitlines()[:40]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    more = {"training__max_steps": 150, "optimizer__learning_rate": 0.02}
    trained(folder, "stream", TEXT, **more)
    trained(folder, "other", text(3_000, seed=9), **more)
    trained(folder, "lines", TEXT, corpus__mode="lines", **more)
    trained(folder, "bytes", "täglich 猫\n" * 200, corpus__unit="byte")
    (folder / "some.txt").write_text("\n".join(LINES) + "\n", newline="\n")
    (folder / "few.txt").write_text("tin ra\n\nea", newline="\n")
    return folder


@pytest.fixture
def score(folder, capsys, monkeypatch):
    """Return a function that scores in this process, in the folder, and gives the output if all went well."""
    monkeypatch.chdir(folder)

    def run(*arguments, said=""):
        status = cli.main(["score", *map(str, arguments)])
        output, message = capsys.readouterr()
        assert (status, message) == (0, said)
        return output

    return run


def objects(output):
    return [json.loads(line) for line in output.splitlines()]


def test_each_line_has_its_columns_with_tabs_between_them(score):
    rows = [line.split("\t") for line in score("stream", "few.txt").splitlines()]
    assert [row[:3] + row[4:] for row in rows] == [
        ["few.txt", "1", "7", "tin ra"],
        ["few.txt", "2", "1", ""],
        ["few.txt", "3", "2", "ea"],
    ]
    values = [row["bits_per_char"] for row in objects(score("stream", "few.txt", "--json"))]
    assert [row[3] for row in rows] == [f"{value:.4f}" for value in values]


def test_json_has_an_object_for_each_line(score):
    first, *_, last = objects(score("stream", "some.txt", "few.txt", "--json"))
    assert list(first) == ["file", "line", "text", "chars", "bits_per_char"]
    assert (first["file"], first["line"], first["text"], first["chars"]) == (
        "some.txt",
        1,
        LINES[0],
        len(LINES[0]) + 1,
    )
    assert (last["file"], last["line"]) == ("few.txt", 3)


@pytest.mark.parametrize("model", ["stream", "lines"])
def test_in_order_the_bits_of_a_file_add_up_to_those_of_eval(score, capsys, model):
    rows = objects(score(model, "some.txt", "few.txt", "some.txt", "--context", "carry", "--json"))
    assert cli.main(["eval", model, "some.txt", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    for part in (rows[:40], rows[-40:]):
        assert sum(row["chars"] for row in part) == whole["chars"]
        bits = sum(row["chars"] * row["bits_per_char"] for row in part if row["chars"])
        assert bits / whole["chars"] == pytest.approx(whole["bits_per_char"], abs=1e-6)


def test_a_model_of_lines_leaves_out_empty_lines_and_ends_the_last(score):
    rows = objects(score("lines", "few.txt", "--json"))
    assert [(row["line"], row["chars"]) for row in rows] == [(1, 7), (3, 3)]


def test_standard_input_is_read_without_a_file(score, monkeypatch):
    expected = objects(score("stream", "some.txt", "--json"))
    for arguments in (["stream", "--json"], ["stream", "-", "--json"]):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(("\n".join(LINES) + "\n").encode())))
        got = objects(score(*arguments))
        assert {row.pop("file") for row in got} == {"standard input"}
        assert got == [{name: value for name, value in row.items() if name != "file"} for row in expected]


def test_a_line_is_answered_before_the_next_one_comes(folder):
    command = [sys.executable, "-m", "charlm", "score", "stream"]
    environment = {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in (1, 2, 3):
            process.stdin.write(b"tin ra\n")
            process.stdin.flush()
            assert process.stdout.readline().startswith(b"standard input\t%d\t7\t" % number)
        process.stdin.close()
        assert process.wait(timeout=60) == 0


def test_every_character_has_its_surprise(score):
    first, second, _ = objects(score("stream", "few.txt", "--chars", "--json"))
    assert len(first["bits"]) == len("tin ra\n")
    assert sum(first["bits"]) / 7 == pytest.approx(first["bits_per_char"])
    rows = [row.split("\t") for row in score("stream", "few.txt", "--chars").splitlines()]
    assert [row[4] for row in rows] == ["t", "i", "n", " ", "r", "a", r"\n", r"\n", "e", "a"]
    assert [row[3] for row in rows[:8]] == [f"{bits:.4f}" for bits in [*first["bits"], *second["bits"]]]
    carried, *_ = objects(score("stream", "few.txt", "--chars", "--json", "--context", "carry"))
    assert (carried["bits"][0], carried["chars"]) == (None, 6)


def test_the_line_with_a_planted_typo_is_first(score, folder):
    words = [line.split(" ") for line in LINES]
    place = next(at for at, line in enumerate(words) if len(line) > 3)
    planted = [" ".join(line) for line in words]
    planted[place] = planted[place].replace(" ", "ssss", 3)
    (folder / "planted.txt").write_text("\n\n".join(planted) + "\n", newline="\n")
    rows = objects(score("stream", "planted.txt", "--top", 5, "--json"))
    assert rows[0]["line"] == 2 * place + 1
    bits = [row["bits_per_char"] for row in rows]
    assert bits == sorted(bits, reverse=True)
    every = [row for row in objects(score("stream", "planted.txt", "--json")) if row["text"]]
    assert bits == sorted((row["bits_per_char"] for row in every), reverse=True)[:5]


def test_the_line_with_the_most_surprising_character_is_first(score):
    every = objects(score("stream", "some.txt", "--chars", "--json"))
    most = sorted((max(row["bits"]) for row in every if row["text"]), reverse=True)
    rows = objects(score("stream", "some.txt", "--chars", "--json", "--top", 7, "--by", "worst"))
    assert [max(row["bits"]) for row in rows] == most[:7]


def test_of_several_models_that_of_the_text_is_the_best(score):
    rows = objects(score("other", "--against", "stream", "some.txt", "--json"))
    best = [row["best"] for row in rows if len(row["text"]) > 12]
    assert best.count("stream") > 0.9 * len(best)
    alone = objects(score("stream", "some.txt", "--json"))
    for row, single in zip(rows, alone, strict=True):
        assert list(row["bits_per_char"]) == ["other", "stream"]
        assert row["bits_per_char"]["stream"] == pytest.approx(single["bits_per_char"], abs=1e-6)
        assert row["margin"] == pytest.approx(abs(row["bits_per_char"]["stream"] - row["bits_per_char"]["other"]))
    first, *_ = (
        line.split("\t") for line in score("other", "--against", "stream", "some.txt", "--top", 3).splitlines()
    )
    assert float(first[4]) == pytest.approx(max(row["margin"] for row in rows), abs=1e-4)
    assert first[3] == "stream"


def test_a_comparison_is_the_same_in_whatever_order_the_models_are_named(score, folder):
    trained(folder, "lower", TEXT, corpus__lowercase=True, training__max_steps=60)
    trained(folder, "cased", TEXT.replace("t", "T"), training__max_steps=60)
    (folder / "case.txt").write_text("Tin Ra\nTaTa\n".replace("R", "r"), newline="\n")
    there, back = (
        objects(score(first, "--against", second, "case.txt", "--json"))
        for first, second in (("lower", "cased"), ("cased", "lower"))
    )
    for row, turned in zip(there, back, strict=True):
        for name in ("lower", "cased"):
            assert row["bits_per_char"][name] == turned["bits_per_char"][name]
        assert row["best"] == turned["best"]


def test_a_model_that_lacks_a_character_is_named(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "odd.txt").write_text("tin\nZoo\n", newline="\n")
    trained(folder, "z", TEXT + "Zoo", training__max_steps=2)
    assert cli.main(["score", "z", "--against", "stream", "odd.txt"]) == 2
    assert "charlm: stream: odd.txt: line 2: not in the vocabulary of" in capsys.readouterr().err


def test_each_file_begins_a_text_also_where_its_first_line_is_left_out(score, folder):
    (folder / "gap.txt").write_text("\ntin ra\nea\n", newline="\n")
    alone, after = (
        objects(score("lines", "--against", "stream", *files, "gap.txt", "--context", "carry", "--json"))
        for files in ([], ["few.txt"])
    )
    assert [row["chars"] for row in after[-2:]] == [row["chars"] for row in alone]
    for row, other in zip(alone, after[-2:], strict=True):
        assert row["bits_per_char"] == pytest.approx(other["bits_per_char"], abs=1e-6)


def test_of_a_file_of_empty_lines_a_model_of_lines_scores_none(score, folder):
    (folder / "empty.txt").write_text("\n\n", newline="\n")
    assert score("lines", "empty.txt") == ""


def test_without_a_terminal_a_coloured_text_is_the_text(score, monkeypatch):
    assert score("stream", "few.txt", "--heatmap") == "tin ra\n\nea\n"
    monkeypatch.setattr("charlm.cli.streams.is_terminal", lambda stream: stream is sys.stdout)
    assert "\x1b[38;5;16;48;5;" in score("stream", "some.txt", "--heatmap")
    monkeypatch.setenv("NO_COLOR", "1")
    assert score("stream", "few.txt", "--heatmap") == "tin ra\n\nea\n"


def test_a_page_is_written_whole_or_not_at_all(score, folder, capsys):
    assert score("stream", "some.txt", "--html", "page.html", said="page.html: written\n") == ""
    html = (folder / "page.html").read_text(encoding="utf-8")
    assert html.count("<tr>") == 40
    assert html.count("<i ") == sum(len(line) + 1 for line in LINES)
    (folder / "odd.txt").write_text("tin\nÉ\n", encoding="utf-8", newline="\n")
    assert cli.main(["score", "stream", "odd.txt", "--html", "page.html", "--force"]) == 2
    assert "odd.txt: line 2: not in the vocabulary" in capsys.readouterr().err
    assert (folder / "page.html").read_text(encoding="utf-8") == html


def test_figures_of_a_model_of_bytes_are_called_so(score, folder):
    (folder / "猫.txt").write_bytes("猫 ä\n".encode() + b"\xff\n")
    first, second = objects(score("bytes", "猫.txt", "--on-unknown", "skip", "--json", "--chars"))
    assert list(first) == ["file", "line", "text", "bytes", "bits_per_byte", "bits"]
    assert (first["text"], first["bytes"]) == ("猫 ä", 7)
    assert second["text"] == "\ufffd"
    assert (second["bytes"], second["bits"][0]) == (1, None)


def test_what_reading_changed_is_told(score, folder):
    (folder / "dos.txt").write_bytes(b"tin ra\r\nea\r\n")
    (folder / "unix.txt").write_bytes(b"tin ra\nea\n")
    note = "newlines: 2 CR LF became LF\n"
    got = score("stream", "dos.txt", said=note)
    assert got.replace("dos", "unix") == score("stream", "unix.txt")
