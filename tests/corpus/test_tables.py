"""One column of a table is read as lines, the same as by the parsers of Python's library."""

import csv
import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import charlm
from charlm.corpus.tables import VISIBLE_BREAK
from charlm.errors import CorpusError, UsageError
from tests.corpora import WHOLE, load_path, whole_text, write
from tests.runs import configured, finish, start

FIELD = st.text(alphabet="ab\"',;\n\r\t é\u2028日\\", max_size=8)
ROWS = st.lists(st.tuples(FIELD, FIELD), min_size=1, max_size=8)


def as_csv(rows, delimiter=","):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue()


def as_items(fields):
    shown = [field.replace("\r\n", "\n").replace("\r", "\n").replace("\n", VISIBLE_BREAK) for field in fields]
    return sorted(item for item in shown if item)


def read(path, column="title", **options):
    """Return the items of a corpus, which shuffles them, in order."""
    text = whole_text(path, mode="lines", column=column, **options)
    assert text.startswith("\n")
    assert text.endswith("\n")
    return sorted(text[1:-1].split("\n"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


@given(ROWS, st.sampled_from([",", ";"]), st.booleans())
def test_a_column_of_csv_is_what_pythons_reader_finds(folder, rows, delimiter, packed):
    rows = [("title", "x"), *rows, ("b", "a")]
    data = as_csv(rows, delimiter).encode()
    path = folder / f"x.csv{'.gz' * packed}"
    path.write_bytes(gzip.compress(data) if packed else data)
    assert read(path) == as_items([title for title, _ in rows[1:]])


@given(st.lists(FIELD, min_size=1, max_size=8))
def test_a_key_of_json_lines_is_what_json_loads(folder, fields):
    fields = [*fields, "b"]
    path = folder / "x.jsonl"
    path.write_text("".join(json.dumps({"x": 1, "title": field}) + "\n" for field in fields), newline="\n")
    assert read(path) == as_items(fields)


@given(st.lists(st.text(alphabet="ab\"',; é\u2028日\\", max_size=8), min_size=1, max_size=8))
def test_quotes_mean_nothing_in_tsv(folder, fields):
    fields = [*fields, "b"]
    path = folder / "x.tsv"
    path.write_text("".join(f"1\t{field}\n" for field in ["title", *fields]), encoding="utf-8", newline="\r\n")
    assert read(path) == as_items(fields)


def test_a_large_table_is_read_in_pieces_that_cut_nothing(tmp_path):
    titles = [f'Film number {k}, é, "{"x" * (k % 50)}"\nsecond' for k in range(20_000)]
    path = write(tmp_path / "films.csv", as_csv([("id", "title"), *enumerate(titles)]))
    assert read(path) == as_items(titles)


def test_line_breaks_within_fields_are_made_visible_and_told(tmp_path):
    path = write(tmp_path / "x.csv", 'title\n"a\r\nb\nc"\nd\n')
    corpus = load_path(path, WHOLE, mode="lines", column="title")
    assert corpus.vocabulary.decode(corpus.train) in ("\na\u2424b\u2424c\nd\n", "\nd\na\u2424b\u2424c\n")
    assert f"column: 2 line breaks within fields became {VISIBLE_BREAK} (U+2424)" in corpus.report


def test_empty_and_missing_fields_are_no_items_and_numbers_are_text(tmp_path):
    rows = [{"title": "ab"}, {}, {"title": None}, {"title": ""}, {"title": 1990}, {"title": True}]
    path = write(tmp_path / "x.jsonl", "\n\n".join(map(json.dumps, rows)))
    assert read(path) == ["1990", "ab", "true"]


def test_numbers_are_as_they_are_written(tmp_path):
    numbers = ["12.50", "1e3", "0.10000000000000000001", "1E400", "-0", "1" * 5_000]
    rows = [f'{{"title": {number}, "x": [{number}]}}\n' for number in numbers]
    assert read(write(tmp_path / "x.jsonl", "".join(rows))) == sorted(numbers)


def test_a_field_of_csv_may_be_long(tmp_path):
    field = "ab, " * 50_000
    assert read(write(tmp_path / "x.csv", as_csv([("title", "x"), (field, "1")]))) == [field]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    assert read(write(tmp_path / "x.csv", "\ufefftitle,x\nab,1\n")) == ["ab"]
    data = "title\tx\nab\t1\n".encode("utf-16")
    assert read(write(tmp_path / "x.tsv", data), encoding="utf-16") == ["ab"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.csv", "id,name\n1,ab\n", "x.csv: has no column 'title'; its columns are id, name"),
        ("x.csv", "titel,name\n1,ab\n", "its columns are titel, name; did you mean 'titel'?"),
        ("x.csv", "", "has no column 'title'; its columns are none"),
        ("x.csv", ",".join(f"c{k}" for k in range(99)), "c18, c19, ..."),
        ("x.csv", "title,title\n1,ab\n", "has 2 columns 'title'; give each a name of its own"),
        ("x.csv", "title,x\nab,1\ncd\n", 'line 3 has 1 field, and the first line names 2; put a field that has ","'),
        ("x.csv", "title,x\nab,1\ncd, e, 2\n", "line 3 has 3 fields, and the first line names 2"),
        ("x.csv", 'title,x\nab,1\n"cd,2\n', "line 3 is no CSV (unexpected end of data)"),
        ("x.csv", 'title,x\n"a"b,1\n', "line 2 is no CSV (',' expected after '\"')"),
        ("x.tsv", "title\tx\nab\t1\t2\n", "line 2 has 3 fields, and the first line names 2; a field can have no tab"),
        ("x.jsonl", '{"id": 1}\n', "x.jsonl: has no column 'title'; its columns are id"),
        ("x.jsonl", '{"title": "a"}\n{"title": \n', "line 2 is no JSON (Expecting value); each line must be an object"),
        ("x.jsonl", '["a"]\n', 'line 1 must be a JSON object, got ["a"]'),
        ("x.jsonl", '{"title": ["a"]}\n', "line 1 the column 'title' must be text, got [\"a\"]"),
        ("x.jsonl", '{"title": "\\ud800"}\n', "line 1 has half of a surrogate pair"),
        ("x.jsonl", "[" * 100_000 + "\n", "line 1 is no JSON (it is too deep)"),
        ("x.csv", "title,x\n" + ",1\n" * 9, "x.csv: the column 'title' is empty; a corpus needs some text"),
        ("x.jsonl", '{"title": NaN}\n', "line 1 is no JSON (NaN is no number of JSON)"),
    ],
)
def test_a_table_that_cannot_be_read_is_told_in_one_line(tmp_path, name, content, told):
    with pytest.raises(CorpusError) as error:
        read(write(tmp_path / name, content))
    assert told in str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("name", ["x.txt", "x", "x.gz", "x.csv.zip"])
def test_a_column_of_what_is_no_table_is_refused(tmp_path, name):
    with pytest.raises(UsageError, match="is no table by its name, so it has no column 'title'"):
        read(write(tmp_path / name, "title,x\n"))


def test_a_column_is_read_as_lines_and_as_characters_only(tmp_path):
    path = write(tmp_path / "x.csv", "title,x\nab,1\n")
    with pytest.raises(UsageError, match=r"corpus\.column: its fields are items, which corpus\.mode: lines reads"):
        load_path(path, WHOLE, column="title")
    with pytest.raises(UsageError, match=r"corpus\.column: no effect with corpus\.unit: byte"):
        load_path(path, WHOLE, column="title", mode="lines", unit="byte")


def test_another_column_or_another_name_of_the_file_is_another_entry_of_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CHARLM_CACHE", str(tmp_path / "cache"))
    rows = "a\tb,c\n" + "x\ty,z\n" * (1 << 22)
    path = write(tmp_path / "x.tsv", rows)
    assert set(read(path, "a")) == {"x"}
    assert set(read(path, "b,c")) == {"y,z"}
    assert set(read(path.rename(tmp_path / "x.csv"), "c")) == {"z"}


def test_what_is_read_later_is_read_in_the_same_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "films.csv", "id,title\n" + "1,emma\n2,olivia\n3,ada\n" * 40)
    config = configured("films.csv", corpus__column="title", corpus__mode="lines")
    run = finish(start(tmp_path / "run", config))
    model = charlm.load(run)
    assert set(model.vocabulary.decode(model.read_part("train")).split()) == {"emma", "olivia", "ada"}
    write(tmp_path / "new.jsonl", '{"title": "ada"}\n{"title": "emma"}\n')
    write(tmp_path / "new.txt", "ada\nemma\n")
    ids = [model.read_files(name)[0].tolist() for name in ("new.jsonl", "new.txt")]
    assert model.vocabulary.decode(ids[0]) == "\nada\nemma\n"
    assert ids[0] == ids[1], "a text that is no table is read as lines"
    assert [line.text for line in model.read_lines("new.jsonl")] == ["ada", "emma"]
    found = charlm.novelty(model, "olivia\n")
    assert (found.file, found.line, found.passage) == ("films.csv", 2, "olivia")
