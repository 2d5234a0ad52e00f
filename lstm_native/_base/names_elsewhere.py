"""Names that other libraries have in their module: what is used here instead."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from lstm_native._base.hints_words import NO_DEVICE

_NOT_YET = "it is not there yet"
_SEQUENCES = (
    "give fit and predict the list of sequences itself, or lengths= or mask= beside a padded array"
)
# Of the module itself.
_MODULE: dict[str, str] = {
    "TimeDistributed": "Dense acts on each step by itself: write Dense(units)",
    "InputLayer": "write Input(features=3), or LSTM(64, input_size=3) in a Sequential",
    **dict.fromkeys(
        ("Concatenate", "concatenate", "cat"), "write concat([a, b]), or Concat()([a, b])"
    ),
    **dict.fromkeys(("RepeatVector", "repeat"), "write Repeat(steps)"),
    **dict.fromkeys(
        ("GlobalMaxPooling1D", "GlobalAveragePooling1D"), "write MaxPool(), MeanPool()"
    ),
    **dict.fromkeys(("MaxPooling1D", "AveragePooling1D"), "write MaxPool1D(2), MeanPool1D(2)"),
    "Linear": "write Dense(units, input_size=...)",
    **dict.fromkeys(
        ("pad_sequences", "pad_sequence", "pack_padded_sequence", "pad_packed_sequence"),
        _SEQUENCES,
    ),
    "pack_sequence": _SEQUENCES,
    "load": "write load_model(path)",
    **dict.fromkeys(("save", "save_model"), "write model.save(path)"),
    "SimpleRNN": "write RNN(64)",
    **dict.fromkeys(
        ("LSTMCell", "GRUCell", "RNNCell"),
        "write stream = model.stream(), which takes one step at a time",
    ),
    "ConvLSTM2D": "write ConvLSTM(...)",
    **dict.fromkeys(("LayerNormalization",), "write LayerNorm()"),
    **dict.fromkeys(
        ("ReLU", "Softmax", "Sigmoid", "Tanh"),
        "write Activation('relu'), 'softmax', 'sigmoid' or 'tanh'",
    ),
    **dict.fromkeys(
        (
            "Conv2D",
            "Conv2d",
            "Attention",
            "MultiHeadAttention",
            "MultiheadAttention",
            "Transformer",
        ),
        _NOT_YET,
    ),
    "Conv1d": "write Conv1D(filters, kernel_size)",
    **dict.fromkeys(("BatchNormalization", "BatchNorm1d"), "write BatchNorm()"),
    **dict.fromkeys(
        ("Module", "Functional"), "write Sequential([...]), or Model(inputs, outputs) of symbols"
    ),
    **dict.fromkeys(
        ("nn", "keras"), "layers stand in lstm_native itself: ln.LSTM(64), ln.Dense(1)"
    ),
    "optim": "optimizers stand in lstm_native itself: ln.Adam(1e-3)",
    **dict.fromkeys(
        ("Tensor", "tensor", "from_numpy"),
        "arrays are those of NumPy: write np.asarray(x, dtype='float32')",
    ),
    **dict.fromkeys(
        ("no_grad", "inference_mode"), "gradients are made by layer.forward alone: leave it out"
    ),
    **dict.fromkeys(
        ("manual_seed", "set_random_seed", "set_seed"),
        "write seed=0 where a model or layer is made, and in fit",
    ),
    "Nadam": "write NAdam()",
    **dict.fromkeys(
        ("AveragedModel", "SwapEMAWeights", "ExponentialMovingAverage"),
        "write fit(..., callbacks=[ln.EMA(0.999)]) or ln.SWA(start=10)",
    ),
    "cuda": NO_DEVICE,
    "device": NO_DEVICE,
    "CrossEntropyLoss": "write fit(..., loss='categorical_crossentropy')",
    "SparseCategoricalCrossentropy": "write CategoricalCrossentropy(), which takes labels too",
    **dict.fromkeys(("BCELoss", "BCEWithLogitsLoss"), "write fit(..., loss='binary_crossentropy')"),
    "MSELoss": "write fit(..., loss='mse')",
    "L1Loss": "write fit(..., loss='mae')",
    **dict.fromkeys(
        ("DataLoader", "Dataset", "TensorDataset"),
        "fit takes arrays, generators and PyTorch's DataLoader as they are",
    ),
}


def of_module(name: str, known: Sequence[str]) -> str:
    """Return what to say about a name that the package does not have."""
    if name in _MODULE:
        return f": {_MODULE[name]}"
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"; did you mean '{near[0]}'?" if near else ""
