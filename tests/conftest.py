"""What all tests share."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent

# A machine busy with other tests is slow, and slowness is not what the properties are about.
settings.register_profile("charlm", deadline=None)
settings.load_profile("charlm")

# Colours are those of an ordinary terminal, whatever the environment of whoever runs the tests asks for.
os.environ["TERM"] = "xterm"
for variable in ("NO_COLOR", "FORCE_COLOR"):
    os.environ.pop(variable, None)


@pytest.fixture(scope="session")
def run_charlm() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Return a function that runs ``charlm ARGUMENTS`` in a process of its own and keeps what it writes."""

    def run(
        *arguments: str | Path,
        stdin: bytes = b"",
        cwd: Path = ROOT,
        environment: Mapping[str, str] | None = None,
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "charlm", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
            timeout=timeout,
            check=False,
        )

    return run
