"""`charlm eval`: the loss of a text under a model."""

import json
import math

import pytest

from charlm import cli
from charlm.errors import WriteError
from charlm.files import checkpoint
from tests.runs import metrics, text, trained

TEXT = text(3_000)
SPLIT = {"train": 0.8, "valid": 0.1, "test": 0.1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with run directories of models of a text, of lines, and of a text with rare symbols."""
    folder = tmp_path_factory.mktemp("models")
    options = {"training__max_steps": 60, "optimizer__learning_rate": 0.02, "corpus__split": SPLIT}
    trained(folder, "stream", TEXT, **options)
    trained(folder, "lines", TEXT, corpus__mode="lines", **options)
    trained(folder, "rare", TEXT + "§", corpus__min_count=2, **options)
    trained(folder, "untested", TEXT, corpus__split={"train": 0.9, "valid": 0.1, "test": 0.0})
    return folder


@pytest.fixture
def evaluate(folder, capsys, monkeypatch):
    """Return a function that evaluates in this process, in the folder, and gives status, output and messages."""
    monkeypatch.chdir(folder)

    def run(*arguments):
        status = cli.main(["eval", *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


def scored(outcome):
    status, output, message = outcome
    assert status == 0, message
    return json.loads(output)


@pytest.mark.parametrize("model", ["stream", "lines", "rare"])
def test_the_validation_loss_is_that_of_the_training_log(evaluate, folder, model):
    got = scored(evaluate(model, "--json"))
    logged = [line["valid_loss"] for line in metrics(folder / model) if "valid_loss" in line]
    assert got["loss"] == pytest.approx(min(logged), abs=1e-6)
    assert got["loss"] == pytest.approx(
        checkpoint.read_metadata(folder / model / "best.safetensors")["history"][-1]["valid_loss"], abs=1e-6
    )
    assert scored(evaluate(f"{model}/last.safetensors", "--json"))["loss"] == pytest.approx(logged[-1], abs=1e-6)


def test_json_has_five_keys_that_agree(evaluate):
    got = scored(evaluate("stream", "--json"))
    assert list(got) == ["loss", "bits_per_char", "perplexity", "accuracy", "chars"]
    assert got["bits_per_char"] == pytest.approx(got["loss"] / math.log(2))
    assert got["perplexity"] == pytest.approx(math.exp(got["loss"]))
    assert 0 < got["accuracy"] < 1
    assert got["chars"] == 299


def test_a_person_reads_the_same_numbers(evaluate):
    got = scored(evaluate("stream", "--json"))
    status, output, message = evaluate("stream")
    assert (status, message) == (0, "")
    assert [line.split()[:2] for line in output.splitlines()] == [
        ["loss", f"{got['loss']:.4f}"],
        ["bits_per_char", f"{got['bits_per_char']:.4f}"],
        ["perplexity", f"{got['perplexity']:.6g}"],
        ["accuracy", f"{got['accuracy']:.2%}"],
        ["chars", "299"],
    ]


def test_the_parts_of_the_corpus_are_those_of_its_files(evaluate, folder):
    for split, part in (("valid", TEXT[2_400:2_700]), ("test", TEXT[2_700:])):
        (folder / "part.txt").write_text(part, newline="\n")
        assert scored(evaluate("stream", "--split", split, "--json")) == scored(
            evaluate("stream", "part.txt", "--json")
        )


def test_several_files_are_one_text_and_so_is_standard_input(evaluate, folder, run_charlm):
    end = TEXT.index("\n", 50) + 1  # files that end within a line are separated
    (folder / "a.txt").write_text(TEXT[:end], newline="\n")
    (folder / "b.txt").write_text(TEXT[end:200], newline="\n")
    (folder / "ab.txt").write_text(TEXT[:200], newline="\n")
    whole = scored(evaluate("stream", "ab.txt", "--json"))
    assert whole["chars"] == 199
    assert scored(evaluate("stream", "a.txt", "b.txt", "--json")) == whole
    done = run_charlm("eval", folder / "stream", "-", "--json", stdin=TEXT[:200].encode())
    assert json.loads(done.stdout) == pytest.approx(whole)


def test_in_lines_mode_every_character_and_line_end_counts_once(evaluate, folder):
    (folder / "names.txt").write_text("tin\nea\nra", newline="\n")
    assert scored(evaluate("lines", "names.txt", "--json"))["chars"] == len("tin\nea\nra\n")
    (folder / "other order.txt").write_text("ra\nea\ntin\n", newline="\n")
    one, other = (scored(evaluate("lines", name, "--json")) for name in ("names.txt", "other order.txt"))
    assert one["loss"] == pytest.approx(other["loss"], abs=1e-6), "lines are independent"


def test_unknown_characters_are_an_error_or_left_out_or_replaced(evaluate, folder):
    (folder / "odd.txt").write_text("tinÉra\n" * 20, newline="\n")
    (folder / "plain.txt").write_text("tinra\n" * 20, newline="\n")
    (folder / "marked.txt").write_text("tin\ufffdra\n" * 20, newline="\n")
    status, output, message = evaluate("stream", "odd.txt")
    assert (status, output) == (2, "")
    assert "odd.txt: not in the vocabulary of 12 symbols: 'É'" in message
    skipped = evaluate("stream", "odd.txt", "--on-unknown", "skip", "--json")
    assert "20 unknown characters left out" in skipped[2]
    assert scored(skipped) == scored(evaluate("stream", "plain.txt", "--json"))
    replaced = scored(evaluate("rare", "odd.txt", "--on-unknown", "replace", "--json"))
    assert replaced == scored(evaluate("rare", "marked.txt", "--json"))


def test_a_part_that_the_model_never_had_is_told(evaluate):
    status, _, message = evaluate("untested", "--split", "test")
    assert (status, message) == (
        2,
        "charlm: untested: has no test part (corpus.split.test is 0); give a text of your own\n",
    )


def test_a_corpus_that_changed_or_went_is_told(evaluate, folder, tmp_path):
    gone = trained(tmp_path, "gone", TEXT)
    (tmp_path / "gone.txt").write_text(TEXT.swapcase(), newline="\n")
    status, _, message = evaluate(gone)
    assert status == 1
    assert "is not the text" in message
    (tmp_path / "gone.txt").unlink()
    status, _, message = evaluate(gone)
    assert status == 1
    assert message.startswith(
        f"charlm: {gone}: its corpus cannot be read again: {tmp_path / 'gone.txt'}: there is no such"
    )


def test_a_stream_that_ran_away_is_told_beside_the_result(evaluate, monkeypatch):
    from charlm.inference.scorer import Score, Scorer

    monkeypatch.setattr(Scorer, "score", lambda *_: Score(loss=2.0, accuracy=0.3, chars=9, worst_stream=9.0))
    for arguments in (["stream"], ["stream", "--json"]):
        status, output, message = evaluate(*arguments)
        assert status == 0
        assert output
        assert message == (
            "one stream of the text is at 9.00 nats: it is text of another kind, or the state ran away there, which "
            "training.reset_probability above 0 prevents\n"
        )


def test_an_infinite_perplexity_is_null_in_json(evaluate, monkeypatch):
    from charlm.inference.scorer import Score, Scorer

    monkeypatch.setattr(Scorer, "score", lambda *_: Score(loss=1e6, accuracy=0.0, chars=9, worst_stream=1e6))
    assert scored(evaluate("stream", "--json"))["perplexity"] is None
    assert "perplexity     inf\n" in evaluate("stream")[1]


def test_a_text_is_read_in_one_stream_up_to_fifty_thousand_characters(evaluate, tmp_path):
    twice = tmp_path / "twice.txt"
    for characters, streams in ((49_000, ""), (50_500, "read in 2 streams of some 25,249 characters")):
        twice.write_text(text(characters), newline="\n")
        status, _, message = evaluate("stream", twice)
        assert status == 0
        assert streams in message
        assert ("streams" in message) == bool(streams)


def test_a_model_of_bytes_has_figures_of_bytes_everywhere(tmp_path, capsys, monkeypatch):
    run = trained(tmp_path, "bytes", "täglich 猫 " * 300, corpus__unit="byte")
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    (tmp_path / "more.txt").write_text("猫 täglich", encoding="utf-8")
    assert cli.main(["eval", "bytes", "more.txt"]) == 0
    shown = capsys.readouterr()
    assert "nats per byte" in shown.out
    assert "bytes          11" in shown.out
    assert "char" not in shown.out + shown.err
    assert cli.main(["eval", "bytes", "more.txt", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert set(values) == {"loss", "bits_per_byte", "perplexity", "accuracy", "bytes"}
    assert cli.main(["info", "bytes"]) == 0
    assert "bits/byte" in capsys.readouterr().out
    last = metrics(run)[-1]
    assert last["bits_per_byte"] == pytest.approx(last["loss"] / math.log(2))
    assert last["bytes"] == 24 * 4 * 8
    assert not any("char" in name for name in last)
    assert cli.main(["train", str(run / "config.yaml"), "--out", "again"]) == 0
    assert "char" not in capsys.readouterr().err.replace("charlm", "")


def test_files_to_score_may_have_an_encoding_of_their_own(evaluate, folder):
    (folder / "utf8.txt").write_text(TEXT[:300], encoding="utf-8", newline="\n")
    (folder / "utf16.txt").write_text(TEXT[:300], encoding="utf-16", newline="\n")
    expected = scored(evaluate("stream", "utf8.txt", "--json"))
    assert scored(evaluate("stream", "utf16.txt", "--encoding", "utf-16", "--json")) == expected
    for arguments, message in {
        ("utf8.txt", "--encoding", "utf-61"): "--encoding: 'utf-61' is not a text encoding; did you mean",
        ("--encoding", "utf-8"): "--encoding: is that of files to score",
    }.items():
        status, output, error = evaluate("stream", *arguments)
        assert (status, output) == (2, "")
        assert message in error


@pytest.fixture
def saved(evaluate, tmp_path):
    """Return a file with a model that has adapted to a text, and what was said about it."""
    file = tmp_path / "adapted.safetensors"
    return file, scored(evaluate("stream", "--dynamic", "--json", "--save", file))


def test_dynamic_figures_stand_beside_the_static_ones(evaluate):
    static, both = scored(evaluate("stream", "--json")), scored(evaluate("stream", "--dynamic", "--json"))
    dynamic = both.pop("dynamic")
    assert both == static
    assert dynamic["chars"] == static["chars"]
    assert dynamic["loss"] != static["loss"]
    _, output, _ = evaluate("stream", "--dynamic")
    assert [line.split()[1] for line in output.splitlines() if line.startswith("loss")] == [
        f"{figures['loss']:.4f}" for figures in (static, dynamic)
    ]
    assert sum(line.startswith("dynamic: ") for line in output.splitlines()) == 1


def test_an_adapted_model_is_saved_for_sampling_and_the_first_one_stays(evaluate, folder, tmp_path, capsys):
    source, file = folder / "stream" / "best.safetensors", tmp_path / "adapted.safetensors"
    before = source.read_bytes()
    scored(evaluate("stream", "--dynamic", "--json", "--save", file))
    assert source.read_bytes() == before
    assert scored(evaluate(file, "--json"))["loss"] != scored(evaluate("stream", "--json"))["loss"]
    assert cli.main(["sample", str(file), "--length", "20", "--seed", "1"]) == 0
    assert len(capsys.readouterr().out) >= 20
    assert cli.main(["info", str(file)]) == 0
    assert "adapted to 300 characters" in capsys.readouterr().out


def test_a_loss_on_the_text_that_a_model_has_adapted_to_is_told(evaluate, saved):
    status, _, message = evaluate(saved[0])
    assert status == 0
    assert message == f"{saved[0]}: has adapted to 300 characters since its training; of those, its loss says nothing\n"


def test_an_export_of_an_adapted_model_says_what_it_is(saved, tmp_path, capsys):
    assert cli.main(["export", str(saved[0]), "--torch", str(tmp_path / "torch.safetensors")]) == 0
    told = capsys.readouterr().err.splitlines()
    assert told[0] == f"{saved[0]}: has adapted to 300 characters since its training; that is what is written"


def test_an_adapted_model_learned_from_all_of_a_short_text(evaluate, folder, tmp_path):
    short, file = tmp_path / "short.txt", tmp_path / "adapted.safetensors"
    short.write_text(TEXT[:20], newline="\n")
    before = scored(evaluate("stream", short, "--dynamic", "--save", file, "--json"))
    assert scored(evaluate(file, short, "--json"))["loss"] < before["loss"]


def test_what_a_model_of_lines_has_adapted_to_is_counted_as_its_text(evaluate, tmp_path, capsys):
    names, file = tmp_path / "names.txt", tmp_path / "adapted.safetensors"
    names.write_text("\n".join(TEXT.split()[:20]) + "\n", newline="\n")
    _, output, _ = evaluate("lines", names, "--dynamic", "--save", file)
    assert f"chars          {len(names.read_text())}\n" in output
    assert cli.main(["info", str(file)]) == 0
    assert f"adapted to {len(names.read_text())} characters" in capsys.readouterr().out


def test_the_figures_are_there_when_the_adapted_model_cannot_be_saved(evaluate, tmp_path, monkeypatch):
    def full(*_, **__):
        raise WriteError("the disk is full")

    monkeypatch.setattr("charlm.files.modelfile.save", full)
    status, output, message = evaluate("stream", "--dynamic", "--save", tmp_path / "adapted.safetensors", "--json")
    assert (status, message) == (1, "charlm: the disk is full\n")
    assert json.loads(output)["dynamic"]["chars"] == 299


@pytest.mark.parametrize("name", ["last.safetensors", "best.safetensors", "metrics.jsonl"])
def test_a_file_of_a_run_is_never_replaced(evaluate, folder, name):
    before = (folder / "lines" / name).read_bytes()
    status, _, message = evaluate("stream", "--dynamic", "--save", folder / "lines" / name, "--force")
    assert (status, (folder / "lines" / name).read_bytes()) == (2, before)
    assert "is the name of a file of the run in " in message


def test_a_file_is_replaced_only_when_that_is_asked_for(evaluate, saved):
    file, _ = saved
    before = file.read_bytes()
    status, _, message = evaluate("lines", "--dynamic", "--save", file)
    assert (status, file.read_bytes()) == (2, before)
    assert "--force" in message
    assert evaluate("lines", "--dynamic", "--save", file, "--force")[0] == 0
    assert file.read_bytes() != before


def test_the_model_itself_is_never_replaced(evaluate, folder):
    source = folder / "stream" / "best.safetensors"
    before = source.read_bytes()
    status, _, message = evaluate("stream", "--dynamic", "--save", source, "--force")
    assert (status, source.read_bytes()) == (2, before)
    assert "is a file that is read here" in message
