"""Steps of training and evaluation: whole batches, or their windows of time, states carried."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from lstm_native._base.checks import check_positive_int

if TYPE_CHECKING:
    from lstm_native.network.stack import Stack
    from lstm_native.training._data import Batches
    from lstm_native.training._samples import Batch, Data


class Window(NamedTuple):
    """Steps of a batch, from `first` on; steps 0: the whole batch."""

    first: int = 0
    steps: int = 0


_WHOLE = (Window(),)


def windows_of(batch: Batch, size: int | None) -> Iterable[Window]:
    """Return the windows of a batch, up to the end of its longest sequence."""
    if size is None:
        return _WHOLE
    return (
        Window(first, min(size, batch.timesteps - first)) for first in range(0, batch.longest, size)
    )


class Carry:
    """The states that layers carry from one step to the next.

    Stateful layers keep theirs. For truncated back-propagation the others carry theirs from window
    to window of a batch.
    """

    def __init__(self, model: Stack, *, windows: bool) -> None:
        self._layers = model._node_layers
        self._windows = windows
        self._any = any(self._wanted(layer) for layer in self._layers)
        self._states: list[tuple[NDArray[Any], ...] | None] = []
        self.begin_batch()

    def _wanted(self, layer: Any) -> bool:
        return bool(layer.stateful or (self._windows and layer._native.state_count))

    def begin_batch(self) -> None:
        """Let the layers that are not stateful begin with zeros."""
        if not self._any:
            return
        self._states = [() if self._wanted(layer) else None for layer in self._layers]

    def given(self) -> list[tuple[NDArray[Any], ...] | None] | None:
        """Return what the core's next step begins with."""
        if not self._any:
            return None
        return [
            layer._carried if layer.stateful else state
            for layer, state in zip(self._layers, self._states, strict=True)
        ]

    def take(self, states: list[tuple[NDArray[Any], ...] | None] | None) -> None:
        """Keep how the step ended."""
        if states is None:
            return
        self._states = states
        for layer, state in zip(self._layers, states, strict=True):
            if layer.stateful:
                layer._carried = state or ()


@contextmanager
def states_aside(model: Stack) -> Iterator[None]:
    """Let the layers begin with zeros, and give them back their states afterwards."""
    before = [layer._carried for layer in model.layers]
    model.reset_states()
    try:
        yield
    finally:
        for layer, state in zip(model.layers, before, strict=True):
            layer._carried = state


@contextmanager
def states_kept(model: Stack) -> Iterator[None]:
    """Give the layers back their states if what runs here does not come to its end."""
    before = [layer._carried for layer in model.layers]
    try:
        yield
    except BaseException:
        for layer, state in zip(model.layers, before, strict=True):
            layer._carried = state
        raise


def check_tbptt(model: Stack, data: Data | Batches, tbptt: Any) -> int | None:
    """Return the steps of a window, or say why the model cannot be trained in windows."""
    if tbptt is None:
        return None
    steps = check_positive_int(tbptt, name="tbptt")
    if not data.timesteps:
        raise ValueError(
            "tbptt: expected an output at each step, and y with a time axis; the model's output "
            "has none (return_sequences=False)"
        )
    why = model._network.why_not_in_windows()
    if why:
        raise ValueError(f"tbptt: the model cannot be trained in windows of time; {why}")
    return min(steps, data.longest)


def check_stateful(model: Stack, samples: int, batch_size: int, *, shuffle: bool) -> None:
    """Refuse batches that could not go on from one another."""
    if not model._stateful:
        return
    if shuffle:
        raise ValueError(
            "stateful layers need shuffle=False: a batch goes on where the one before it ended, "
            "sample by sample"
        )
    check_one_size(samples, batch_size)
    check_carried(model, min(batch_size, samples))


def check_one_size(samples: int, batch_size: int) -> None:
    """Refuse a number of samples that leaves a smaller batch."""
    size = min(batch_size, samples)
    if size and samples % size:
        raise ValueError(
            f"stateful layers need batches of one size, but {samples} samples do not divide into "
            f"batches of {batch_size}"
        )


def check_carried(model: Stack, size: int) -> None:
    """Refuse batches of another size than that of the states which layers carry."""
    for label, layer in zip(model._names, model.layers, strict=True):
        if layer._carried and layer._carried[0].shape[1] != size:
            raise ValueError(
                f"layer {label} carries the states of {layer._carried[0].shape[1]} sequences, got "
                f"batches of {size}; call model.reset_states() to begin anew"
            )
