"""`charlm sample`: text on standard output, everything else on standard error."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from charlm import cli
from charlm.corpus.vocabulary import Vocabulary
from charlm.files import modelfile
from charlm.inference.sampler import Sampler
from charlm.kernels.choice import load_backend
from charlm.network.architecture import Architecture
from charlm.network.model import Model
from tests.conftest import ROOT
from tests.networks import FUSED
from tests.runs import text, trained

WORDS = text() + "Élan, naïve!\n" * 3


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Return run directories by what they are models of."""
    folder = tmp_path_factory.mktemp("models")
    names = "\n".join(np.random.default_rng(0).choice(["emma", "olivia", "ada", "mia"], 300)) + "\n"
    return {
        "text": trained(folder, "text", WORDS, training__max_steps=200, optimizer__learning_rate=0.02),
        "lines": trained(folder, "lines", names, corpus__mode="lines", training__max_steps=150,
                         optimizer__learning_rate=0.02),
        "rare": trained(folder, "rare", WORDS + "§", corpus__min_count=2),
        "bytes": trained(folder, "bytes", "äöü€\n" * 200, corpus__unit="byte", training__max_steps=150,
                         optimizer__learning_rate=0.02),
        "one line": trained(folder, "one", "abc " * 300),
    }  # fmt: skip


@pytest.fixture
def sample(models, capsys):
    """Return a function that samples from a model in this process and gives status, output and messages."""

    def run(name, *arguments):
        status = cli.main(["sample", str(models[name]), *map(str, arguments)])
        return status, *capsys.readouterr()

    return run


def written(outcome):
    status, output, message = outcome
    assert (status, message) == (0, ""), message
    return output


def test_text_and_nothing_else_is_written_to_standard_output(sample):
    status, output, message = sample("text")
    assert status == 0
    assert len(output) in (500, 501)
    assert output.endswith("\n")
    assert message.startswith("seed ")


def test_the_same_seed_gives_the_same_text_and_the_one_that_is_told_does_too(sample):
    _, output, message = sample("text", "--length", 60)
    assert written(sample("text", "--length", 60, "--seed", message.split()[1])) == output
    assert sample("text", "--length", 60)[1] != output


def test_the_length_is_in_characters(sample):
    for length in (1, 7, 1_200):
        output = written(sample("text", "--seed", 1, "--length", length, "--prompt", "a"))
        assert len(output.rstrip("\n")) - 1 <= length
        assert len(output) - 1 in (length, length + 1)


def test_a_length_of_0_is_the_prompt_alone(sample):
    assert written(sample("text", "--length", 0, "--seed", 1)) == ""
    assert written(sample("text", "--length", 0, "--seed", 1, "--prompt", "tin")) == "tin\n"


def test_a_text_begins_with_its_prompt_and_goes_on_from_it(sample):
    one, other = (written(sample("text", "--seed", 1, "--length", 40, "--prompt", prompt)) for prompt in ("ra", "rl"))
    assert one.startswith("ra")
    assert other.startswith("rl")
    assert one[2:] != other[2:]


def test_temperature_0_and_top_k_1_are_greedy_whatever_the_seed(sample):
    greedy = {written(sample("text", "--temperature", 0, "--seed", seed, "--length", 80)) for seed in range(3)}
    assert greedy == {written(sample("text", "--top-k", 1, "--seed", 9, "--length", 80))}
    assert greedy == {written(sample("text", "--min-p", 1, "--seed", 9, "--length", 80))}
    assert greedy == {written(sample("text", "--top-p", 1e-9, "--seed", 9, "--length", 80))}


def test_a_higher_temperature_writes_likelier_nonsense(sample):
    def mean(temperature):
        outcome = sample("text", "--seed", 1, "--length", 300, "--temperature", temperature, "--json")
        return np.log(json.loads(written(outcome))["probabilities"]).mean()

    assert mean(0.3) > mean(1) > mean(5)


