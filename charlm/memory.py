"""How much memory this process has held at the most and how much the machine has, asked of the system."""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any


def peak_memory() -> int:
    """Return the most memory that this process has held so far, in bytes; 0 where the system does not tell."""
    return next(_peaks(), 0)


def machine_memory() -> int | None:
    """Return how many bytes this process may hold, of the machine or its container; None if that is unknown."""
    return min(_limits(), default=None)


CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def _limits() -> Iterator[int]:
    """Yield what each of the systems' ways to tell the memory says, where there is one."""
    with suppress(AttributeError, ValueError, OSError):
        yield os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if sys.platform == "win32":
        yield _memory_on_windows()
    for limit in CGROUPS:
        with suppress(OSError, ValueError):  # no such file, or the word "max"
            yield int(limit.read_text())


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


def _memory_on_windows() -> int:
    """Return the physical memory of the machine."""
    import ctypes
    from ctypes import wintypes

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", wintypes.DWORD),
            ("load", wintypes.DWORD),
            ("total_physical", ctypes.c_uint64),
            ("others", ctypes.c_uint64 * 6),
        )

    windows: Any = getattr(ctypes, "windll")  # noqa: B009 - there only on Windows, which type checkers elsewhere know
    status = Status(length=ctypes.sizeof(Status))
    windows.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
    return int(status.total_physical)
