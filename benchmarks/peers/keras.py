"""Keras on TensorFlow: one layer in a `tf.function` compiled by XLA, or a model's `fit`."""

from __future__ import annotations

from benchmarks.grid import Cell, sequences, targets
from benchmarks.peers.base import Call, Peer, only_lstm, only_plain


class Keras(Peer):
    """Inference and training compiled by XLA, the fastest of Keras's ways; `fit` as it comes."""

    name = "keras"
    label = "Keras"
    module = "keras"
    needs = ("keras", "tensorflow-cpu")
    kinds = frozenset({"inference", "training", "fit", "import"})

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        import tensorflow

        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        import keras

        self.tf, self.keras = tensorflow, keras

    @classmethod
    def missing(cls) -> str | None:
        """Return what is not there; TensorFlow may be any of its distributions."""
        absent = super().missing()
        if absent == "tensorflow-cpu":
            import importlib.util

            return None if importlib.util.find_spec("tensorflow") else absent
        return absent

    @classmethod
    def environment(cls, threads: int, isa: str | None) -> dict[str, str]:
        """Keep it quiet, on TensorFlow and off any GPU; hold its oneDNN and Eigen to the set."""
        found = {
            "KERAS_BACKEND": "tensorflow",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "-1",
            "OMP_NUM_THREADS": str(threads),
        }
        if isa:
            flags = f"--xla_cpu_max_isa={isa.upper()}"
            found |= {"ONEDNN_MAX_CPU_ISA": isa.upper(), "XLA_FLAGS": flags}
        return found

    def make(self, kind: str, cell: Cell) -> Call:
        """Return the work of a kind."""
        if kind == "fit":
            only_lstm(self, cell)
            return self._fit(cell)
        only_plain(self, cell)
        tf = self.tf
        layer = self.keras.layers.LSTM(cell.hidden, return_sequences=True)
        x = tf.constant(sequences(cell))
        layer.build(x.shape)
        if kind == "inference":
            run = tf.function(layer, jit_compile=True)
            return lambda: run(x).numpy()

        @tf.function(jit_compile=True)  # type: ignore[untyped-decorator]
        def train() -> object:
            with tf.GradientTape() as tape:
                tape.watch(x)
                total = tf.reduce_sum(layer(x))
            return tape.gradient(total, [x, *layer.trainable_variables])

        return lambda: train()

    def _fit(self, cell: Cell) -> Call:
        layers = self.keras.layers
        model = self.keras.Sequential([self.keras.Input((cell.timesteps, cell.features))])
        for _ in range(cell.layers - 1):
            model.add(layers.LSTM(cell.hidden, return_sequences=True))
        model.add(layers.LSTM(cell.hidden))
        model.add(layers.Dense(1))
        model.compile("adam", "mse")
        x, y = sequences(cell), targets(cell)
        return lambda: model.fit(x, y, batch_size=cell.batch, verbose=0)
