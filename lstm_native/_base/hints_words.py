"""What several hints say."""

from __future__ import annotations

FREEZING = "freezing is an attribute: write layer.trainable = False"
NO_DEVICE = "everything runs on the CPU: leave it out"
READ_WEIGHTS = "weights are read with state_dict() and set with load_state_dict(d)"
NO_MODES = "there are no modes: fit and forward drop out, predict and a call do not"
OWN_LOOP = (
    "y, state, tape = layer.forward(x); dx, dstate, grads = tape.backward(dy); "
    "optimizer.update(layer, grads)"
)
