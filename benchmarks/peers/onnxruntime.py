"""ONNX Runtime: a model of one LSTM, GRU or RNN operator for each layer, on the CPU provider."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.grid import RAGGED, Cell, lengths, time_first
from benchmarks.peers.base import Call, Peer, only_lstm

_OPSET, _IR = 17, 9  # old enough for every release in use
# Gates, states and attributes of each operator. The GRU is the one PyTorch and Keras have.
_OPERATORS: dict[str, tuple[int, str, dict[str, Any]]] = {
    "lstm": (4, "hc", {}),
    "gru": (3, "h", {"linear_before_reset": 1}),
    "rnn": (1, "h", {}),
}


class OnnxRuntime(Peer):
    """Inference only."""

    name = "onnxruntime"
    label = "ONNX Runtime"
    module = "onnxruntime"
    needs = ("onnxruntime", "onnx")
    kinds = frozenset({"inference", "step", "import", "lengths-inference"})

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        import onnxruntime

        self.ort = onnxruntime

    @classmethod
    def held_to(cls, isa: str | None) -> str | None:
        """Return None: its kernels follow the processor, and no setting tells them otherwise."""
        return None

    def make(self, kind: str, cell: Cell) -> Call:
        """Return a run of the session from a zero state, or from where the last step ended."""
        if kind == "step":
            only_lstm(self, cell)
        options = self.ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        model = model_bytes(cell, with_lengths=kind in RAGGED)
        session = self.ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        feed: dict[str, Any] = {"x": time_first(cell)}
        if kind in RAGGED:
            feed["lengths"] = np.array(lengths(cell), np.int32)
        for name in _state_names(cell):
            feed[name] = np.zeros((1 + cell.bidirectional, cell.batch, cell.hidden), np.float32)
        if kind != "step":
            return lambda: session.run(None, feed)

        def step() -> None:
            _, feed["h0"], feed["c0"] = session.run(None, feed)

        return step


def _state_names(cell: Cell) -> list[str]:
    letters = _OPERATORS[cell.type][1]
    return [f"{name}{layer}" for layer in range(cell.layers) for name in letters]


def model_bytes(cell: Cell, *, with_lengths: bool = False) -> bytes:
    """Return the network of a cell, state in and out, as an exporter would write it."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    directions, hidden = 1 + cell.bidirectional, cell.hidden
    gates, letters, attributes = _OPERATORS[cell.type]
    rows = gates * hidden
    bound, state = hidden**-0.5, (directions, cell.batch, hidden)
    nodes: list[Any] = []
    weights: list[Any] = []
    outputs: list[Any] = []

    def value(name: str, *shape: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    flowing, features = "x", cell.features
    ends = "lengths" if with_lengths else ""  # "" is an input left out
    for k in range(cell.layers):
        shapes = {"W": (rows, features), "R": (rows, hidden), "B": (2 * rows,)}
        for name, shape in shapes.items():
            values = rng.uniform(-bound, bound, (directions, *shape)).astype(np.float32)
            weights.append(numpy_helper.from_array(values, f"{name}{k}"))
        nodes.append(
            helper.make_node(
                cell.type.upper(),
                [flowing, f"W{k}", f"R{k}", f"B{k}", ends, *(f"{name}{k}" for name in letters)],
                [f"y{k}", *(f"{name}_out{k}" for name in letters)],
                hidden_size=hidden,
                direction="bidirectional" if cell.bidirectional else "forward",
                **attributes,
            )
        )
        # (T, directions, N, H) to the (T, N, directions H) that the next layer reads
        if k + 1 < cell.layers or cell.bidirectional:
            merged = np.array([0, 0, directions * hidden], np.int64)
            weights.append(numpy_helper.from_array(merged, f"shape{k}"))
            nodes.append(
                helper.make_node("Transpose", [f"y{k}"], [f"turned{k}"], perm=[0, 2, 1, 3])
            )
            nodes.append(helper.make_node("Reshape", [f"turned{k}", f"shape{k}"], [f"merged{k}"]))
            flowing = f"merged{k}"
        else:
            flowing = f"y{k}"
        features = directions * hidden
        outputs += [value(f"{name}_out{k}", *state) for name in letters]
    last = (
        (cell.timesteps, cell.batch, features)
        if flowing.startswith("merged")
        else (cell.timesteps, directions, cell.batch, hidden)
    )
    inputs = [
        value("x", cell.timesteps, cell.batch, cell.features),
        *(value(name, *state) for name in _state_names(cell)),
    ]
    if with_lengths:
        inputs.append(helper.make_tensor_value_info(ends, TensorProto.INT32, (cell.batch,)))
    graph = helper.make_graph(
        nodes,
        cell.type,
        inputs,
        [value(flowing, *last), *outputs],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
    model.ir_version = _IR
    return bytes(model.SerializeToString())
