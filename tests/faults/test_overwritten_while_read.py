"""A file that another program cuts and writes over while it is read causes an error, never a crash or other numbers."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.faults import reader


@pytest.mark.parametrize("kind", ["checkpoint", "corpus", "cache"])
def test_a_file_that_is_written_over_while_it_is_read_is_refused(kind, tmp_path):
    path = reader.write(kind, tmp_path)
    content = path.read_bytes()
    command = [sys.executable, "-m", "tests.faults.reader", kind, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            for end in (len(content), len(content) // 2):
                with path.open("wb") as file:  # as cp does: cut first, then written
                    file.write(content[:end])
        output, errors = process.communicate()
    assert process.returncode == 0, (process.returncode, errors)
    reads, refused = map(int, output.split())
    assert reads > 0
    assert refused > 0
    assert "Traceback" not in errors