def test_several_texts_come_one_after_the_other_and_the_first_is_that_of_one_alone(sample):
    alone = written(sample("text", "--seed", 5, "--length", 50))
    status, output, message = sample("text", "--seed", 5, "--length", 50, "--count", 3)
    assert status == 0
    assert output.startswith(alone)
    assert message == "--- 1 of 3\n--- 2 of 3\n--- 3 of 3\n"
    assert len(output) in range(150, 154)


def test_a_text_ends_when_it_has_written_the_stop_text(sample):
    output = written(sample("text", "--seed", 1, "--stop", "e", "--length", 5_000))
    assert output.rstrip("\n").endswith("e")
    assert output.count("e") == 1


def test_the_prompt_does_not_count_as_written(sample):
    assert len(written(sample("text", "--seed", 1, "--prompt", "tee", "--stop", "tee", "--length", 9))) > 4


def test_a_text_ends_after_so_many_lines_even_beyond_the_usual_length(sample):
    assert written(sample("text", "--seed", 1, "--lines", 60)).count("\n") == 60
    assert len(written(sample("text", "--seed", 1, "--lines", 60, "--length", 12))) <= 13


def test_in_a_model_of_lines_a_prompt_begins_a_line_and_every_line_begins_anew(sample):
    output = written(sample("lines", "--lines", 5, "--seed", 3, "--temperature", 0.5, "--prompt", "ol"))
    assert output.startswith("olivia\n")
    assert len(output.splitlines()) == 5
    with_prompt, without = (
        json.loads(written(sample("lines", "--lines", 1, "--temperature", 0, "--seed", 1, "--json", *prompt)))
        for prompt in (["--prompt", "m"], [])
    )
    assert without["text"] == "m" + with_prompt["text"]
    assert without["probabilities"][1:] == pytest.approx(with_prompt["probabilities"])
    greedy = written(sample("lines", "--lines", 4, "--temperature", 0, "--seed", 1)).splitlines()
    assert greedy == greedy[:1] * 4


# --- Prompts with unknown characters


def test_unknown_characters_are_an_error_that_names_them_and_the_nearest(sample):
    status, output, message = sample("text", "--prompt", "Eé†", "--seed", 1)
    assert (status, output) == (2, "")
    assert message.startswith("charlm: --prompt: not in the vocabulary of ")
    assert "'E' (U+0045 LATIN CAPITAL LETTER E; nearest 'e')" in message
    assert "'é' (U+00E9 LATIN SMALL LETTER E WITH ACUTE; nearest 'É', 'e')" in message
    assert "'†'" in message
    assert message.count("\n") == 1


def test_unknown_characters_can_be_skipped_or_replaced(sample):
    assert written(sample("text", "--prompt", "tEn", "--on-unknown", "skip", "--length", 0, "--seed", 1)) == "tn\n"
    assert (
        written(sample("rare", "--prompt", "tEn", "--on-unknown", "replace", "--length", 0, "--seed", 1))
        == "t\ufffdn\n"
    )
    status, _, message = sample("text", "--prompt", "tEn", "--on-unknown", "replace", "--seed", 1)
    assert status == 2
    assert "needs an unknown symbol, and this vocabulary has none" in message


def test_a_prompt_can_come_from_a_file_or_from_standard_input(sample, tmp_path, run_charlm, models):
    for content in (b"tin", b"\xef\xbb\xbftin"):  # with a byte order mark, too
        (tmp_path / "prompt.txt").write_bytes(content)
        assert written(sample("text", "--prompt-file", tmp_path / "prompt.txt", "--length", 0, "--seed", 1)) == "tin\n"
    done = run_charlm("sample", models["text"], "--prompt-file", "-", "--length", 0, "--seed", 1, stdin=b"ten")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"ten\n", b"")


def test_a_prompt_file_of_a_byte_model_is_any_file(sample, tmp_path):
    (tmp_path / "prompt").write_bytes("ä".encode()[1:])
    assert written(sample("bytes", "--prompt-file", tmp_path / "prompt", "--length", 0, "--seed", 1)) == "\ufffd\n"


