"""What a model is given: each input checked, as an array or as sequences in a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lstm_native._base.arrays import as_array, sequences_of
from lstm_native._base.lengths import Holes, Lengths
from lstm_native._base.values import as_tokens, as_values
from lstm_native.network.step_inputs import step_inputs
from lstm_native.training._columns import Input, Sequences, in_one, one_step, starts_of

if TYPE_CHECKING:
    from lstm_native.network.stack import Stack


@dataclass(frozen=True)
class Inputs:
    """All inputs, ready for the core.

    closed : for each input the holes of the mask by which it was closed.
    holes : for each output those of the mask by which the sequences were closed whose steps it
        has; empty: none were.
    """

    columns: tuple[Input, ...]
    closed: tuple[Holes | None, ...]
    holes: tuple[Holes | None, ...] = ()

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.columns[0].values)

    @property
    def ragged(self) -> bool:
        """Whether some are sequences in lists."""
        return any(isinstance(one.values, Sequences) for one in self.columns)

    def holes_of(self, output: int) -> Holes | None:
        """Return the holes that an output has."""
        return self.holes[output] if self.holes else None

    def steps(self) -> list[int]:
        """Return the steps of each input; 0: no time axis."""
        return [_steps(one) for one in self.columns]

    def output_ends(self, model: Stack) -> tuple[list[int], list[Lengths]]:
        """Return steps and lengths of each output."""
        steps = self.steps()
        ends = [None if one.lengths is None else one.lengths for one in self.columns]
        found: tuple[list[int], list[Lengths]] = model._network.output_steps(len(self), steps, ends)
        return found


def _steps(one: Input) -> int:
    if isinstance(one.values, Sequences):
        assert one.lengths is not None
        return max(int(one.lengths.max()), 1)
    return one.values.shape[1] if one.values.ndim > one_step(one.values) else 0


def is_ragged(x: Sequence[Any], model: Stack) -> bool:
    """Whether an input is a list of sequences."""
    return any(sequences_in(one, model, i) is not None for i, one in enumerate(x))


def sequences_in(x: Any, model: Stack, index: int = 0) -> list[NDArray[Any]] | None:
    """Return the arrays of a list of sequences, or None where `x` is one array of them."""
    ndim = 1 if model._takes_tokens(index) else 2
    return sequences_of(x, ndim=ndim, name="x")


def check_inputs(
    model: Stack, x: Sequence[Any], lengths: Sequence[Any], masks: Sequence[Any]
) -> Inputs:
    """Return all inputs ready for the core, or say what does not fit."""
    columns: list[Input] = []
    found: list[Holes | None] = []
    for index, one in enumerate(x):
        try:
            sequences = sequences_in(one, model, index)
            if sequences is not None:
                refuse_lengths(lengths=lengths[index], mask=masks[index])
                values = _check_sequences(model, sequences, index)
                columns.append(Input(values, values.lengths))
                found.append(None)
            else:
                array, ends, holes = model._check_entry(index, one, lengths[index], masks[index])
                columns.append(Input(array, ends))
                found.append(holes)
        except (TypeError, ValueError) as error:
            raise model._at_input(error, index) from None
        samples, first = len(columns[-1].values), len(columns[0].values)
        if samples != first:
            names = model._form_in.names
            raise ValueError(
                f"input '{names[index]}': expected {first} samples, as input '{names[0]}' has, "
                f"got {samples}"
            )
    return Inputs(tuple(columns), tuple(found), _holes_of_outputs(model, columns, found))


def _holes_of_outputs(
    model: Stack, columns: list[Input], found: list[Holes | None]
) -> tuple[Holes | None, ...]:
    """Return the holes of each output: those of the inputs whose steps it has."""
    if all(one is None for one in found):
        return ()
    pairs = zip(columns, found, strict=True)
    steps = [_steps(one) if holes is None else holes.mask.shape[1] for one, holes in pairs]
    of_outputs, meeting = step_inputs(model._network, steps)
    for some in meeting:
        _holes_of_all([found[i] for i in sorted(some)])
    return tuple(_holes_of_all([found[i] for i in sorted(some)]) for some in of_outputs)


def _holes_of_all(found: list[Holes | None]) -> Holes | None:
    """Return the only holes; inputs whose steps meet must have the same."""
    holes = next((one for one in found if one is not None), None)
    for one in found:
        if holes is not None and (one is None or not np.array_equal(one.mask, holes.mask)):
            raise ValueError(
                "mask: has holes (steps that are skipped between others), which inputs whose steps "
                "meet must have alike; take the steps out of x and give lengths"
            )
    return holes


def _check_sequences(model: Stack, x: Sequence[NDArray[Any]], index: int) -> Sequences:
    """Return sequences ready for the core; a model that is not built gets its weights here."""
    if not model.built:
        # An empty list says nothing of its features.
        features = next((part.shape[-1] for part in x if part.ndim == 2 and part.shape[-1]), 0)
        if not features:
            raise ValueError(
                f"x: all {len(x)} sequences are empty, and the number of features is not known: "
                "give input_size to the first layer"
            )
        _values_of(x, 0, features, model.dtype)
        model._check_entry(index, np.zeros((1, 1, features), dtype=model.dtype), None, None)
    wanted = model._entering(index)
    values = _values_of(x, wanted.vocabulary, wanted.features, model.dtype)
    return Sequences(values, starts_of([len(part) for part in x]))


def _values_of(
    x: Sequence[NDArray[Any]], vocabulary: int, features: int, dtype: str
) -> NDArray[Any]:
    """Return all steps, one sequence behind the other."""
    together = in_one([part for part in x if len(part)])
    if together is not None:
        try:
            return _check_sequence(together, "x", vocabulary, features, dtype)
        except (TypeError, ValueError):
            pass  # the slower way says which
    return np.concatenate(
        [_check_sequence(part, f"x[{i}]", vocabulary, features, dtype) for i, part in enumerate(x)]
    )


def _check_sequence(
    part: NDArray[Any], name: str, vocabulary: int, features: int, dtype: str
) -> NDArray[Any]:
    if len(part) == 0:  # a sequence may be empty
        return np.zeros((0,) if vocabulary else (0, features), np.int64 if vocabulary else dtype)
    if vocabulary:
        return as_tokens(part, name=name, vocabulary=vocabulary, ndim=1)
    return as_values(part, name=name, dtype=dtype, ndim=2, features=features)


def refuse_lengths(**given: Any) -> None:
    """Refuse lengths or a mask beside a list of sequences."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{name}: x is a list of sequences, which have their own lengths")


def masks_of_samples(masks: Any, model: Stack) -> tuple[NDArray[np.bool_] | None, list[Any]]:
    """Return which samples count, (N,), and the masks of steps, one for each input."""
    from lstm_native._base.lengths import check_is_mask

    form = model._form_in
    in_lists = not form.single and isinstance(masks, (list, tuple, dict))
    if masks is None or in_lists:
        return None, form.entries(masks, "mask", optional=True)
    found = as_array(masks, name="mask")
    check_is_mask(found)
    if found.ndim not in (1, 2):
        raise ValueError(
            f"mask: expected shape (samples,) or (samples, timesteps), got {found.shape}"
        )
    if found.ndim == 1:
        return found, [None] * len(form)
    return None, form.entries(found, "mask", optional=True)
