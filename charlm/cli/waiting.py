"""What a person sees who waits for a command other than a training."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE = 2.0  # seconds after which a person sees how far it is


@contextmanager
def progress(unit: str) -> Iterator[Callable[[int, int], None]]:
    """Return, for a `with` statement, what takes how many units are done and how many there are, and shows a bar."""
    from tqdm import tqdm

    with tqdm(unit=f" {unit}", delay=PATIENCE, leave=False, disable=None, file=sys.stderr) as bar:

        def tell(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield tell
