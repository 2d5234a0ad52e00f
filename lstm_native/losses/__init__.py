"""What to minimise: losses by name or as objects.

The loss of a batch is the weighted mean over its rows (a row is one sample, or one step of one
sample when the output has a time axis).

Cross-entropies see how the network ends: where its last layer has a sigmoid (binary) or a softmax
(categorical), its outputs are probabilities, else logits. Both learn alike, to the last bit, since
the loss is computed from what stands before that function.
"""

from __future__ import annotations

from lstm_native.losses._base import Loss
from lstm_native.losses._classes import (
    BinaryCrossentropy,
    BinaryFocal,
    CategoricalCrossentropy,
    CategoricalFocal,
)
from lstm_native.losses._ctc import CTC
from lstm_native.losses._function import FunctionLoss
from lstm_native.losses._likelihoods import Gaussian, NegativeBinomial, Poisson, StudentT
from lstm_native.losses._mixture import GaussianMixture2D, UnitGaussianKL
from lstm_native.losses._names import NAMES, parse
from lstm_native.losses._values import (
    CosineSimilarity,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
    Quantile,
)

__all__ = [
    "CTC",
    "NAMES",
    "BinaryCrossentropy",
    "BinaryFocal",
    "CategoricalCrossentropy",
    "CategoricalFocal",
    "CosineSimilarity",
    "FunctionLoss",
    "Gaussian",
    "GaussianMixture2D",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "NegativeBinomial",
    "Poisson",
    "Quantile",
    "StudentT",
    "UnitGaussianKL",
    "parse",
]

# Pickles name the package, whatever file a class stands in.
for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__
del _name
