"""One rule for attributes: what is assigned has effect, or is refused, with how it is done.

Private names are the object's own. Of the public ones, those that can take effect have a setter or
stand in `_assignable`; a constructor's options are set once, by the constructor; whatever else the
class does not know is refused, with the name that was perhaps meant. Subclasses outside the
package may have attributes of their own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])

_PACKAGE = __name__.partition(".")[0]
# For what would be quick to assign: set_plainly(self, "_name", value) asks no questions.
set_plainly = object.__setattr__


class NotYetError(RuntimeError, AttributeError):
    """What is asked for is there later, or not for this object.

    An AttributeError too, so that `hasattr`, `getattr` with a default, `inspect.getmembers` and
    mocks go on at a property that has no value yet.
    """


class Guarded:
    """Base of the classes that follow the rule."""

    __slots__ = ()
    #: Public names that may be assigned at any time, as they take effect.
    _assignable: ClassVar[frozenset[str]] = frozenset()
    #: What makes one, where that is not the class itself.
    _made_by: ClassVar[str] = ""
    # Whether the package's constructor is done. Never read through __dict__: an object whose
    # __dict__ was asked for is slower to read ever after.
    _made: bool = False

    if not TYPE_CHECKING:  # which shall go on to find names that do not exist

        def __setattr__(self, name: str, value: Any) -> None:
            """Assign what has effect, refuse the rest (AttributeError)."""
            if name[:1] == "_" or not self._made or _may_set(self, name, value):
                object.__setattr__(self, name, value)
            else:
                _refuse_to_set(self, name, value)

        def __delattr__(self, name: str) -> None:
            """Delete what is private, or was added by a subclass, or hides a method."""
            ours = name in _options(type(self)) or name in type(self)._assignable
            if name[:1] == "_" or (name in getattr(self, "__dict__", ()) and not ours):
                object.__delattr__(self, name)
            else:
                raise AttributeError(f"{type(self).__name__}.{name} cannot be deleted")

        def __dir__(self) -> list[str]:
            """Return what there is, without the names from elsewhere."""
            return [name for name in object.__dir__(self) if not _is_elsewhere(type(self), name)]

    def __init_subclass__(cls, **options: Any) -> None:
        """Let constructors of the package say what a wrong argument should have been."""
        super().__init_subclass__(**options)
        name_elsewhere(cls)
        if _of_package(cls) and "__init__" in cls.__dict__:
            cls.__init__ = constructor(cls.__init__)  # type: ignore[method-assign]


def constructor(init: _Function) -> _Function:
    """Let a constructor explain wrong arguments, and end the time of free assignments."""

    @functools.wraps(init)
    def construct(self: Any, *args: Any, **options: Any) -> None:
        try:
            init(self, *args, **options)
        except TypeError as error:
            _explain(error, init, (self, *args), options)
            raise
        kind: Any = type(self)
        if _outermost(kind) is construct:
            set_plainly(self, "_made", True)

    return construct  # type: ignore[return-value]


@functools.lru_cache(maxsize=256)
def _outermost(kind: Any) -> Any:
    """Return the constructor of the package that is done last."""
    return next(
        part.__dict__["__init__"]
        for part in kind.__mro__
        if _of_package(part) and "__init__" in part.__dict__
    )


class Elsewhere:
    """A name that other libraries have: reading it says what is used here (AttributeError).

    A `__getattr__` could say so too, but would slow the reading of every other attribute.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        kind = owner.__name__
        raise AttributeError(
            f"'{kind}' object has no attribute '{self.name}': {_hints().reading(owner, self.name)}"
        )

    def __repr__(self) -> str:
        """Return what `help` shows of the class."""
        return "<not here: see the error on reading it>"


def name_elsewhere(kind: Any) -> None:
    """Give a class the names that are asked of it by those who come from other libraries."""
    for name in ELSEWHERE.get(kind.__name__, "").split() if _of_package(kind) else ():
        if _of_class(kind, name)[0] is None:
            setattr(kind, name, Elsewhere(name))


#: By class. What is said of each stands in `_hints`.
ELSEWHERE = {
    "Layer": "weight weights kernel get_weights set_weights parameters named_parameters train eval "
    "to cuda cpu float double zero_grad requires_grad_ requires_grad units "
    "reset_states weight_ih_l0 weight_hh_l0 bias_ih_l0 bias_hh_l0 flatten_parameters",
    "Stack": "weights get_weights set_weights parameters named_parameters train eval to cuda cpu "
    "float double zero_grad requires_grad_ requires_grad name add pop compile metrics "
    "forward backward count_params reset_state state step save_weights load_weights to_json "
    "get_layer fit_generator predict_generator predict_classes "
    "score lr predict_proba to_onnx export flatten_parameters",
    "Scaler": "fit_transform mean_ scale_",
    "Optimizer": "step zero_grad apply_gradients minimize lr param_groups state_dict betas eps",
}


