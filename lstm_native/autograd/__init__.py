"""Layers and losses inside of NumPy code that the package autograd differentiates.

`function` makes a layer a function of its parameters, its inputs and its states; `loss` and `ctc`
do the same for losses. Around them may stand whatever `autograd.numpy` knows. Needs the package:
pip install 'lstm_native[autograd]'.
"""

try:
    import autograd as _autograd  # noqa: F401 - the package of this name, not this one
except ImportError as error:
    raise ImportError(
        "lstm_native.autograd needs the package autograd: pip install 'lstm_native[autograd]'"
    ) from error

from lstm_native.autograd.functions import Function, function
from lstm_native.autograd.losses import ctc, loss

__all__ = ["Function", "ctc", "function", "loss"]
