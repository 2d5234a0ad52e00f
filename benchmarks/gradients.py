"""How gradients vanish and explode: `python -m benchmarks.gradients --page docs/gradients.md`.

One task: keep the first value of a sequence of noise until its end. Every model is looked at before
and after training; plain networks with recurrent weights of a growing spectral norm are trained
with and without clipping.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import lstm_native as ln
from benchmarks.pages import table, write_figures

LOOKED_AT = 64  # samples
OPEN = 4.0  # a bias that holds a gate at 0.98
NORMS = (0.5, 0.8, 1.0, 1.3, 1.6, 2.0)
CLIP = 1.0


@dataclass(frozen=True)
class Plan:
    """Sizes of the experiment. The defaults are those of the page."""

    timesteps: int = 200
    lag_to_explode: int = 100
    hidden: int = 32
    samples: int = 2048
    epochs: int = 30
    epochs_to_explode: int = 10
    seeds: int = 9


def task(samples: int, timesteps: int, seed: int) -> tuple[NDArray[np.float32], ...]:
    """Return x (N, T, 2), values in [-1, 1] and a mark at the first; and that, of variance 1."""
    values = np.random.default_rng(seed).uniform(-1.0, 1.0, (samples, timesteps, 1))
    marks = np.zeros_like(values)
    marks[:, 0] = 1.0
    x = np.concatenate([values, marks], axis=-1).astype(np.float32)
    return x, (np.sqrt(3.0) * x[:, 0, :1]).astype(np.float32)


def sequential(layer: ln.Layer, seed: int) -> ln.Sequential:
    """Return a model with one output of the layer's last step."""
    model = ln.Sequential([layer, ln.Dense(1)], seed=seed)
    model.predict(np.zeros((1, 1, 2), np.float32))  # gives it its weights
    return model


def contestants(hidden: int, seed: int) -> dict[str, ln.Sequential]:
    """Return the models of the first table, with the library's own initial weights."""

    def lstm(bias: float) -> ln.Sequential:
        return sequential(ln.LSTM(hidden, return_sequences=False, forget_bias=bias), seed)

    def gru() -> ln.Sequential:
        return sequential(ln.GRU(hidden, return_sequences=False), seed)

    models = {
        "RNN": plain(hidden, 1.0, seed),
        "GRU": gru(),
        "LSTM": lstm(1.0),
        f"GRU, bias of z {OPEN:g}": gru(),
        f"LSTM, bias of f {OPEN:g}": lstm(OPEN),
    }
    weights = (held := models[f"GRU, bias of z {OPEN:g}"]).state_dict()
    weights["0.bias_ih_l0"][hidden : 2 * hidden] = OPEN
    held.load_state_dict(weights)
    return models


def plain(hidden: int, norm: float, seed: int) -> ln.Sequential:
    """Return a plain network whose recurrent weights are orthogonal, times `norm`."""
    model = sequential(ln.RNN(hidden, return_sequences=False), seed)
    weights = model.state_dict()
    weights["0.weight_hh_l0"] *= norm
    model.load_state_dict(weights)
    return model


def first_and_decay(found: ln.diagnostics.ModelFlow) -> list[str]:
    """Return |dL/dh| at the first and the last step, and the factor of each step back."""
    (layer,) = found.layers
    first, last = layer.ends()
    return [f"{first:.1e}", f"{last:.1e}", f"{layer.decay:.3f}"]


