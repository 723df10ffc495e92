"""`charlm corpus`: what it tells of texts with planted facts, in words and as JSON."""

import gzip
import io
import json
import re
import shlex
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

import charlm
from charlm import cli
from charlm.config import from_dict
from charlm.corpus.contents import Place
from charlm.insight.baseline import Baseline, baseline
from tests.conftest import ROOT
from tests.corpora import load_path, write
from tests.runs import text

PASSAGE = "The quick onyx goblin jumps over the lazy dwarf, then it sat down for supper."
NAMES = "".join(f"{first}{middle}{last}\n" for first in "ABEJ" for middle in ("ab", "eri", "on") for last in "aeinx")


@pytest.fixture
def told(tmp_path, capsys, monkeypatch):
    """Return a function that reports in this process, in a folder, and gives the output and the messages."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = cli.main(["corpus", *map(str, arguments)])
        output, message = capsys.readouterr()
        assert status == 0, message
        return output, message

    return run


def planted(folder):
    """Write a text with a copied passage, two odd characters, a mix of newlines and a rare letter at known places."""
    body = text(4_000).splitlines()
    body[9] = "§" + body[9]
    body[19] = "tin\u200bra \u200b\u0430"
    at = len(body) * 96 // 100  # in the last tenth, before the test part
    body[29], body[at - 3] = f"ab {PASSAGE} cd", f"xyz {PASSAGE} uvw"
    content = "\r\n".join(body[:5]) + "\r\n" + "\n\n".join(body[5:]) + "\n"
    write(folder / "text.txt", content)
    return content.replace("\r\n", "\n")


def test_the_numbers_are_those_of_the_text(told, tmp_path):
    whole = planted(tmp_path)
    report = json.loads(told("text.txt", "--split", "0.9,0.1,0", "--json")[0])
    lines = whole.split("\n")[:-1]
    assert (report["files"], report["bytes"]) == (1, len((tmp_path / "text.txt").read_bytes()))
    assert (report["characters"], len(report["symbols"])) == (len(whole), len(set(whole)))
    assert report["newlines"] == {"lf": len(lines) - 5, "crlf": 5, "cr": 0}
    assert (report["lines"]["number"], report["lines"]["empty"]) == (len(lines), lines.count(""))
    assert report["lines"]["longest"] == max(map(len, lines))
    assert report["mode"] == "stream"
    assert report["mode_reason"].endswith("lines are empty")
    assert (report["train"], report["valid"], report["test"]) == (len(whole) * 9 // 10, -(-len(whole) // 10), 0)
    assert [symbol["count"] for symbol in report["symbols"]] == sorted(
        (whole.count(symbol) for symbol in set(whole)), reverse=True
    )


def test_odd_characters_are_told_with_their_first_places(told, tmp_path):
    whole = planted(tmp_path)
    odd = {symbol["code"]: symbol for symbol in json.loads(told("text.txt", "--json")[0])["symbols"] if symbol["odd"]}
    line = whole.split("\n").index("tin\u200bra \u200b\u0430") + 1
    assert {code: (symbol["odd"], symbol["count"]) for code, symbol in odd.items()} == {
        0x200B: ("invisible", 2),
        0x430: ("among Latin letters", 1),
    }
    assert odd[0x200B]["first"] == {"file": "text.txt", "line": line, "column": 4}
    assert odd[0x430]["first"] == {"file": "text.txt", "line": line, "column": 9}
    words = " ".join(told("text.txt")[0].split())
    assert f"- U+200B ZERO WIDTH SPACE (invisible), 2 times, first in text.txt, line {line}, column 4" in words
    assert "- U+0430 CYRILLIC SMALL LETTER A (among Latin letters), 1 time, first in text.txt" in words
    assert f"- § U+00A7 SECTION SIGN, 1 time, first in text.txt, line {line - 20}, column 1" in words
    assert "newlines mixed:" in words


def test_a_copied_passage_is_told_with_both_places(told, tmp_path):
    whole = planted(tmp_path)
    copied = json.loads(told("text.txt", "--split", "0.9,0.1,0", "--json")[0])["copied"]
    valid = whole[len(whole) * 9 // 10 :]
    assert copied["number"] == len(valid) - 49
    assert copied["copied"] == sum(
        valid[at : at + 50] in whole[: len(whole) * 9 // 10] for at in range(len(valid) - 49)
    )
    assert copied["longest"] == len(PASSAGE) + 2  # with the spaces around it
    first, second = (whole[: whole.index(" " + PASSAGE)], whole[: whole.rindex(" " + PASSAGE)])
    for place, before in ((copied["train_place"], first), (copied["valid_place"], second)):
        assert place["line"] == before.count("\n") + 1
        assert place["column"] == len(before) - before.rfind("\n")
    assert copied["text"] == (" " + PASSAGE)[:60]


def test_places_are_those_of_the_files_of_which_the_text_is_made(tmp_path):
    body = text(3_000)
    first = write(tmp_path / "1.txt", f"tin\n{PASSAGE}\nra")
    second = write(tmp_path / "2.txt", body)
    third = write(tmp_path / "3.txt", f"ab\n\ncd {PASSAGE}\n")
    report = charlm.corpus_report(
        [str(first), str(second), str(third)], mode="stream", split={"train": 0.9, "valid": 0.1, "test": 0}
    )
    assert report.copied
    assert (report.copied.train_place, report.copied.valid_place) == (
        Place(str(first), 2, 1),
        Place(str(third), 3, 4),
    )


@pytest.mark.parametrize("last", ["", "\n"])
def test_a_place_on_the_first_line_of_a_file_has_its_column(tmp_path, last):
    first = write(tmp_path / "1.txt", f"tin {PASSAGE}{last}")
    second = write(tmp_path / "2.txt", text(3_000))
    third = write(tmp_path / "3.txt", f"tin ra {PASSAGE}")
    whole = {"train": 0.9, "valid": 0.1, "test": 0}
    copied = charlm.corpus_report([first, second, third], mode="stream", split=whole).copied
    assert copied
    # The space before the passage is in both parts, too.
    assert (copied.train_place, copied.valid_place) == (Place(str(first), 1, 4), Place(str(third), 1, 7))


@pytest.mark.parametrize("unit", ["char", "byte"])
def test_line_ends_are_told_apart(tmp_path, unit):
    path = write(tmp_path / "text.txt", "tin\r\nra\rtin\nra\r\n" * 20 + "\n")
    newlines = charlm.corpus_report(path, unit=unit).newlines
    assert (newlines.lf, newlines.crlf, newlines.cr) == (21, 40, 20)


def test_no_other_mode_is_advised_for_a_column(told, tmp_path):
    write(tmp_path / "films.csv", "id,title\n" + "1,tin\n2,ra\n" * 100)
    words = " ".join(told("films.csv", "--column", "title")[0].split())
    assert "mode lines, the fields of column 'title'" in words
    assert "if not" not in words


def test_a_list_of_names_is_read_as_lines(told, tmp_path):
    write(tmp_path / "names.txt", NAMES * 4)
    report = json.loads(told("names.txt", "--json")[0])
    assert report["mode"] == "lines"
    assert report["mode_reason"].startswith("a list: ")
    assert (report["train"], report["valid"], report["test"]) == (216, 12, 12)
    # Each name stands there four times, so that all of the validation part's are in the training part, too.
    assert report["copied"]["noun"] == "lines"
    assert (report["copied"]["number"], report["copied"]["copied"]) == (12, 12)
    words = " ".join(told("names.txt")[0].split())
    assert "lines, shuffled" in words
    assert "few that end as sentences do (if not: --mode stream)" in words
    assert "(if not: --mode" not in told("names.txt", "--mode", "stream")[0]
    assert json.loads(told("names.txt", "--mode", "stream", "--json")[0])["mode"] == "stream"


def poem(lines):
    """Return lines of which every fifth is empty."""
    return "".join(line + "\n" * (1 + (number % 4 == 3)) for number, line in enumerate(lines.splitlines(True)))


@pytest.mark.parametrize(("content", "mode"), [(NAMES, "lines"), (poem(NAMES), "stream")])
def test_what_a_text_looks_like_does_not_depend_on_the_mode_that_is_given(tmp_path, content, mode):
    path = write(tmp_path / "text.txt", content)
    alone, *given = (charlm.corpus_report(path, mode=mode) for mode in (None, "stream", "lines"))
    assert alone.likely_mode == mode
    for report in given:
        assert (report.likely_mode, report.mode_reason) == (alone.likely_mode, alone.mode_reason)


def test_a_column_looks_like_the_lines_of_its_fields(tmp_path):
    fields = "".join(f"1,{name}\n" for name in NAMES.splitlines())
    report = charlm.corpus_report(write(tmp_path / "a.csv", f"id,title\n{fields}"), column="title")
    names = charlm.corpus_report(write(tmp_path / "a.txt", NAMES))
    assert (report.likely_mode, report.mode_reason) == (names.likely_mode, names.mode_reason)


def test_names_that_occur_once_are_in_one_part_only(told, tmp_path):
    write(tmp_path / "names.txt", NAMES)
    copied = json.loads(told("names.txt", "--json")[0])["copied"]
    assert (copied["number"], copied["copied"], copied["share"]) == (3, 0, 0)


@pytest.mark.parametrize(("unit", "mode"), [("char", "stream"), ("byte", "stream"), ("char", "lines")])
def test_the_baseline_is_what_the_parts_of_a_training_cost(tmp_path, unit, mode):
    path = write(tmp_path / "text.txt", text(4_000) + "é§\n" * 5)
    report = charlm.corpus_report(path, unit=unit, mode=mode)
    corpus = load_path(path, unit=unit, mode=mode, separator="\n")
    start = corpus.vocabulary.id_of("\n") if mode == "lines" else None
    assert report.baseline == baseline(corpus.train, corpus.valid, len(corpus.vocabulary), start)


def test_figures_of_bytes_are_called_so(told, tmp_path):
    write(tmp_path / "text.txt", text(2_000) + "é")
    output, _ = told("text.txt", "--unit", "byte")
    assert f"{2_002:,} bytes of" in output
    assert "for each byte" in output
    assert "0xC3  byte 195, 1 time" in output
    assert not re.search("^odd", output, re.MULTILINE)


def test_a_byte_that_does_not_show_is_written_in_hexadecimal(told, tmp_path):
    write(tmp_path / "data", bytes(range(256)) * 4 + b"\n\x11\x7f\xe9U+" * 100)
    output, _ = told("data", "--unit", "byte", "--mode", "stream")
    frequent = re.search(r"^frequent (.*?)^\w", output, re.MULTILINE | re.DOTALL)
    assert frequent
    assert [word for word in frequent[1].split() if "%" not in word][:6] == ["\\n", "0x11", "+", "U", "0x7F", "0xE9"]


def test_no_line_is_wider_than_a_terminal_unless_a_word_is(told, tmp_path):
    planted(tmp_path)
    assert all(len(line) <= 80 for line in told("text.txt")[0].splitlines())


def test_a_text_comes_through_standard_input_and_may_be_compressed(told, tmp_path, monkeypatch):
    data = text(3_000).encode()
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(data))
    write(tmp_path / "a.txt", data)
    expected = json.loads(told("a.txt", "--mode", "stream", "--json")[0])
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data), closed=False))
    for given in ("-", "a.txt.gz"):
        found = json.loads(told(given, "--mode", "stream", "--json")[0])
        assert found["characters"] == expected["characters"]
        assert found["baseline"] == expected["baseline"]


def test_a_list_through_standard_input_is_described_as_the_stream_that_is_trained_on(told, tmp_path, monkeypatch):
    write(tmp_path / "names.txt", NAMES * 4)
    expected = json.loads(told("names.txt", "--mode", "stream", "--json")[0])
    data = io.BytesIO((tmp_path / "names.txt").read_bytes())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=data, closed=False))
    found = json.loads(told("-", "--json")[0])
    for key in ("mode", "train", "valid", "baseline"):
        assert found[key] == expected[key]
    assert found["copied"]["noun"] == expected["copied"]["noun"] == "passages of 50 characters"
    assert found["likely_mode"] == "lines"


def test_without_a_validation_part_there_is_nothing_to_compare(told, tmp_path):
    write(tmp_path / "text.txt", text(2_000))
    output, _ = told("text.txt", "--split", "1,0,0")
    assert output.count("unknown, as there is no validation part") == 2


@pytest.mark.parametrize("part", [0.333333, 0.33333])
def test_thirds_may_be_rounded(tmp_path, part):
    split = dict.fromkeys(("train", "valid", "test"), part)
    report = charlm.corpus_report(write(tmp_path / "text.txt", text(3_000)), mode="stream", split=split)
    assert (report.train, report.valid) == (int(3_000 * part), int(6_000 * part) - int(3_000 * part))
    assert report.configuration["corpus"]["split"]["test"] == part


def test_what_no_training_takes_is_refused_before_the_text_is_read(tmp_path):
    stages: list[str] = []
    with pytest.raises(charlm.CharlmError, match="must be above 0"):
        charlm.corpus_report(write(tmp_path / "text.txt", text(3_000)), max_minutes=-1, on_stage=stages.append)
    assert stages == []


def test_notes_on_the_reading_go_to_standard_error(told, tmp_path):
    write(tmp_path / "text.txt", "\ufeff" + text(2_000) + "\0")
    output, message = told("text.txt")
    assert "byte order mark dropped from 1 file" in message
    assert "1 NUL character" in message
    assert "1 byte order mark" in output


@pytest.mark.parametrize(("minutes", "unit"), [("1", "char"), ("40", "char"), ("1", "byte")])
def test_the_choice_is_that_of_a_training(told, tmp_path, capsys, minutes, unit):
    write(tmp_path / "text.txt", text(30_000).replace("e", "é"))
    report = json.loads(told("text.txt", "--max-minutes", minutes, "--unit", unit, "--json")[0])
    words = "text.txt", "--max-minutes", minutes, "--dry-run", "--set", f"corpus.unit={unit}"
    assert cli.main(["train", *words]) == 0
    assert set(report["reasons"]) <= {line.strip() for line in capsys.readouterr().err.splitlines()}
    assert from_dict(report["configuration"], "the choice").to_dict() == report["configuration"]


def test_the_page_shows_what_the_command_prints(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("charlm.api.report.available_cores", lambda: 2)  # one core would be told
    page = (ROOT / "docs" / "corpus.md").read_text("utf-8")
    shown = re.findall(r"^    (.*)$", page, re.MULTILINE)
    command, *transcript = shown
    assert cli.main(shlex.split(command.removeprefix("$ charlm "))) == 0
    printed = capsys.readouterr().out.replace("with numpy kernels", "with fused kernels")
    assert printed.splitlines() == transcript


def test_a_part_of_a_very_long_text_is_counted_and_told(monkeypatch, told, tmp_path):
    counted = Baseline(3, 2.0, {1: 4.0, 3: 2.0}, 5.0, training=9_000_000, counted=3_000_000, scored=1_000)
    report = charlm.corpus_report(str(write(tmp_path / "text.txt", text(2_000))))
    monkeypatch.setattr(charlm, "corpus_report", lambda *_, **__: replace(report, baseline=counted))
    assert "for each character, counted in the training part's last 3,000,000:" in " ".join(told("text.txt")[0].split())
