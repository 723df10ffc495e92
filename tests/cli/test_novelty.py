"""`charlm novelty` and `charlm sample --novel`: what a model copies."""

import json
import re

import numpy as np
import pytest

import charlm
from charlm import cli
from tests.runs import text, trained

TEXT = text(6_000)
WILD = ("--temperature", 1.5)  # the model knows its six names well
KNOWN = ["emma", "olivia", "ada", "mia", "ann", "anna"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    more = {"training__max_steps": 150, "optimizer__learning_rate": 0.02}
    trained(folder, "stream", TEXT, **more)
    names = "\n".join(np.random.default_rng(0).choice(KNOWN, 300)) + "\n"
    trained(folder, "names", names, corpus__mode="lines", training__max_steps=300, optimizer__learning_rate=0.02)
    trained(folder, "bytes", "täglich 猫\n" * 200, corpus__unit="byte")
    trained(folder, "rare", "ab ba €ab\n" * 100 + "z", corpus__min_count=2)
    return folder


@pytest.fixture
def run(folder, capsys, monkeypatch):
    """Return a function that runs a command in this process, in the folder, and gives what it wrote and said."""
    monkeypatch.chdir(folder)

    def run(*arguments):
        status = cli.main([*map(str, arguments)])
        output, message = capsys.readouterr()
        assert status == 0, message
        return output, message

    return run


def test_the_longest_passage_of_a_text_is_found_with_its_file_and_line(run, folder):
    lines = TEXT.splitlines()
    at = next(k for k in range(100, 200) if len(lines[k]) > 30 and TEXT.count(lines[k]) == 1)
    (folder / "copy.txt").write_text(f"rrr{lines[at]}rrr\n", newline="\n")
    found = json.loads(run("novelty", "stream", "--text", "copy.txt", "--json")[0])
    assert lines[at] in found["passage"]
    assert found["text"]["longest"] == len(found["passage"])
    start = TEXT.index(found["passage"])
    assert found["place"] == {"file": str(folder / "stream.txt"), "line": TEXT.count("\n", 0, start) + 1}
    assert found["seed"] is None


def test_a_text_that_a_model_has_adapted_to_is_said_not_to_be_searched(run):
    charlm.load("stream").adapt(TEXT[:40])[0].save("adapted.safetensors")
    said = run("novelty", "adapted.safetensors", "--length", 200)[1]
    assert "adapted.safetensors: has adapted to 40 characters since its training, which are not searched\n" in said
    charlm.load("names").adapt("nola")[0].save("more.safetensors")
    assert "items of that one are not left out" in run("sample", "more.safetensors", "--novel", *WILD)[1]
    assert "adapted" not in run("novelty", "stream", "--length", 200)[1] + run("sample", "names", "--novel", *WILD)[1]


def test_the_training_text_itself_is_no_news_and_the_validation_part_is_what_it_is(run, folder):
    ids = charlm.load("stream").read_part("train")
    train = charlm.load("stream").vocabulary.decode(ids)
    (folder / "train.txt").write_text(train, newline="\n")
    found = json.loads(run("novelty", "stream", "--text", "train.txt", "--json")[0])
    assert (found["text"]["longest"], found["text"]["copied"], found["text"]["known_words"]) == (len(ids), 1, 1)
    assert set(found["text"]["novel_ngrams"].values()) == {0}
    valid = charlm.load("stream").vocabulary.decode(charlm.load("stream").read_part("valid")).partition("\n")[2]
    novel = [valid[at : at + 12] not in train for at in range(len(valid) - 11)]
    assert found["valid"]["novel_ngrams"]["12"] == pytest.approx(sum(novel) / len(novel))
    assert found["valid"]["symbols"] == len(valid)


def test_a_sample_is_that_of_the_seed_and_stands_beside_as_much_validation_text(run):
    output, message = run("novelty", "stream", "--length", 100, "--json")
    found = json.loads(output)
    assert message == f"seed {found['seed']}\n"
    assert (found["text"]["symbols"], found["valid"]["symbols"]) == (100, 100)
    sample = charlm.load("stream").sample(length=100, seed=found["seed"])
    assert found["passage"] in sample
    train = charlm.load("stream").vocabulary.decode(charlm.load("stream").read_part("train"))
    assert found["passage"] in train
    novel = [sample[at : at + 6] not in train for at in range(95)]
    assert found["text"]["novel_ngrams"]["6"] == pytest.approx(sum(novel) / 95)


def test_the_table_has_a_row_for_each_figure_and_the_passage_below(run):
    output, message = run("novelty", "stream", "--length", 200, "--seed", 1)
    assert message == ""
    values = json.loads(run("novelty", "stream", "--length", 200, "--seed", 1, "--json")[0])
    rows = {found[1]: found[2].split() for found in re.finditer(r"^(\S.*?)  +(\S.*)$", output, re.MULTILINE)}
    assert rows["longest passage"][0] == str(values["text"]["longest"])
    assert rows["novel 7-grams"] == [f"{values[name]['novel_ngrams']['7']:.1%}" for name in ("text", "valid")]
    assert rows["words known"] == [f"{values[name]['known_words']:.1%}" for name in ("text", "valid")]
    assert output.rstrip("\n").endswith(values["passage"].replace("\n", "\\n"))
    assert f"stream.txt:{values['place']['line']}:\n" in output


def test_in_a_model_of_lines_no_passage_goes_across_the_end_of_a_line(run, folder):
    (folder / "two.txt").write_text("emma\nolivia\nzoe\n".replace("zoe", "mimi"), newline="\n")
    found = json.loads(run("novelty", "names", "--text", "two.txt", "--json")[0])
    assert found["passage"] == "olivia"
    assert found["text"]["novel_lines"] == pytest.approx(1 / 3)


def test_the_passage_of_a_model_of_bytes_is_text_and_its_place_a_line(run, folder):
    (folder / "cat.txt").write_text("猫h 猫\n", newline="\n", encoding="utf-8")
    found = json.loads(run("novelty", "bytes", "--text", "cat.txt", "--json")[0])
    assert found["passage"] == "h 猫\n"
    assert found["place"]["line"] == 1


def test_rare_characters_of_the_corpus_are_found_as_the_unknown_symbol(run, folder):
    (folder / "odd.txt").write_text("ab\nz", newline="\n")
    found = json.loads(run("novelty", "rare", "--text", "odd.txt", "--on-unknown", "replace", "--json")[0])
    assert found["text"]["symbols"] == 4


def test_a_corpus_that_was_moved_is_found_where_it_is_now(run, folder):
    (folder / "stream.txt").rename(folder / "elsewhere.txt")
    try:
        output, _ = run("novelty", "stream", "--length", 50, "--seed", 1, "--json", "--corpus", "elsewhere.txt")
        assert json.loads(output)["place"]["file"] == "elsewhere.txt"
    finally:
        (folder / "elsewhere.txt").rename(folder / "stream.txt")


def test_novel_items_are_none_of_the_corpus_and_as_many_as_were_asked_for(run):
    usual = run("sample", "names", "--lines", 200, "--seed", 1, *WILD)[0].splitlines()
    assert len(set(usual) & set(KNOWN)) > 3, "the model must write what the corpus has, too"
    items = run("sample", "names", "--novel", "--lines", 200, "--seed", 1, *WILD)[0].splitlines()
    assert len(items) == 200
    assert not set(items) & set(KNOWN)
    assert items == run("sample", "names", "--novel", "--lines", 200, "--seed", 1, *WILD)[0].splitlines()
    output, message = run("sample", "names", "--novel", *WILD)
    assert len(output.splitlines()) == 10
    assert re.fullmatch(r"seed \d+\n", message)


def test_novel_items_begin_with_the_prompt(run):
    items = run("sample", "names", "--novel", "--lines", 30, "--seed", 1, *WILD, "--prompt", "mi")[0].splitlines()
    assert all(item.startswith("mi") for item in items)
    assert "mia" not in items
    objects = run("sample", "names", "--novel", "--lines", 30, "--seed", 1, *WILD, "--prompt", "mi", "--json")[
        0
    ].splitlines()
    for number, (line, item) in enumerate(zip(objects, items, strict=True)):
        found = json.loads(line)
        assert (found["index"], found["prompt"] + found["text"]) == (number, item + "\n")
        assert len(found["probabilities"]) == len(found["symbols"])


def test_a_model_that_writes_only_what_its_corpus_has_ends_and_says_so(run):
    output, message = run("sample", "names", "--novel", "--lines", 2, "--seed", 1, "--temperature", 0)
    assert output == ""
    reasons = "stand in its corpus, are empty, or did not end within --length characters"
    assert message == f"only 0 of 2 items: the others that the model wrote {reasons}\n"
