"""How much a process grows at its peak, from Linux's own account."""

from __future__ import annotations

import gc
import resource
from collections.abc import Callable
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def parse_status(text: str, name: str) -> int:
    """Return the bytes of a line such as "VmHWM:    1234 kB"."""
    line = next(line for line in text.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


def growth(work: Callable[[], object]) -> float:
    """Return the peak of resident memory while `work` runs, less what was resident before.

    At least a page, which is the grain of the account.
    """
    gc.collect()
    try:
        _CLEAR.write_text("5")  # the peak is now what is resident
    except OSError as error:
        raise RuntimeError(f"the peak cannot be reset on this system: {error}") from None
    before = parse_status(_STATUS.read_text(), "VmRSS")
    work()
    grown = parse_status(_STATUS.read_text(), "VmHWM") - before
    return float(max(grown, resource.getpagesize()))
