"""Constructors that hand options on show all of them: to `help`, editors and type checkers."""

from __future__ import annotations

import inspect
import re

import pytest

import lstm_native as ln
from lstm_native.layers import _recurrent

KINDS = [ln.LSTM, ln.GRU, ln.RNN, ln.MinLSTM, ln.MinGRU]


def described(kind: type) -> set[str]:
    """The names in the section Parameters of a docstring."""
    section = re.search(r"Parameters\n-+\n(.*?)\n\n", inspect.getdoc(kind) + "\n\n", re.DOTALL)
    heads = re.findall(r"^(\S.*?)(?: : .*)?$", section[1], re.MULTILINE)
    return {name for head in heads for name in head.split(", ")}


@pytest.mark.parametrize("kind", KINDS)
def test_signature_and_docstring_tell_the_same_options(kind):
    parameters = inspect.signature(kind).parameters
    assert described(kind) == set(parameters)
    assert list(parameters)[-3:] == ["dtype", "seed", "name"]
    assert not any(one.kind is one.VAR_KEYWORD for one in parameters.values())


@pytest.mark.parametrize("kind", KINDS)
def test_the_defaults_in_the_signature_are_those_of_a_layer(kind):
    layer = kind(3)
    for name, parameter in inspect.signature(kind).parameters.items():
        if parameter.default is not parameter.empty and name != "seed":
            assert getattr(layer, name) == parameter.default, name


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (_recurrent.RecurrentOptions, _recurrent.Recurrent),
        (_recurrent.RecurringOptions, _recurrent.Recurring),
    ],
)
def test_type_checkers_know_the_options_that_are_handed_on(options, kind):
    shown = {
        name: parameter.annotation
        for name, parameter in inspect.signature(kind.__init__).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    typed = {name: hint.__forward_arg__ for name, hint in options.__annotations__.items()}
    assert typed == shown


def test_an_option_that_no_constructor_takes_is_named_with_the_class_that_was_called():
    with pytest.raises(TypeError, match=r"^GRU.__init__\(\) .*'peephole'"):
        ln.GRU(3, peephole=True)
    with pytest.raises(TypeError, match="did you mean 'reset_after'"):
        ln.GRU(3, reset_afterr=True)
    with pytest.raises(TypeError, match="did you mean 'checkpoint'"):
        ln.GRU(3, checkpoints=True)
