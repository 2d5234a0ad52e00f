"""How a layer gets its weights: when the number of its input features is known."""

from __future__ import annotations

import json
import os
from _thread import RLock  # as threading has it, which takes longer to import
from collections.abc import Sequence
from typing import Any

from lstm_native._base.attributes import NotYetError, set_plainly
from lstm_native._base.checks import check_int
from lstm_native._base.inputs import Checked, check_first_values, check_input, output_shape_for
from lstm_native._base.native import native_class
from lstm_native.layers._specs import input_sizes
from lstm_native.layers.symbols import Port

_MAX_SEED = 2**64 - 1
# Held while something gets its weights from an input: a refused one takes back what it made, and
# may not take back what another thread has made meanwhile.
BUILDING = RLock()


def check_seed(seed: int | None) -> int:
    """Return the seed, or a new one that nobody can foresee."""
    if seed is None:
        return int.from_bytes(os.urandom(8), "little")
    return check_int(seed, name="seed", minimum=0, maximum=_MAX_SEED)


class Building:
    """The part of a layer that makes its native layer, once, for the input it gets."""

    dtype: str
    _native: Any
    _seed: int | None

    def _spec(self) -> dict[str, Any]:
        """Return the layer as the core and model files describe it."""
        raise NotImplementedError

    @property
    def _known_input_size(self) -> int | None:
        """Input features, where the layer knows them before any input. Tokens have 0."""
        return None

    @property
    def built(self) -> bool:
        """Whether the layer has its weights."""
        return self._native is not None

    def _check_size(self, input_size: int | Sequence[int]) -> None:
        """Refuse another number of input features than what is known of them."""
        known = self._known_input_size
        if known and known != input_size:
            raise ValueError(
                f"{self!r}: expected {known} input features (input_size), got {input_size}"
            )
        if self.built:
            built: Any = input_sizes(self._native)
            if built != input_size:
                raise ValueError(
                    f"{self!r}: was built for {built} input features, got {input_size}"
                )

    def _ports(self, features: Sequence[int]) -> tuple[list[Port], list[Port]]:
        """Return the ports of what enters and of what leaves, for inputs of so many features."""
        size = features[0] if len(features) == 1 else list(features)
        self._check_size(size)
        native = self._native
        if native is None:
            native = native_class("Layer", "float32")(json.dumps(self._spec()), size, None)
        return [Port(*port) for port in native.inputs], [Port(*port) for port in native.outputs]

    def _build(self, input_size: int | Sequence[int], *, dtype: str, seed: int) -> None:
        """Make the weights; of a layer of several inputs `input_size` has one size for each."""
        self._check_size(input_size)
        if self.built:
            if self.dtype != dtype:
                raise ValueError(f"{self!r}: was built for {self.dtype}, got {dtype}")
            return
        own = self._seed if self._seed is not None else seed
        native = native_class("Layer", dtype)(json.dumps(self._spec()), input_size, own)
        if self.built:  # by another thread, meanwhile
            return self._build(input_size, dtype=dtype, seed=seed)
        self._set_building((native, dtype, own))

    def _state_of_building(self) -> tuple[Any, str, int | None]:
        """Return what `_build` changes, for `_set_building`."""
        return self._native, self.dtype, self._seed

    def _set_building(self, state: tuple[Any, str, int | None]) -> None:
        self._native, dtype, self._seed = state
        set_plainly(self, "dtype", dtype)

    def _built_native(self) -> Any:
        if not self.built:
            if self._known_input_size is None:
                raise NotYetError(
                    f"{self!r} has no weights yet: give input_size, or call it on an input first"
                )
            self._build(self._known_input_size, dtype=self.dtype, seed=check_seed(self._seed))
        return self._native

    def _check_input(self, x: Any, lengths: Any, mask: Any) -> Checked:
        """Return the input and its steps; a layer that has no weights yet gets them here."""
        holes, known = None, self.built or self._known_input_size is not None
        if not self.built:
            size = self._known_input_size
            if size != 0:  # not tokens
                x, lengths, holes = check_first_values(x, self.dtype, lengths, mask)
                mask = None
                size = x.shape[-1]
            self._build(size, dtype=self.dtype, seed=check_seed(self._seed))
        checked, ends, found = check_input(x, self._native, self.dtype, lengths, mask)
        if checked.ndim < 3:
            output_shape_for(self._native, checked, known=known)  # or says what has no time axis
        return checked, ends, holes or found