def vanishing(plan: Plan, folder: Path | None) -> list[str]:
    """Return the table of the models before and after training, and draw both."""
    x, y = task(plan.samples, plan.timesteps, seed=0)
    x_new, y_new = task(plan.samples // 4, plan.timesteps, seed=1)
    few = (x_new[:LOOKED_AT], y_new[:LOOKED_AT])
    models = contestants(plan.hidden, seed=0)
    before = ln.diagnostics.gradient_flow(models, *few)
    losses = []
    for model in models.values():
        optimizer = ln.Adam(1e-3, clip_norm=CLIP)
        model.fit(x, y, epochs=plan.epochs, optimizer=optimizer, seed=0, verbose=False)
        losses.append(model.evaluate(x_new, y_new)["loss"])
    after = ln.diagnostics.gradient_flow(models, *few)
    if folder:
        for flow, name in [(before, "start"), (after, "trained")]:
            three = {k: flow.models[k] for k in ("RNN", "GRU", "LSTM")}
            ln.diagnostics.GradientFlow(three).plot(folder / f"{name}.png")
    header = ["model", "first step", "last step", "per step", "loss after training"]
    rows = [
        [name, *first_and_decay(before[name]), f"{loss:.3f}", *first_and_decay(after[name])]
        for name, loss in zip(models, losses, strict=True)
    ]
    return table([*header, "then: first", "last", "per step"], rows)


def exploding(plan: Plan, folder: Path | None) -> list[str]:
    """Return the table of plain networks by the norm of their recurrent weights, and draw them."""
    x, y = task(LOOKED_AT, plan.lag_to_explode, seed=1)
    models = {f"|U| = {norm:g}": plain(plan.hidden, norm, seed=0) for norm in NORMS}
    flow = ln.diagnostics.gradient_flow(models, x, y)
    if folder:
        flow.plot(folder / "exploding.png")
    header = ["norm of U", "first step", "last step", "per step", "gradient of all weights"]
    rows = [
        [f"{norm:g}", *first_and_decay(found), f"{found.gradient_norm:.1e}"]
        for norm, found in zip(NORMS, flow.models.values(), strict=True)
    ]
    return table(header, rows)


def clipping(plan: Plan) -> list[str]:
    """Return the table of the same networks after training with and without clipping."""
    header = ["norm of U", "clip_norm", "loss: median", "lowest", "highest", "overflowed"]
    header += ["then: norm of U", "saturated units", "per step"]
    rows = [
        [f"{norm:g}", "-" if clip is None else f"{clip:g}", *_trained(plan, norm, clip)]
        for norm in NORMS
        for clip in (None, CLIP)
    ]
    return table(header, rows)


def _trained(plan: Plan, norm: float, clip: float | None) -> list[str]:
    """Return losses of new samples over the seeds, and what became of the network (medians)."""
    x, y = task(plan.samples, plan.lag_to_explode, seed=0)
    new = task(plan.samples // 4, plan.lag_to_explode, seed=1)
    losses, found = [], []
    for seed in range(plan.seeds):
        model = plain(plan.hidden, norm, seed)
        optimizer = ln.SGD(0.01, clip_norm=clip)
        epochs = plan.epochs_to_explode
        try:
            model.fit(x, y, epochs=epochs, optimizer=optimizer, seed=seed, verbose=False)
        except FloatingPointError:
            continue  # counted by the losses that are missing
        losses.append(model.evaluate(*new)["loss"])
        (layer,) = ln.diagnostics.gradient_flow(model, *(a[:LOOKED_AT] for a in new)).layers
        saturated = float((layer.gates["h"].low + layer.gates["h"].high).mean())
        found.append((layer.spectral_norm["h"], saturated, layer.decay))
    overflowed = str(plan.seeds - len(losses))
    if not losses:
        return ["-", "-", "-", overflowed, "-", "-", "-"]
    after, saturated, decay = (statistics.median(values) for values in zip(*found, strict=True))
    words = [f"{value:.3f}" for value in (statistics.median(losses), min(losses), max(losses))]
    return [*words, overflowed, f"{after:.3g}", f"{100 * saturated:.0f} %", f"{decay:.3f}"]


def main() -> None:
    """Print the tables, or write them into a page and the figures beside it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gradients", description=__doc__)
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the tables there")
    options = parser.parse_args()
    plan, folder = Plan(), None
    if options.page:
        folder = options.page.parent / options.page.stem
        folder.mkdir(exist_ok=True)
    for mark, lines in [
        ("vanishing", vanishing(plan, folder)),
        ("exploding", exploding(plan, folder)),
        ("clipping", clipping(plan)),
    ]:
        print("\n".join(lines), flush=True)
        if options.page:
            write_figures(options.page, lines, mark=mark)


if __name__ == "__main__":
    main()