def hinted(function: _Function) -> _Function:
    """Let a function say more than Python does about arguments it does not have."""

    @functools.wraps(function)
    def checked(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except TypeError as error:
            _explain(error, function, args, options)
            raise

    return checked  # type: ignore[return-value]


def _explain(
    error: TypeError, function: Any, args: tuple[Any, ...], options: dict[str, Any]
) -> None:
    """Raise the error with the name of the class that was called, and a hint if there is one."""
    if error.__traceback__ is None or error.__traceback__.tb_next is not None:
        return  # raised by something inside
    # A constructor may hand on what its base does not know.
    kind: Any = type(args[0]) if args else None
    called = _outermost(kind) if function.__name__ == "__init__" else function
    hint = _hints().calling(called, args, options)
    told = _named(error, function, args)
    if hint or told != str(error):
        raise TypeError(told + (f"; {hint}" if hint else "")) from None


def _named(error: TypeError, function: Any, args: tuple[Any, ...]) -> str:
    """Return the message with the name of the class that was called, not of its base."""
    name = function.__qualname__
    if "." not in name:  # no method
        return str(error)
    return str(error).replace(name, f"{type(args[0]).__name__}.{function.__name__}")


def freeze(kinds: Iterable[type], refusal: Callable[[Any, str, Any], str]) -> None:
    """Let frozen dataclasses refuse a change with `refusal(self, name, value)` as the message."""
    from dataclasses import FrozenInstanceError

    def set_(self: Any, name: str, value: Any) -> None:
        if not _of_package(type(self)) and name not in self.__dataclass_fields__:
            set_plainly(self, name, value)  # a subclass's own
            return
        raise FrozenInstanceError(refusal(self, name, value))

    def delete(self: Any, name: str) -> None:
        raise FrozenInstanceError(f"{type(self).__name__}.{name} cannot be deleted")

    for kind in kinds:
        replaced: dict[str, Any] = {
            "__setattr__": set_,
            "__delattr__": delete,
            "__init__": hinted(kind.__dict__["__init__"]),
        }
        for name, function in replaced.items():
            setattr(kind, name, function)
        name_elsewhere(kind)


def _may_set(self: Any, name: str, value: Any) -> bool:
    kind: Any = type(self)
    rule = _rule(kind, name)
    # A method may be replaced, as tests do, by another function.
    return rule is _ALWAYS or (rule is _METHOD and callable(value))


_ALWAYS, _METHOD, _NEVER = "always", "method", "never"
# Not even in subclasses from elsewhere, where they would seem to do something.
_PROMISING = ("requires_grad", "learning_rate")


@functools.lru_cache(maxsize=4096)
def _rule(kind: Any, name: str) -> str:
    """When a public name may be assigned."""
    if name in kind._assignable:
        return _ALWAYS
    home, found = _of_class(kind, name)
    if isinstance(found, Elsewhere):
        home = None
    if home is not None and not _of_package(home):
        return _ALWAYS  # a subclass's own
    if isinstance(found, property):
        return _ALWAYS if found.fset is not None else _NEVER
    if name in _options(kind):
        return _NEVER
    if home is not None:
        return _METHOD if callable(found) else _NEVER
    promising = name in _PROMISING and _hint(kind, name)
    return _NEVER if _of_package(kind) or promising else _ALWAYS


def _refuse_to_set(self: Any, name: str, value: Any) -> NoReturn:
    kind: Any = type(self)
    label = kind.__name__
    hint = _hint(kind, name)
    options = _options(kind)
    if name in options:
        shown = f"{name}={_short(value)}"
        made = f"{shown}, ..." if name == options[0] else f"..., {shown}"
        raise AttributeError(
            f"{label}.{name} cannot be changed after construction: make a new one, "
            f"{kind._made_by or label}({made})" + (f"; {hint}" if hint else "")
        )
    home, found = _of_class(kind, name)
    known = home is not None and not isinstance(found, Elsewhere)
    if known or hasattr(self, name):
        raise AttributeError(f"{label}.{name} cannot be assigned" + (f": {hint}" if hint else ""))
    raise AttributeError(
        f"'{label}' object has no attribute '{name}', and assigning it would have no effect"
        + (f": {hint}" if hint else _nearest(self, name))
    )


def _hint(kind: type, name: str) -> str:
    hint: str = _hints().assigning(kind, name)
    return hint


def _hints() -> Any:
    from lstm_native._base import hints as found  # when something has failed, not before

    return found


@functools.lru_cache(maxsize=256)
def _options(kind: Any) -> tuple[str, ...]:
    """Return the options that the package's constructors of a class take, in order."""
    names: dict[str, None] = {}
    for part in kind.__mro__:
        init = part.__dict__.get("__init__")
        if init is not None and _of_package(part):
            code = getattr(init, "__wrapped__", init).__code__
            count = code.co_argcount + code.co_kwonlyargcount
            names.update(dict.fromkeys(code.co_varnames[1:count]))
    return tuple(names)


def _of_package(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == _PACKAGE


def _of_class(kind: type, name: str) -> tuple[type | None, Any]:
    """Return the class in which a name is defined, and what it is, descriptors as they are."""
    for part in kind.__mro__:
        if name in part.__dict__:
            return part, part.__dict__[name]
    return None, None


def _is_elsewhere(kind: type, name: str) -> bool:
    return isinstance(_of_class(kind, name)[1], Elsewhere)


def _nearest(self: Any, name: str) -> str:
    import difflib

    known = [known for known in dir(self) if not known.startswith("_")]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"; did you mean '{near[0]}'?" if near else ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else "..."