# --- JSON


def test_json_has_every_character_with_its_probability(sample):
    documents = [json.loads(line) for line in written(
        sample("text", "--json", "--count", 2, "--seed", 7, "--length", 30, "--prompt", "ti")
    ).splitlines()]  # fmt: skip
    assert [document["index"] for document in documents] == [0, 1]
    for document in documents:
        assert (document["seed"], document["prompt"]) == (7, "ti")
        assert document["symbols"] == list(document["text"])
        assert len(document["probabilities"]) == len(document["symbols"]) == 30
        assert all(0 < probability <= 1 for probability in document["probabilities"])
    plain = written(sample("text", "--seed", 7, "--length", 30, "--prompt", "ti"))
    assert plain.rstrip("\n") == ("ti" + documents[0]["text"]).rstrip("\n")


def test_json_of_texts_that_end_early_holds_no_more_than_their_characters(sample):
    documents = [json.loads(line) for line in written(
        sample("lines", "--json", "--count", 5, "--seed", 1, "--lines", 1)
    ).splitlines()]  # fmt: skip
    assert len({len(document["text"]) for document in documents}) > 1, "the case shows nothing: choose another seed"
    for document in documents:
        assert document["text"].endswith("\n")
        assert len(document["probabilities"]) == len(document["text"])


def test_json_of_bytes_has_their_values(sample):
    document = json.loads(written(sample("bytes", "--json", "--seed", 1, "--length", 40)))
    assert len(document["symbols"]) == 40
    assert bytes(document["symbols"]).decode("utf-8", "replace") == document["text"]


# --- Bytes


def test_a_byte_model_writes_whole_characters(sample):
    output = written(sample("bytes", "--seed", 1, "--length", 60, "--temperature", 0))
    assert "äöü€\näöü€\n" in output
    assert "\ufffd" not in output[:-2]


def test_a_character_that_was_cut_short_is_told_as_such(sample):
    assert written(sample("bytes", "--seed", 1, "--length", 1, "--temperature", 0)) == "\ufffd\n"


# --- What stands around it


