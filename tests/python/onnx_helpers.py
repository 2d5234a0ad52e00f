"""Nodes of the package onnx: run here, and by ONNX Runtime. Decides nothing about truth."""

from __future__ import annotations

from typing import Any

import numpy as np

import lstm_native as ln

INPUTS = {
    "LSTM": ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"),
    "GRU": ("X", "W", "R", "B", "sequence_lens", "initial_h"),
    "RNN": ("X", "W", "R", "B", "sequence_lens", "initial_h"),
}
OUTPUTS = {"LSTM": ("Y", "Y_h", "Y_c"), "GRU": ("Y", "Y_h"), "RNN": ("Y", "Y_h")}
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def run_here(
    kind: str, inputs: dict[str, np.ndarray], attributes: dict[str, Any]
) -> dict[str, np.ndarray]:
    """The outputs by name, of this library."""
    outputs = getattr(ln.onnx_ops, kind.lower())(**inputs, **attributes)
    return dict(zip(OUTPUTS[kind], outputs, strict=True))


def node_attributes(node: Any) -> dict[str, Any]:
    """A node's attributes as Python has them."""
    from onnx.helper import get_attribute_value

    def plain(value: Any) -> Any:
        if isinstance(value, bytes):
            return value.decode()
        return [plain(v) for v in value] if isinstance(value, list) else value

    return {a.name: plain(get_attribute_value(a)) for a in node.attribute}


def run_by_runtime(
    kind: str, inputs: dict[str, np.ndarray], attributes: dict[str, Any]
) -> dict[str, np.ndarray]:
    """The same by ONNX Runtime, from a model with this node alone."""
    import onnx
    import onnxruntime

    names = [name if name in inputs else "" for name in INPUTS[kind]]
    hidden = inputs["R"].shape[-1]
    node = onnx.helper.make_node(kind, names, OUTPUTS[kind], hidden_size=hidden, **attributes)
    number = onnx.helper.np_dtype_to_tensor_dtype
    graph = onnx.helper.make_graph(
        [node],
        "cell",
        [
            onnx.helper.make_tensor_value_info(name, number(value.dtype), value.shape)
            for name, value in inputs.items()
        ],
        [
            onnx.helper.make_tensor_value_info(name, number(inputs["X"].dtype), None)
            for name in OUTPUTS[kind]
        ],
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 22)], ir_version=10
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return dict(zip(OUTPUTS[kind], session.run(None, inputs), strict=True))


def random_inputs(
    rng: np.random.Generator,
    kind: str,
    sizes: tuple[int, int, int, int],
    directions: int,
    *,
    dtype: Any = "float32",
    without: tuple[str, ...] = (),
) -> dict[str, np.ndarray]:
    """Every input of an operator but those `without`; sizes are T, N, F, H."""
    t, n, f, h = sizes
    rows = GATES[kind] * h
    shapes = {
        "X": (t, n, f),
        "W": (directions, rows, f),
        "R": (directions, rows, h),
        "B": (directions, 2 * rows),
        "initial_h": (directions, n, h),
        "initial_c": (directions, n, h),
        "P": (directions, 3 * h),
    }
    bound = 1.0 / np.sqrt(h)
    inputs = {}
    for name in INPUTS[kind]:
        if name in without:
            continue
        if name == "sequence_lens":
            inputs[name] = rng.integers(1, t + 1, n).astype("int32")
            continue
        values = rng.uniform(-1.0, 1.0, shapes[name])
        inputs[name] = (values if name == "X" else bound * values).astype(dtype)
    return inputs
