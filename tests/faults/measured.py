"""Runs the command line, and then says what it took: ``python -m tests.faults.measured ARGUMENTS``."""

import sys
import time

from charlm import cli
from charlm.memory import peak_memory

if __name__ == "__main__":
    status = cli.main(sys.argv[1:])
    print(status, peak_memory(), time.process_time(), file=sys.stderr)
