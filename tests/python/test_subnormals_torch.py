"""PyTorch's `set_flush_denormal` sets this thread's processor: it changes no bit of ours, nor do we
change what it has set."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import lstm_native as ln

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Flushing off again afterwards."""
    yield
    torch.set_flush_denormal(False)


def flushes() -> bool:
    """Whether this thread takes subnormal numbers for zeros."""
    return float(np.finfo(np.float64).tiny) / 2 == 0


def everything(dtype: str) -> list[np.ndarray]:
    """Results of every kind of call, on numbers of which many are subnormal on the way."""
    rng = np.random.default_rng(0)
    x = np.array([0, 1, -2, 3] * 60, dtype=dtype).reshape(4, 20, 3)
    x[:, 5:] = 0
    y = rng.normal(size=(4, 1)).astype(dtype)
    model = ln.Sequential(
        [ln.LSTM(17, input_size=3, dtype=dtype, return_sequences=False), ln.Dense(1, dtype=dtype)],
        seed=0,
    )
    scale = 1e-30 if dtype == "float32" else 1e-300
    model.load_state_dict({k: v * np.asarray(scale, dtype) for k, v in model.state_dict().items()})
    stream = model.stream()
    found = [model.predict(x), *(stream.step(x[:1, t]).copy() for t in range(20))]
    layer = ln.LSTM(17, input_size=3, dtype=dtype, seed=0)
    out, _, tape = layer.forward(x)
    dx, _, gradients = tape.backward(np.full(out.shape, scale * 1e-6, dtype))
    model.fit(x, y, epochs=2, seed=0)
    return [*found, out, dx, *gradients.values(), *model.state_dict().values()]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_flushing_in_torch_changes_no_bit(dtype):
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot")
    assert flushes()
    with_flushing = everything(dtype)
    assert flushes()
    torch.set_flush_denormal(False)
    without = everything(dtype)
    assert not flushes()
    for one, other in zip(with_flushing, without, strict=True):
        assert one.tobytes() == other.tobytes()
