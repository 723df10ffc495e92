"""How much memory training has held at the most, asked of the system."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def peak_memory() -> int:
    """Return the most memory that this process has held so far, in bytes; 0 where the system does not tell."""
    return next(_peaks(), 0)


def _peaks() -> Iterator[int]:
    """Yield what each of the systems' ways to tell the peak says, where there is one."""
    yield from _peaks_on_linux()
    if sys.platform == "win32":
        yield _peak_on_windows()
    else:
        import resource

        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        yield held if sys.platform == "darwin" else held * 1024


def _peaks_on_linux() -> Iterator[int]:
    """Yield the peak if this is Linux, where `ru_maxrss` begins with what the starting process held."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                yield int(line.split()[1]) * 1024


def _peak_on_windows() -> int:
    """Return the peak of the working set."""
    import ctypes
    from ctypes import wintypes

    class Counters(ctypes.Structure):
        _fields_ = (
            ("cb", wintypes.DWORD),
            ("page_faults", wintypes.DWORD),
            ("peak_working_set", ctypes.c_size_t),
            ("others", ctypes.c_size_t * 7),
        )

    windows: Any = getattr(ctypes, "windll")  # noqa: B009 - there only on Windows, which type checkers elsewhere know
    windows.kernel32.GetCurrentProcess.restype = wintypes.HANDLE
    windows.psapi.GetProcessMemoryInfo.argtypes = (wintypes.HANDLE, ctypes.c_void_p, wintypes.DWORD)
    counters = Counters(cb=ctypes.sizeof(Counters))
    process = windows.kernel32.GetCurrentProcess()
    windows.psapi.GetProcessMemoryInfo(process, ctypes.byref(counters), counters.cb)
    return int(counters.peak_working_set)
