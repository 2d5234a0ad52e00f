"""Files that PyTorch and the ONNX package write, given to load_model."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import lstm_native as ln  # noqa: E402


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_pytorch_files_are_named_and_the_advice_works(tmp_path, zipped, whole):
    module = torch.nn.LSTM(3, 4, batch_first=True)
    path = tmp_path / "model.pt"
    torch.save(
        module if whole else module.state_dict(), path, _use_new_zipfile_serialization=zipped
    )
    with pytest.raises(ValueError, match=r"it looks like a PyTorch file.*torch\.load\(path"):
        ln.load_model(path)
    if whole:
        return
    layer = ln.LSTM(4, input_size=3)
    loaded = torch.load(path, map_location="cpu")
    layer.load_state_dict({name: value.numpy() for name, value in loaded.items()})
    x = np.random.default_rng(0).standard_normal((2, 5, 3)).astype("float32")
    expected = module(torch.from_numpy(x))[0].detach().numpy()
    np.testing.assert_allclose(layer(x)[0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_torchscript_is_named(tmp_path):
    torch.jit.trace(torch.nn.Linear(3, 1), torch.zeros(1, 3)).save(str(tmp_path / "model.pt"))
    with pytest.raises(ValueError, match="it looks like a PyTorch file"):
        ln.load_model(tmp_path / "model.pt")


def test_onnx_models_are_named(tmp_path):
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [node],
        "graph",
        [onnx.helper.make_tensor_value_info("x", kind, [1])],
        [onnx.helper.make_tensor_value_info("y", kind, [1])],
    )
    for options in ({}, {"producer_name": "pytorch"}, {"ir_version": 8}):
        onnx.save(onnx.helper.make_model(graph, **options), tmp_path / "model.onnx")
        with pytest.raises(ValueError, match="it looks like an ONNX model"):
            ln.load_model(tmp_path / "model.onnx")
