"""What people type who come from Keras or PyTorch, and what is written here instead.

Read only when something has failed: see `attributes`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from lstm_native._base.shown import shown

Hint = str | Callable[[Any], str]
"""A text, in which {kind} and {value} are replaced, or a function of the value."""

_FREEZING = "freezing weights is not there yet: fit trains all of them"
NO_DEVICE = "everything runs on the CPU: leave it out"
_LEAVE = "there is no such choice here: leave it out"
_NO_NAME = "layers have no names, weights are named by position ('0.weight'): leave it out"
_INITIAL = "initial weights follow from seed; set others with load_state_dict"
_PENALTY = "weights are penalised by the optimizer: ln.AdamW(weight_decay=...)"
_UNCONSTRAINED = "weights are not constrained: limit gradients with the optimizer's clip_norm"
_BATCH_FIRST = "arrays are always (N, T, F), as with batch_first=True: leave it out"
_READ_WEIGHTS = "weights are read with state_dict() and set with load_state_dict(d)"
_NO_MODES = "there are no modes: fit and forward drop out, predict and a call do not"
OWN_LOOP = (
    "y, state, tape = layer.forward(x); dx, dstate, grads = tape.backward(dy); "
    "optimizer.update(layer, grads)"
)


def _last_of(value: Any) -> str:
    size = value[-1] if isinstance(value, (tuple, list)) and value else value
    return f"write input_size={size}, the features of a step"


_EVERY_LAYER: dict[str, Hint] = {
    "input_shape": _last_of,
    "batch_input_shape": _last_of,
    "batch_shape": _last_of,
    "shape": _last_of,
    "input_dim": "write input_size={value}",
    "in_features": "write input_size={value}",
    "input_features": "write input_size={value}",
    "input_length": "any number of steps fits: leave it out",
    "name": _NO_NAME,
    "device": NO_DEVICE,
    "trainable": _FREEZING,
    "requires_grad": _FREEZING,
    "kernel_initializer": _INITIAL,
    "recurrent_initializer": _INITIAL,
    "bias_initializer": _INITIAL,
    "embeddings_initializer": _INITIAL,
    "weights": _INITIAL,
    "kernel_regularizer": _PENALTY,
    "recurrent_regularizer": _PENALTY,
    "bias_regularizer": _PENALTY,
    "embeddings_regularizer": _PENALTY,
    "activity_regularizer": "put an ActivityRegularization layer behind this one",
    "kernel_constraint": _UNCONSTRAINED,
    "recurrent_constraint": _UNCONSTRAINED,
    "inplace": _LEAVE,
}
_RECURRENT: dict[str, Hint] = {
    **dict.fromkeys(
        (
            "units",
            "hidden_dim",
            "hidden",
            "hidden_units",
            "num_units",
            "n_hidden",
            "hidden_features",
        ),
        "write {kind}({value}): hidden_size",
    ),
    **dict.fromkeys(("n_layers", "layers", "depth"), "write num_layers={value}"),
    "batch_first": _BATCH_FIRST,
    "time_major": _BATCH_FIRST,
    "activation": "write cell_activation={value}, output_activation={value}",
    "recurrent_activation": "write gate_activation={value}",
    "use_bias": "write bias={value}",
    "return_state": "a call returns both, y, state = layer(x): leave it out",
    "go_backwards": "write reverse={value}; the output then stands in the order of the input",
    "unit_forget_bias": lambda value: f"write forget_bias={1.0 if value else 0.0}",
    "nonlinearity": "write ln.RNN(..., activation={value})",
    "unroll": _LEAVE,
    "implementation": _LEAVE,
    "use_cudnn": _LEAVE,
    "reset_after": "ln.GRU has it",
}
_DENSE: dict[str, Hint] = {
    "out_features": "write Dense({value}): units",
    "output_dim": "write Dense({value}): units",
    "hidden_size": "write Dense({value}): units",
    "bias": "write use_bias={value}",
}
_PADDING = "padding is said where data is given: lengths= or mask= of fit, predict or a call"
_VOCABULARY = "write vocabulary={value}"
_VECTOR = "write features={value}"
_EMBEDDING: dict[str, Hint] = {
    "input_dim": _VOCABULARY,
    "num_embeddings": _VOCABULARY,
    "vocab_size": _VOCABULARY,
    "output_dim": _VECTOR,
    "embedding_dim": _VECTOR,
    "mask_zero": _PADDING,
    "padding_idx": _PADDING,
}
_NORM: dict[str, Hint] = {
    "eps": "write epsilon={value}",
    "normalized_shape": "the size is taken from the input: write LayerNorm()",
    "axis": "the last axis is normalised: leave it out",
}
_SCHEDULES = "rates that fall are callbacks: ln.LearningRateScheduler(ln.exponential_decay(...))"
_GIVEN_LATER = (
    "parameters come with each step: make optimizer = ln.{kind}(0.01) once, before the loop, and "
    "in it optimizer.update(layer, grads)"
)
_OPTIMIZER: dict[str, Hint] = {
    "lr": "write learning_rate={value}",
    "rate": "write learning_rate={value}",
    "betas": lambda value: (
        f"write beta1={value[0]}, beta2={value[1]}"
        if isinstance(value, (tuple, list)) and len(value) == 2
        else "write beta1=..., beta2=..."
    ),
    "beta_1": "write beta1={value}",
    "beta_2": "write beta2={value}",
    "eps": "write epsilon={value}",
    "alpha": "write rho={value}",
    "clipnorm": "write clip_norm={value}",
    "global_clipnorm": "write clip_norm={value}",
    "max_norm": "write clip_norm={value}",
    "clipvalue": "write clip_value={value}",
    "decay": _SCHEDULES,
    "lr_decay": _SCHEDULES,
    "params": _GIVEN_LATER,
    "parameters": _GIVEN_LATER,
    "dampening": _LEAVE,
    "amsgrad": _LEAVE,
    "centered": _LEAVE,
    "maximize": "turn the sign of the loss",
}
_RATE_IN_FIT = "write optimizer=ln.Adam({value})"
_FIT: dict[str, Hint] = {
    "learning_rate": _RATE_IN_FIT,
    "lr": _RATE_IN_FIT,
    "nb_epoch": "write epochs={value}",
    "n_epochs": "write epochs={value}",
    "num_epochs": "write epochs={value}",
    "criterion": "write loss={value}",
    "loss_fn": "write loss={value}",
    "validation_batch_size": "validation chooses its own: leave it out",
    "workers": _LEAVE,
    "use_multiprocessing": _LEAVE,
    "max_queue_size": _LEAVE,
}
_EVALUATE: dict[str, Hint] = {
    "verbose": "it prints nothing: leave it out",
    "callbacks": _LEAVE,
    "return_dict": "a dict is returned always: leave it out",
    "class_weight": "it counts in training alone; give the weight of each row as sample_weight",
    "probabilities": "the loss knows what the outputs are: leave it out",
}
_STATES = "set model.states, of layers with stateful=True; or call a layer, layer(x, state=...)"
_PREDICT: dict[str, Hint] = {
    "verbose": "predict shows nothing: leave it out",
    "callbacks": _LEAVE,
    "initial_state": _STATES,
    "state": _STATES,
    "states": _STATES,
    "training": _NO_MODES,
    "return_state": "see model.states, of layers with stateful=True",
    "proba": "write probabilities={value}",
    "return_proba": "write probabilities={value}",
}
_ONE_BATCH = "all samples given are one batch: leave it out"
_ON_BATCH: dict[str, Hint] = {
    "return_dict": "a dict is returned always: leave it out",
    "reset_metrics": "metrics are of this batch alone: leave it out",
    "learning_rate": _RATE_IN_FIT,
    "lr": _RATE_IN_FIT,
    "criterion": "write loss={value}",
    "loss_fn": "write loss={value}",
    "epochs": "it is one update: write a loop, or fit",
    "validation_data": "write test_on_batch or evaluate",
    "callbacks": "fit calls them, this is one update: leave it out",
    "batch_size": _ONE_BATCH,
    "verbose": "it prints nothing: leave it out",
    "probabilities": "write predict(x, probabilities={value})",
}
_CALLBACK: dict[str, Hint] = {
    "verbose": "callbacks say nothing themselves: leave it out",
    "filepath": "write path={value}",
    "filename": "write path={value}",
    "save_weights_only": "the file always holds the whole model: leave it out",
    "start_from_epoch": "it is not there yet: write patience={value} or more, or train that long "
    "in a fit without this callback first",
    "save_freq": "a file is written after each epoch: leave it out",
    "separator": _LEAVE,
    "min_learning_rate": "write min_lr={value}",
}

# By class or method: what its arguments are called elsewhere.
_CALLS: dict[str, Mapping[str, Hint]] = {
    "Recurrent": _RECURRENT,
    "GRU": {"activation": "write candidate_activation={value}"},
    "Dense": _DENSE,
    "Embedding": _EMBEDDING,
    "Dropout": {"p": "write Dropout({value})", "noise_shape": _LEAVE},
    "LayerNorm": _NORM,
    "Layer": _EVERY_LAYER,
    "Optimizer": _OPTIMIZER,
    "Sequential": {"name": "write metadata: model.metadata['name'] = {value}"},
    "Callback": _CALLBACK,
    "fit": _FIT,
    "evaluate": _EVALUATE,
    "predict": _PREDICT,
    "train_on_batch": _ON_BATCH,
    "test_on_batch": _ON_BATCH,
    "predict_on_batch": {**_PREDICT, **_ON_BATCH},
    "windows": {
        **dict.fromkeys(("target", "target_column", "column", "columns"), "write targets={value}"),
        **dict.fromkeys(("lookback", "window", "window_size", "steps"), "write timesteps={value}"),
    },
}


def _recurrent_positions(kind: str, given: tuple[Any, ...]) -> str:
    if len(given) > 3:
        return "all options but hidden_size are given by name"
    layers = f", num_layers={shown(given[2])}" if len(given) == 3 else ""
    return (
        f"hidden_size comes first and alone: for PyTorch's {kind}({_listed(given)}) write "
        f"{kind}({shown(given[1])}, input_size={shown(given[0])}{layers})"
    )


def _dense_positions(kind: str, given: tuple[Any, ...]) -> str:
    if isinstance(given[1], str):
        return f"write Dense({shown(given[0])}, activation={shown(given[1])})"
    return (
        f"for PyTorch's Linear({_listed(given)}) write "
        f"Dense({shown(given[1])}, input_size={shown(given[0])})"
    )


# By class or method: what to say about more positional arguments than it has.
_POSITIONS: dict[str, Callable[[str, tuple[Any, ...]], str]] = {
    "Recurrent": _recurrent_positions,
    "Dense": _dense_positions,
    "LayerNorm": lambda kind, given: "the size is taken from the input: write LayerNorm()",
    "Sequential": lambda kind, given: "layers come as one list: write Sequential([layer1, layer2])",
    "Optimizer": lambda kind, given: (
        _GIVEN_LATER.format(kind=kind)
        if not isinstance(given[0], (int, float))
        else "all options but learning_rate are given by name"
    ),
    "fit": lambda kind, given: "write fit(x, y, batch_size=..., epochs=...)",
    "evaluate": lambda kind, given: "write evaluate(x, y, batch_size=...)",
    "predict": lambda kind, given: "write predict(x, batch_size=...)",
    "train_on_batch": lambda kind, given: "write train_on_batch(x, y, sample_weight=...)",
    "test_on_batch": lambda kind, given: "write test_on_batch(x, y, sample_weight=...)",
    "predict_on_batch": lambda kind, given: "write predict_on_batch(x, lengths=...)",
}
# By class: what to say when its first argument is missing.
_MISSING: dict[str, str] = {
    "Recurrent": "hidden_size, the number of units, comes first: write {kind}(64{rest})",
    "Dense": "units, the number of outputs, comes first: write Dense(1{rest})",
    "Sequential": "layers are given at once, write Sequential([ln.LSTM(64), ln.Dense(1)]); there "
    "is no add",
}

_LAYER_NAMES: dict[str, str] = {
    **dict.fromkeys(
        ("weight", "weights", "kernel", "get_weights", "parameters", "named_parameters"),
        _READ_WEIGHTS,
    ),
    "set_weights": _READ_WEIGHTS,
    "units": "see layer.hidden_size",
    **dict.fromkeys(("train", "eval"), _NO_MODES),
    **dict.fromkeys(("to", "cuda", "cpu"), NO_DEVICE),
    **dict.fromkeys(("float", "double"), "write dtype='float64' or 'float32' when it is made"),
    **dict.fromkeys(
        ("zero_grad", "requires_grad_"),
        "gradients are returned, not kept: " + OWN_LOOP,
    ),
    **dict.fromkeys(("trainable", "requires_grad"), _FREEZING),
    "reset_states": "write layer.reset_state()",
    **dict.fromkeys(("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), _READ_WEIGHTS),
    "flatten_parameters": "there is nothing to do: leave it out",
    "name": "layers have no names, weights are named by position",
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
_NAMES: dict[str, Mapping[str, str]] = {
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
_ASSIGNED: dict[str, Mapping[str, str]] = {
    "Layer": {
        **dict.fromkeys(("trainable", "requires_grad"), _FREEZING),
        **dict.fromkeys(("weight", "weights", "kernel"), _SET_WEIGHTS),
        "training": _NO_MODES,
        "name": "layers have no names",
        "units": "it follows from the options that the layer was made with",
        "learning_rate": "one rate holds for all layers: model.learning_rate",
    },
    "Recurrent": {"units": "it is hidden_size, which is set when the layer is made"},
    "Stack": {
        **dict.fromkeys(("trainable", "requires_grad"), _FREEZING),
        **dict.fromkeys(("weight", "weights"), _SET_WEIGHTS),
        "training": _NO_MODES,
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


def calling(function: Any, args: tuple[Any, ...], options: Mapping[str, Any]) -> str:
    """Return what to write instead of these arguments, of which args[0] is the object."""
    code = function.__code__
    known = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    method = function.__name__
    kind = type(args[0]) if args else object
    given = args[1:]
    found = []
    if len(args) > code.co_argcount:
        found += [say(kind.__name__, given) for say in _for(kind, method, _POSITIONS)[:1]]
    elif given and known[1] in options:  # twice: LSTM(10, hidden_size=20)
        for say in _for(kind, method, _POSITIONS)[:1]:
            found.append(say(kind.__name__, (*given, options[known[1]])))
    elif len(known) > 1 and not given and known[1] not in options:
        rest = "".join(
            f", {name}={shown(value)}" for name, value in options.items() if name in known
        )
        templates = _for(kind, method, _MISSING)[:1]
        if not any(name in table for name in options for table in _for(kind, method, _CALLS)):
            found += [text.format(kind=kind.__name__, rest=rest) for text in templates]
    if given and isinstance(given[0], (list, dict)) and not found:
        found += [say(kind.__name__, given) for say in _for(kind, method, _POSITIONS)[:1]]
    for name, value in options.items():
        if name in known:
            continue
        hints = [table[name] for table in _for(kind, method, _CALLS) if name in table]
        if hints:
            text = hints[0](value) if callable(hints[0]) else hints[0]
            found.append(
                f"{name}: " + text.replace("{kind}", kind.__name__).replace("{value}", shown(value))
            )
        else:
            near = difflib.get_close_matches(name, known[1:], n=1, cutoff=0.6)
            found += [f"did you mean '{near[0]}'?"] if near else []
    return "; ".join(found)


def reading(kind: type, name: str) -> str:
    """Return what to say about a name of `ELSEWHERE`."""
    tables: list[dict[str, str]] = _for(kind, "__init__", _NAMES)
    return next(table[name] for table in tables if name in table)


def assigning(kind: type, name: str) -> str:
    """Return how what an assignment means is done; "" for nothing."""
    tables: list[dict[str, str]] = _for(kind, "__init__", _ASSIGNED)
    return next((table[name] for table in tables if name in table), "")


def _for(kind: type, method: str, tables: Mapping[str, Any]) -> list[Any]:
    """Return the entries of a class, nearest first, or of a method."""
    names = [part.__name__ for part in kind.__mro__] if method == "__init__" else [method]
    return [tables[name] for name in names if name in tables]


def _listed(values: tuple[Any, ...]) -> str:
    return ", ".join(shown(value) for value in values)
