"""Trains with the installed wheel where only the baseline instruction set can run."""

import numpy as np

import lstm_native as ln

info = ln.build_info()
assert info["isas_available"] == ["generic"], info
assert set(info["isas_compiled"]) == {"avx512", "avx2", "generic"}, info

rng = np.random.default_rng(0)
x = rng.standard_normal((32, 12, 3), dtype=np.float32)
y = x.sum(axis=(1, 2), keepdims=False)[:, None]
model = ln.Sequential([ln.LSTM(16, return_sequences=False), ln.Dense(1)], seed=1)
history = model.fit(x, y, epochs=20, batch_size=8, verbose=False)
losses = history.history["loss"]
assert losses[-1] < losses[0], losses
print("generic:", losses[0], "->", losses[-1])