def test_a_text_is_written_as_it_is_made(models):
    code = (
        "import sys; from charlm import cli\n"
        "arguments = ['--length', '100000000', '--seed', '1', '--kernels', 'numpy']\n"
        f"sys.exit(cli.main(['sample', {str(models['text'])!r}, *arguments]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    assert len(process.stdout.read(10)) == 10, "nothing came before the end"
    process.stdout.close()  # as `| head -c 10` does
    assert process.wait(timeout=30) == cli.PIPE_CLOSED
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()


@pytest.mark.parametrize(
    ("model", "arguments", "kernels"),
    [
        ("text", ["--length", 10_000], "fused"),
        ("text", ["--length", 9_999], "numpy"),
        ("text", ["--length", 10_000, "--kernels", "numpy"], "numpy"),
        ("text", ["--length", 10_000, "--count", 2], "numpy"),
        ("text", ["--length", 10_000, "--stop", "te"], "numpy"),
        ("text", ["--length", 10_000, "--lines", 3], "numpy"),
        ("text", ["--length", 10_000, "--json"], "fused"),
        ("rare", ["--length", 10_000, "--json"], "numpy"),
        ("rare", ["--length", 10_000, "--json", "--allow-unknown"], "fused"),
        ("text", ["--length", 1, "--kernels", "fused"], "fused"),
    ],
)
@pytest.mark.skipif(not FUSED, reason="the fast extra is not installed")
def test_long_texts_are_left_to_the_fused_kernels(sample, monkeypatch, model, arguments, kernels):
    class Writer(Sampler):
        def __init__(self, model, *rest, **more):
            used.append(model.backend.name)
            super().__init__(Model(model.architecture, load_backend("numpy")), *rest, **more)

        def write(self, prompt, length, narrow, seed):
            return super().write(prompt, min(length, 5), narrow, seed)

    used: list[str] = []
    monkeypatch.setattr("charlm.inference.sampler.Sampler", Writer)
    assert sample(model, "--seed", 1, *arguments)[0] == 0
    assert used == [kernels]


@pytest.mark.skipif(not FUSED, reason="the fast extra is not installed")
def test_the_fused_kernels_write_the_same_text(sample):
    arguments = ["--length", 400, "--seed", 4, "--prompt", "a", "--kernels"]
    assert sample("text", *arguments, "fused")[:2] == sample("text", *arguments, "numpy")[:2]


def test_kernels_that_cannot_write_it_are_told(sample, models, tmp_path, capsys, monkeypatch):
    assert sample("text", "--kernels", "fused", "--count", 2) == (
        2,
        "",
        "charlm: --kernels fused: writes one text at a time; leave it out, or --count\n",
    )
    assert sample("rare", "--kernels", "fused", "--json") == (
        2,
        "",
        "charlm: --kernels fused: keeps no probabilities where the symbol for unknown characters is never drawn; leave "
        "it out, or give --allow-unknown\n",
    )
    monkeypatch.setattr("charlm.kernels.choice.find_spec", lambda name: None)
    assert sample("text", "--kernels", "fused") == (
        2,
        "",
        "charlm: kernels: fused needs Numba: pip install 'charlm[fast]', or choose kernels: numpy\n",
    )
    model = Model(Architecture("gru", 3, 4, dtype="float64"), load_backend("numpy"))
    path = tmp_path / "wide.safetensors"
    modelfile.save(
        path, model.architecture, model.architecture.initial_parameters(1), Vocabulary.of("abc"), {"history": []}
    )
    assert cli.main(["sample", str(path), "--kernels", "fused"]) == 2
    assert capsys.readouterr() == (
        "",
        "charlm: kernels: fused needs a float32 network, this one is float64; choose kernels: numpy\n",
    )


def test_sampling_imports_nothing_that_it_does_not_need(models):
    heavy = {
        "pydantic",
        "yaml",
        "numba",
        "tqdm",
        "charlm.config",
        "charlm.corpus.loading",
        "charlm.run",
        "charlm.training.trainer",
        "json",
    }
    heavy -= {"json"}  # the checkpoint's metadata
    code = (
        f"import sys; from charlm import cli; cli.main(['sample', {str(models['text'])!r}, '--seed', '1'])\n"
        f"print(*sorted(name for name in sys.modules if name in {heavy}), file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stderr.strip() == ""


def test_weights_that_are_not_finite_are_told_instead_of_written_from(models, tmp_path, capsys):
    saved = modelfile.load(models["text"] / "best.safetensors")
    saved.parameters["decoder.weight"][0, 0] = np.nan
    path = tmp_path / "broken.safetensors"
    modelfile.save(path, saved.architecture, saved.parameters, saved.vocabulary, saved.metadata)
    assert cli.main(["sample", str(path)]) == 1
    assert capsys.readouterr() == (
        "",
        f"charlm: {path}: its weights are not finite numbers (decoder.weight is the first such tensor); train anew\n",
    )


def test_a_prompt_that_is_read_as_the_corpus_was_is_told(models, sample, tmp_path):
    file = tmp_path / "prompt.txt"
    file.write_bytes(b"tin\r\nra")
    status, output, message = sample("text", "--prompt-file", file, "--length", 5, "--seed", 1)
    assert status == 0
    assert output.startswith("tin\nra")
    assert message == f"{file}: read as the model's corpus was, with its newlines, case and Unicode form\n"


def test_the_symbol_for_rare_characters_needs_an_option(sample):
    arguments = ("rare", "--length", 2_000, "--temperature", 2, "--seed", 1)
    assert "\ufffd" not in written(sample(*arguments))
    assert "\ufffd" in written(sample(*arguments, "--allow-unknown"))
