"""Attributes that are read or assigned elsewhere, and what is done here."""

from __future__ import annotations

from collections.abc import Mapping

from lstm_native._base.hints_words import FREEZING, NO_DEVICE, NO_MODES, OWN_LOOP, READ_WEIGHTS

_LAYER_NAMES: dict[str, str] = {
    **dict.fromkeys(
        ("weight", "weights", "kernel", "get_weights", "parameters", "named_parameters"),
        READ_WEIGHTS,
    ),
    "set_weights": READ_WEIGHTS,
    "units": "see layer.hidden_size",
    **dict.fromkeys(("train", "eval"), NO_MODES),
    **dict.fromkeys(("to", "cuda", "cpu"), NO_DEVICE),
    **dict.fromkeys(("float", "double"), "write dtype='float64' or 'float32' when it is made"),
    "zero_grad": "gradients are returned, not kept: " + OWN_LOOP,
    "requires_grad_": FREEZING,
    "requires_grad": FREEZING,
    "reset_states": "write layer.reset_state()",
    **dict.fromkeys(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), READ_WEIGHTS),
    "flatten_parameters": "there is nothing to do: leave it out",
}
_MODEL_NAMES: dict[str, str] = {
    **_LAYER_NAMES,
    "add": "layers are given at once: ln.Sequential([ln.LSTM(64), ln.Dense(1)])",
    "pop": "layers are given at once: ln.Sequential(model.layers[:-1])",
    "compile": "write fit(x, y, loss='mse', optimizer=ln.Adam(1e-3), metrics=['mae']), or set "
    "model.loss and model.optimizer",
    "metrics": "write fit(..., metrics=['mae']), and the same for evaluate",
    "forward": "write model.predict(x); to train by hand, layer by layer: " + OWN_LOOP,
    "backward": "to train by hand, layer by layer: " + OWN_LOOP,
    "count_params": "see model.parameter_count",
    "reset_state": "write model.reset_states()",
    "state": "see model.states",
    "step": "write stream = model.stream(); y = stream.step(x)",
    **dict.fromkeys(
        ("save_weights", "load_weights"), "write model.save(path) and ln.load_model(path)"
    ),
    "to_json": "write model.save(path)",
    "get_layer": "see model.layers",
    "fit_generator": "write model.fit(...)",
    "predict_generator": "write model.predict(...)",
    "predict_proba": "write model.predict(x, probabilities=True)",
    **dict.fromkeys(
        ("to_onnx", "export"),
        "it is not there yet; write model.save(path), or take the weights from state_dict()",
    ),
    "predict_classes": "write model.predict(x).argmax(axis=-1)",
    "score": "write model.evaluate(x, y)",
    "lr": "see model.learning_rate",
    "name": "see model.metadata",
}
_OPTIMIZER_NAMES: dict[str, str] = {
    **dict.fromkeys(
        ("step", "apply_gradients", "minimize"), "write optimizer.update(layer, grads)"
    ),
    "zero_grad": "gradients are returned by tape.backward, none are kept: leave it out",
    "lr": "see optimizer.learning_rate",
    "param_groups": "write optimizer.with_learning_rate(0.01), or read optimizer.learning_rate",
    "state_dict": "the state goes along when the optimizer is pickled or copied",
    "betas": "see optimizer.beta1 and optimizer.beta2",
    "eps": "see optimizer.epsilon",
}
NAMES: dict[str, Mapping[str, str]] = {
    "Layer": _LAYER_NAMES,
    "Stack": _MODEL_NAMES,
    "Optimizer": _OPTIMIZER_NAMES,
    "Scaler": {
        "fit_transform": "write scaler.fit(x).transform(x)",
        "mean_": "see scaler.offset",
        "scale_": "see scaler.scale",
    },
}
_SET_WEIGHTS = "write load_state_dict({name: array, ...})"
ASSIGNED: dict[str, Mapping[str, str]] = {
    "Layer": {
        "requires_grad": FREEZING,
        **dict.fromkeys(("weight", "weights", "kernel"), _SET_WEIGHTS),
        "training": NO_MODES,
        "units": "it follows from the options that the layer was made with",
        "learning_rate": "write layer.learning_rate_factor = 0.1, its share of model.learning_rate",
    },
    "Recurrent": {"units": "it is hidden_size, which is set when the layer is made"},
    "Stack": {
        "requires_grad": FREEZING,
        **dict.fromkeys(("weight", "weights"), _SET_WEIGHTS),
        "training": NO_MODES,
        "metrics": "write fit(..., metrics=[...]), and the same for evaluate",
        "lr": "write model.learning_rate = ...",
        "batch_size": "write fit(..., batch_size=...)",
        "epochs": "write fit(..., epochs=...)",
        "callbacks": "write fit(..., callbacks=[...])",
        "name": "write model.metadata['name'] = ...",
        "state": "write model.states = [...]",
        "parameter_count": "it follows from the layers",
    },
    "Scaler": dict.fromkeys(
        ("offset", "scale"), "they are learnt, write fit(x), or given, from_dict({...})"
    ),
}
