"""JAX: the input projected at once, the recurrence a `lax.scan`, all of it jitted."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from benchmarks.grid import Cell, time_first
from benchmarks.peers.base import Call, Peer, only_plain


class Jax(Peer):
    """Time first. Gradients with respect to weights and input."""

    name = "jax"
    label = "JAX"
    module = "jax"
    needs = ("jax", "jaxlib")
    kinds = frozenset({"inference", "training", "step", "import"})

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        import jax

        self.jax = jax

    @classmethod
    def environment(cls, threads: int, isa: str | None) -> dict[str, str]:
        """Fix XLA's threads, which it takes from its cores otherwise, and its instruction set."""
        flags = [os.environ.get("XLA_FLAGS", "")]
        if threads == 1:
            flags += ["--xla_cpu_multi_thread_eigen=false", "intra_op_parallelism_threads=1"]
        if isa:
            flags.append(f"--xla_cpu_max_isa={isa.upper()}")
        return {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": " ".join(flags).strip()}

    def make(self, kind: str, cell: Cell) -> Call:
        """Return the jitted work of a kind."""
        only_plain(self, cell)
        jax, jnp = self.jax, self.jax.numpy
        rng = np.random.default_rng(0)
        bound, gates = cell.hidden**-0.5, 4 * cell.hidden
        weights = tuple(
            jnp.asarray(rng.uniform(-bound, bound, shape).astype(np.float32))
            for shape in ((cell.features, gates), (cell.hidden, gates), (gates,))
        )
        x = jnp.asarray(time_first(cell))
        zeros = jnp.zeros((cell.batch, cell.hidden))

        def update(state: Any, sums: Any) -> Any:
            h, c = state
            i, f, g, o = jnp.split(sums, 4, axis=-1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        def lstm(w: Any, inputs: Any) -> Any:
            projected = inputs @ w[0] + w[2]

            def body(state: Any, z: Any) -> Any:
                return update(state, z + state[0] @ w[1])

            return jax.lax.scan(body, (zeros, zeros), projected)[1]

        if kind == "training":
            gradient = jax.jit(jax.grad(lambda w, v: lstm(w, v).sum(), argnums=(0, 1)))
            return lambda: jax.block_until_ready(gradient(weights, x))
        if kind == "step":
            one = jax.jit(lambda w, v, s: update(s, v @ w[0] + w[2] + s[0] @ w[1]))
            state, first = (zeros, zeros), x[0]

            def step() -> None:
                nonlocal state
                state, y = one(weights, first, state)
                y.block_until_ready()

            return step
        run = jax.jit(lstm)
        return lambda: run(weights, x).block_until_ready()
