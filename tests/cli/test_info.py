"""`charlm info`: what a checkpoint holds, readable for any vocabulary."""

import json

import pytest

import charlm
from charlm import cli
from charlm.config import dump_yaml, load
from charlm.files import modelfile
from tests.runs import configured, corpus_file, finish, metrics, start, trained


@pytest.fixture
def info(capsys):
    """Return a function that describes a model in this process and gives the output."""

    def run(*arguments):
        assert cli.main(["info", *map(str, arguments)]) == 0
        output, message = capsys.readouterr()
        assert message == ""
        return output

    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("info")
    return finish(start(folder / "run", configured(corpus_file(folder), model__cell="gru", model__embedding_size=3)))


def test_the_network_and_each_tensor_are_listed(info, run):
    lines = info(run).splitlines()
    assert lines[0].startswith(f"{run / 'best.safetensors'}, written by charlm ")
    assert lines[1] == "1 x gru of 8, an embedding of 3, float32"
    parameters = modelfile.load(run / "best.safetensors").parameters
    assert lines[3].split() == ["parameters", f"{parameters.flat.size:,}"]
    listed = {line.split()[0]: line.split(maxsplit=2)[1:] for line in lines[4 : 4 + len(parameters)]}
    assert listed["rnn.weight_hh_l0"] == ["192", "24 x 8"]
    assert {name: int(size) for name, (size, _) in listed.items()} == {name: a.size for name, a in parameters.items()}


def test_the_history_names_every_evaluation_and_the_best(info, run):
    output = info(run / "last.safetensors")
    scored = [line for line in metrics(run) if "valid_loss" in line]
    rows = [
        line.split() for line in output.splitlines() if line.strip().split(" ")[0] in {str(s["step"]) for s in scored}
    ]
    assert [(row[0], row[2], row[3]) for row in rows] == [
        (str(line["step"]), f"{line['valid_loss']:.4f}", f"{line['valid_bits_per_char']:.4f}") for line in scored
    ]
    assert output.count("  best\n") == 1
    assert "step 24 of 24, " in output


def test_an_adapted_model_of_bytes_has_read_bytes(info, tmp_path):
    model = charlm.load(trained(tmp_path, "bytes", b"to be or not to be. " * 60, corpus__unit="byte"))
    model.adapt("to be or not to be")[0].save(tmp_path / "adapted.safetensors")
    assert "adapted to 18 bytes of text" in info(tmp_path / "adapted.safetensors")


def test_a_model_that_was_saved_anew_holds_no_training(info, tmp_path):
    last = trained(tmp_path, "run", "to be or not to be. " * 60) / "last.safetensors"
    charlm.load(last).save(tmp_path / "copy.safetensors")
    assert "step 24 of 24" in info(last)
    assert "step 24 of 24" not in info(tmp_path / "copy.safetensors")
    assert cli.main(["train", "--resume", str(tmp_path / "copy.safetensors")]) == 2


def test_a_long_history_is_cut_but_keeps_the_best(info, tmp_path):
    path = tmp_path / "many.safetensors"
    saved = modelfile.load(trained(tmp_path, "many", "abc" * 300) / "best.safetensors")
    history = [{"step": step, "epoch": step / 10, "valid_loss": 1 + abs(step - 7)} for step in range(1, 101)]
    modelfile.save(path, saved.architecture, saved.parameters, saved.vocabulary, {**saved.metadata, "history": history})
    output = info(path)
    assert "... 80 earlier ones, which --json lists" in output
    assert [line.split()[0] for line in output.splitlines() if line.endswith("  best")] == ["7"]
    assert len(output.splitlines()) < 120


def test_the_configuration_is_shown_as_it_would_be_written(info, run, tmp_path):
    shown = info(run).split("\nconfiguration\n")[1]
    (tmp_path / "shown.yaml").write_text("".join(line[2:] + "\n" for line in shown.splitlines()), encoding="utf-8")
    assert dump_yaml(load(tmp_path / "shown.yaml")) == (run / "config.yaml").read_text(encoding="utf-8")


def test_characters_show_as_themselves_unless_they_do_not_show(info, tmp_path):
    output = info(trained(tmp_path, "odd", "aé漢\u0301\u200b\t \n" * 100))
    assert "\nvocabulary: 8 characters\n  \\t \\n ' ' a é U+0301 U+200B 漢\n" in output


def test_thousands_of_characters_are_cut(info, tmp_path):
    output = info(trained(tmp_path, "cjk", "".join(chr(0x4E00 + k % 3_000) for k in range(6_000))))
    assert "\nvocabulary: 3,000 characters\n  一 丁 丂 " in output
    assert "\n  and 2,800 more, which --json lists\n" in output
    assert max(len(line) for line in output.splitlines()) < 500


def test_bytes_are_ranges(info, tmp_path):
    output = info(trained(tmp_path, "all", bytes(range(256)) * 4, corpus__unit="byte"))
    assert "\nvocabulary: 256 bytes\n  0x00-0xFF\n" in output
    output = info(trained(tmp_path, "some", b"abcx\xff" * 100, corpus__unit="byte"))
    assert "\n  0x61-0x63, 0x78, 0xFF\n" in output


def test_the_symbol_of_rare_characters_is_named(info, tmp_path):
    output = info(trained(tmp_path, "rare", "abc" * 300 + "§", corpus__min_count=2))
    assert "\nvocabulary: 4 characters, \ufffd for rare ones\n" in output


def test_json_holds_all_of_it(info, run):
    document = json.loads(info(run / "last.safetensors", "--json"))
    assert document["parameters"]["rnn.weight_hh_l0"] == [24, 8]
    assert document["config"]["model"]["cell"] == "gru"
    assert document["run"]["standing"]["step"] == 24
    assert len(document["vocabulary"]["symbols"]) == 12
    assert [entry["step"] for entry in document["history"]] == [6, 12, 18, 24]
