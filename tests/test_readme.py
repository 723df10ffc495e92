"""The commands that the README shows do run, in its order, on a small network and a text of one's own."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^    (charlm .+)$", README, re.MULTILINE)
SMALL = (
    " --set model.hidden_size=8 --set training.max_steps=2 --set training.sample_length=5 --set schedule.warmup_steps=0"
    " --set kernels=numpy"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readme")
    for name in ("configs", "data"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "letters.txt").write_text("Dear friend, I have not written for a while, and I am sorry.\n" * 200)
    return folder


def test_the_readme_shows_commands():
    assert [command.split()[1] for command in COMMANDS] == ["train", "sample", "config", "train"]


@pytest.mark.skipif(os.name == "nt", reason="the README's commands are written for a POSIX shell")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_runs(folder, command):
    small = SMALL if command.startswith("charlm train") else ""
    line = command.replace("charlm", f'"{sys.executable}" -m charlm', 1) + small
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", re.findall(r"\]\((docs/[^)]+)\)", README))
def test_a_page_that_the_readme_points_to_is_there(path):
    assert (ROOT / path).exists()


@pytest.mark.parametrize("name", re.findall(r"^\| `(\w[\w-]*\.yaml)` \|", README, re.MULTILINE))
def test_a_configuration_that_the_readme_lists_is_there(name):
    assert (ROOT / "configs" / name).exists()
