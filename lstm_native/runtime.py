"""How this build runs: threads and what it is made of."""

from __future__ import annotations

from typing import Any

from lstm_native import _core
from lstm_native._base.checks import check_int


def set_num_threads(threads: int) -> None:
    """Set how many threads large work may use. Results do not depend on it, bit for bit.

    Without a call, `LSTM_NATIVE_NUM_THREADS` decides, else the number of processors this process
    may use, by its affinity and its control group's quota; of these fewer are used for a while
    where other programs want them too. A number that is set is kept.

    Raises
    ------
    ValueError
        Fewer than 1 or more than 4096.
    """
    _core.set_num_threads(check_int(threads, name="threads", minimum=1, maximum=4096))


def get_num_threads() -> int:
    """Return how many threads large work may use."""
    return _core.get_num_threads()


def build_info() -> dict[str, Any]:
    """Return what this build is and how it runs.

    Returns
    -------
    dict
        "version", "compiler", "eigen", "build_type" (str); "isas_compiled" and "isas_available",
        the instruction sets compiled in and those this processor has (list of str, fastest
        first); "isa", the set in use (str); "threads" (int).

    Raises
    ------
    ValueError
        `LSTM_NATIVE_ISA` names no available instruction set; the message lists those there are.

    Examples
    --------
    >>> import lstm_native as ln
    >>> ln.build_info()["eigen"]
    '5.0.1'
    """
    return _core.build_info()
