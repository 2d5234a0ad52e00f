"""What a model is trained with: loss, optimiser and its state, learning rate; assigned or given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from lstm_native._base.attributes import NotYetError
from lstm_native._base.checks import check_bool, check_real
from lstm_native._base.native import native_class
from lstm_native._base.shown import shown
from lstm_native.network.stack import Stack
from lstm_native.training import _rates

if TYPE_CHECKING:  # what trains a model is loaded when one is trained
    from lstm_native._base.callback import CallbackList
    from lstm_native._base.callback import State as CallbackState
    from lstm_native.history import History
    from lstm_native.layers.layer import Layer
    from lstm_native.losses import Loss
    from lstm_native.optimizers import Optimizer
    from lstm_native.training._losses import Losses


class Training:
    """What belongs together.

    Replaced as a whole, never changed, so that an interrupt finds no half of it.

    Attributes
    ----------
    trainer : native trainer or None
        Holds the optimiser's state; made for this loss (at first "mse") and this optimiser.
    loss, optimizer
        As the model shows them.
    given : Optimizer or None
        The object that was given last: given again, it goes on with its state.
    """

    __slots__ = ("given", "loss", "optimizer", "trainer")

    def __init__(
        self,
        trainer: Any = None,
        loss: Loss | Losses | None = None,
        optimizer: Optimizer | None = None,
        given: Optimizer | None = None,
    ) -> None:
        self.trainer, self.loss, self.optimizer, self.given = trainer, loss, optimizer, given


class TrainingSettings(Stack):
    """The part of `Sequential` that says how it is trained; attributes as there."""

    _assignable: ClassVar[frozenset[str]] = frozenset({"history"})
    _in_training: CallbackList | None = None  # while fit runs
    _training_thread = 0
    _ended_states: Mapping[str, CallbackState] = {}

    def __init__(self, layers: Sequence[Layer], *, dtype: str | None, seed: int | None) -> None:
        super().__init__(layers, dtype=dtype, seed=seed)
        self.history: History | None = None
        self._metadata: dict[str, str] = {}
        self._stop_training = False
        self._training = Training()

    @property
    def optimizer(self) -> Optimizer | None:
        """The optimiser, with the learning rate in force; None before the first `fit`.

        May be set, to a name or an object, at any time: training goes on with it, with fresh
        state, from the next batch on, and so do the fits to come and the file. Setting the very
        object that is there changes nothing. None is refused (TypeError): "adam" is the default.
        """
        return self._training.optimizer

    @optimizer.setter
    def optimizer(self, value: str | Optimizer) -> None:
        from lstm_native import optimizers

        chosen = optimizers.parse(value)
        now = self._training
        if chosen is not now.optimizer:
            trainer = self._new_trainer(now.loss, chosen) if self.built else None
            self._training = Training(trainer, now.loss, chosen, given=chosen)

    @property
    def loss(self) -> Any:
        """The loss; None before the first `fit`. Of several outputs a dict by name.

        May be set, to a name or an object, as `optimizer` may; of a model of several outputs to a
        list or dict, too. Another loss starts the optimiser's state afresh. None is refused
        (TypeError): "mse" is the default.
        """
        found: Any = self._training.loss
        return found.shown() if hasattr(found, "shown") else found

    @loss.setter
    def loss(self, value: Any) -> None:
        chosen = self._parse_loss(value)
        now = self._training
        if getattr(self, "_in_training", None) is not None and now.loss is not None:
            before, after = _targets_of(now.loss), _targets_of(chosen)
            if before != after:
                raise ValueError(
                    f"loss: {_named(chosen)} takes other targets than {_named(now.loss)}, with "
                    "which fit is running; end fit first"
                )
        if chosen != now.loss:
            trainer = self._trainer_of_function(chosen)
            if trainer is None and self.built:
                trainer = self._new_trainer(chosen, now.optimizer)
            self._training = Training(trainer, chosen, now.optimizer, now.given)

    def _parse_loss(self, value: Any, weights: Any = None) -> Loss | Losses:
        """Return the loss, or the losses, that were given as an argument."""
        from lstm_native.training._losses import parse_losses

        return parse_losses(self._form_out, value, weights)

    def _loss_for(self, value: Any, weights: Any = None) -> Loss | Losses:
        """Return the same; without any, the loss in force, at first "mse"."""
        if value is None:
            value = self._training.loss or "mse"
        return self._parse_loss(value, weights)

    @property
    def learning_rate(self) -> float:
        """The learning rate in force; may be set while training."""
        if self.optimizer is None:
            raise NotYetError("the model has no optimizer yet: it gets one in fit")
        return self.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        """Set the learning rate for the steps to come; the optimiser keeps its other state.

        Raises
        ------
        RuntimeError
            The model has no optimiser yet.
        ValueError, TypeError
            Not a positive finite number of the model's dtype. Nothing has changed then.
        """
        value = check_real(value, name="learning_rate", above=0.0)
        now = self._training
        if now.optimizer is None:
            raise NotYetError("the model has no optimizer yet: it gets one in fit")
        settings = now.optimizer._with_rate(value)
        changed = Training(now.trainer, now.loss, settings, now.given)
        if now.trainer is None:
            self._training = changed
            return
        try:
            now.trainer.set_learning_rate(value)  # refuses what its floats cannot hold
            self._training = changed
        except BaseException:  # an interrupt may come in between
            self._training = now
            now.trainer.set_learning_rate(now.optimizer.learning_rate)
            raise

    @property
    def trainable(self) -> bool:
        """Whether training changes any layer's weights. Setting it sets that of all layers.

        See `Layer.trainable`.
        """
        return any(layer.trainable for layer in self.layers if layer.has_weights)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = check_bool(value, name="trainable")
        for layer in self.layers:
            layer.trainable = value

    @property
    def metadata(self) -> dict[str, str]:
        """Free text that is saved with the model. May be set (TypeError: not str to str)."""
        return self._metadata

    @metadata.setter
    def metadata(self, value: Mapping[str, str]) -> None:
        self._metadata = check_metadata(value)

    @property
    def stop_training(self) -> bool:
        """Set to True in a callback to end `fit` after the epoch (TypeError: no bool)."""
        return self._stop_training

    @stop_training.setter
    def stop_training(self, value: bool) -> None:
        self._stop_training = check_bool(value, name="stop_training")

    @property
    def _callback_states(self) -> dict[str, CallbackState]:
        """The state of each callback: as it is now while fit runs, else as fit left it."""
        if self._in_training is not None:
            return self._in_training.states()
        return dict(self._ended_states)

    @_callback_states.setter
    def _callback_states(self, states: Mapping[str, CallbackState]) -> None:
        self._ended_states = dict(states)

    # -- the core's trainer ----------------------------------------------------------------

    @property
    def _trainer(self) -> Any:
        """The trainer that `fit` would go on with, and that a file holds; None if there is none."""
        now = self._training
        if now.trainer is None and self.built and (now.loss or now.optimizer):
            # Set before the model had its weights.
            trainer = self._new_trainer(now.loss, now.optimizer)
            self._training = Training(trainer, now.loss, now.optimizer, now.given)
        return self._training.trainer

    def _new_trainer(self, loss: Loss | Losses | None, optimizer: Optimizer | None) -> Any:
        """Return a trainer with fresh state; None stands for the defaults."""
        from lstm_native import optimizers
        from lstm_native.training._losses import native_losses

        settings = optimizer or optimizers.parse("adam")
        trainer = native_class("Trainer", self.dtype)(
            self._network, native_losses(loss or self._loss_for("mse")), settings.to_json()
        )
        _rates.settle(trainer, self.layers, self._names, some=False)
        return trainer

    def _trainer_of_function(self, loss: Loss | Losses) -> Any:
        """Return a trainer that goes on with functions that its file could not hold, or None."""
        from lstm_native.training._losses import can_stand_for, native_losses

        now = self._training.loss
        if now is None or self._trainer is None or not can_stand_for(loss, now):
            return None
        return self._trainer.with_losses(native_losses(loss))

    def _restore_training(self, trainer: Any) -> None:
        """Go on with a trainer that comes from a file."""
        from lstm_native.optimizers import Optimizer
        from lstm_native.training._losses import of_trainer

        self._training = Training(
            trainer, of_trainer(trainer, self._form_out), Optimizer.from_json(trainer.optimizer)
        )
        _rates.restore(trainer, self.layers, self._names)


def _targets_of(loss: Loss | Losses) -> list[tuple[int, bool, bool, bool, bool]]:
    """Return what kind of targets each output has."""
    from lstm_native.training._losses import heads_of

    return [
        (k, one.takes_labels, one.takes_logits, one.takes_sequences, one.takes_targets)
        for k, one, _ in heads_of(loss)
    ]


def _named(loss: Loss | Losses) -> str:
    from lstm_native.training._losses import heads_of

    return ", ".join(f"'{head.loss.name}'" for head in heads_of(loss))


def check_metadata(value: Mapping[str, str]) -> dict[str, str]:
    """Return a dict of str to str, or say what it is not."""
    if not isinstance(value, Mapping):
        kind = type(value).__name__
        raise TypeError(f"metadata must map str to str, got {kind}: {shown(value)}")
    for key, text in value.items():
        if not isinstance(key, str) or not isinstance(text, str):
            found = f"{str(key)[:80]!r}: {type(text).__name__}"
            raise TypeError(
                f"metadata must map str to str, got {found}; write other values as JSON, "
                "with json.dumps"
            )
    return dict(value)
