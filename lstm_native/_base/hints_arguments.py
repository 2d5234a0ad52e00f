"""What the arguments of classes and methods are called elsewhere, and what is written here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lstm_native._base.hints_words import FREEZING, NO_DEVICE, NO_MODES
from lstm_native._base.shown import shown

# A text, in which {kind} and {value} are replaced, or a function of the value.
Hint = str | Callable[[Any], str]

_LEAVE = "there is no such choice here: leave it out"
_INITIAL = "initial weights follow from seed; set others with load_state_dict"
_PENALTY = "weights are penalised by the optimizer: ln.AdamW(weight_decay=...)"
_UNCONSTRAINED = "weights are not constrained: limit gradients with the optimizer's clip_norm"
_BATCH_FIRST = "arrays are always (N, T, F), as with batch_first=True: leave it out"


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
    "device": NO_DEVICE,
    "trainable": FREEZING,
    "requires_grad": FREEZING,
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
    "amsgrad": "Adam and AdamW have it",
    "nesterov": "SGD has it; Adam with Nesterov's momentum is NAdam",
    "initial_accumulator": "write initial_accumulator_value={value}",
    **dict.fromkeys(
        ("use_ema", "ema_momentum", "ema_overwrite_frequency"),
        "write fit(..., callbacks=[ln.EMA(0.999)])",
    ),
    "gradient_accumulation_steps": "write fit(..., accumulate={value})",
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
    **dict.fromkeys(
        ("gradient_accumulation_steps", "accumulate_grad_batches"), "write accumulate={value}"
    ),
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
    "training": NO_MODES,
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
_DECODING: dict[str, Hint] = {
    **dict.fromkeys(("max_new_tokens", "max_tokens", "num_steps"), "write steps={value}"),
    **dict.fromkeys(
        ("max_length", "max_len"), "write steps={value}, which are the tokens behind the prompt"
    ),
    **dict.fromkeys(("eos_token_id", "eos", "end_token", "end_id", "stop"), "write end={value}"),
    **dict.fromkeys(
        ("num_beams", "beam_width", "beam_size"), "write beam_search(prompts, width={value}, ...)"
    ),
    **dict.fromkeys(("num_return_sequences", "nbest"), "write n_best={value}"),
    "alpha": "write length_penalty={value}",
    "do_sample": "write temperature=1.0 to draw tokens, 0.0 to take the most probable one",
    "early_stopping": "a search ends when nothing can become better: leave it out",
    "logits_processor": "write allow=..., a function of the prefixes",
    "prefix_allowed_tokens_fn": "write allow=..., a function of all prefixes",
    "bad_words_ids": "write allow=..., a function of the prefixes",
    "batch_size": "all prompts given are one batch: leave it out",
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
CALLS: dict[str, Mapping[str, Hint]] = {
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
    "gradients": {**_ON_BATCH, "metrics": "write test_on_batch(..., metrics={value})"},
    "test_on_batch": _ON_BATCH,
    "predict_on_batch": {**_PREDICT, **_ON_BATCH},
    "generate": _DECODING,
    "beam_search": _DECODING,
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
        f"hidden_size comes first and alone: for PyTorch's {kind}({listed(given)}) write "
        f"{kind}({shown(given[1])}, input_size={shown(given[0])}{layers})"
    )


def _dense_positions(kind: str, given: tuple[Any, ...]) -> str:
    if isinstance(given[1], str):
        return f"write Dense({shown(given[0])}, activation={shown(given[1])})"
    return (
        f"for PyTorch's Linear({listed(given)}) write "
        f"Dense({shown(given[1])}, input_size={shown(given[0])})"
    )


# By class or method: what to say about more positional arguments than it has.
POSITIONS: dict[str, Callable[[str, tuple[Any, ...]], str]] = {
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
MISSING: dict[str, str] = {
    "Recurrent": "hidden_size, the number of units, comes first: write {kind}(64{rest})",
    "Dense": "units, the number of outputs, comes first: write Dense(1{rest})",
    "Sequential": "layers are given at once, write Sequential([ln.LSTM(64), ln.Dense(1)]); there "
    "is no add",
}


def listed(values: tuple[Any, ...]) -> str:
    """Return values as they are shown, with commas between."""
    return ", ".join(shown(value) for value in values)
