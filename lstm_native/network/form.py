"""How the inputs or outputs of a model are given and returned: one array, a list, or a dict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from lstm_native._base.shown import shown

Kind = Literal["one", "list", "dict"]


class Form:
    """The names of a model's inputs or outputs, and what they are put into.

    Parameters
    ----------
    names : sequence of str
    kind : {"one", "list", "dict"}
        What they were when the model was made; "one": a single symbol.
    what : {"input", "output"}
        For messages.
    named : bool
        Whether a dict by name is taken; Sequential's have no names.
    """

    __slots__ = ("kind", "named", "names", "what")

    def __init__(self, names: Sequence[str], kind: Kind, what: str, *, named: bool = True) -> None:
        self.names = tuple(names)
        self.kind = kind
        self.what = what
        self.named = named

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.names)

    @property
    def single(self) -> bool:
        """Whether there is one, which is given and returned as it is."""
        return self.kind == "one"

    def part(self, numbers: Sequence[int]) -> Form:
        """Return the form of some of them, in order; one alone is given as it is."""
        names = [self.names[i] for i in numbers]
        kind: Kind = "one" if len(names) == 1 and self.kind != "dict" else self.kind
        return Form(names, kind, self.what, named=self.named)

    def label(self, name: str, index: int) -> str:
        """Return what to call an argument's entry in messages: "x", or "x['a']"."""
        return name if self.single else f"{name}[{self.names[index]!r}]"

    def entries(self, given: Any, name: str, *, optional: bool = False) -> list[Any]:
        """Return one entry for each, from what was given as the argument `name`.

        optional : whether entries may be missing: None then.
        """
        if given is None and optional:
            return [None] * len(self)
        if self.named and isinstance(given, Mapping):
            return self._of_dict(given, name, optional=optional)
        if self.single:
            return [given]
        if isinstance(given, (list, tuple)):
            if len(given) != len(self):
                raise ValueError(f"{name}: expected {self._wanted()}, got {len(given)}")
            return list(given)
        if len(self) == 1:
            return [given]
        raise TypeError(f"{name}: expected {self._wanted()}, got {_described(given)}")

    def _of_dict(self, given: Mapping[Any, Any], name: str, *, optional: bool) -> list[Any]:
        unknown = [key for key in given if key not in self.names]
        missing = [] if optional else [key for key in self.names if key not in given]
        if unknown or missing:
            told = [f"no entry for {', '.join(map(repr, missing))}"] * bool(missing)
            told += [f"unknown {', '.join(map(shown, unknown))}"] * bool(unknown)
            raise ValueError(
                f"{name}: expected a dict with {', '.join(map(repr, self.names))}, the names of "
                f"the {self.what}s; {'; '.join(told)}"
            )
        return [given.get(key) for key in self.names]

    def joined(self, values: Sequence[Any]) -> Any:
        """Return values, one for each, in the form they were given in."""
        if self.kind == "one":
            return values[0]
        if self.kind == "dict":
            return dict(zip(self.names, values, strict=True))
        return list(values)

    def _wanted(self) -> str:
        return (
            f"a list of {len(self)}, one for each {self.what}, or a dict with "
            f"{', '.join(map(repr, self.names))}"
        )


def _described(given: Any) -> str:
    shape = getattr(given, "shape", None)
    return type(given).__name__ + ("" if shape is None else f" of shape {tuple(shape)}")
