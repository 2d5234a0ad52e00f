"""Update rules as torch.optim defines them, one parameter dictionary at a time."""

from __future__ import annotations

import numpy as np

Tensors = dict[str, np.ndarray]


def global_norm(gradients: Tensors) -> float:
    """Euclidean norm of all gradients laid end to end."""
    return float(np.sqrt(sum((g**2).sum() for g in gradients.values())))


def clip_gradients(gradients: Tensors, clip_value=None, clip_norm=None) -> Tensors:
    """Clip by value, then by global norm (Pascanu, Mikolov & Bengio 2013, algorithm 1).

    The norm's rule is that of torch.nn.utils.clip_grad_norm_: a factor of
    clip_norm / (norm + 1e-6), but at most 1.
    """
    if clip_value is not None:
        gradients = {k: np.clip(g, -clip_value, clip_value) for k, g in gradients.items()}
    if clip_norm is not None:
        factor = min(1.0, clip_norm / (global_norm(gradients) + 1e-6))
        gradients = {k: g * factor for k, g in gradients.items()}
    return gradients


class _Optimizer:
    """`step` changes the parameters in place; state is kept by name and starts at zero."""

    def __init__(self, learning_rate, clip_value=None, clip_norm=None, weight_decay=0.0):
        self.learning_rate = learning_rate
        self.clip_value, self.clip_norm = clip_value, clip_norm
        self.weight_decay = weight_decay
        self.iterations = 0
        self.slots: dict[str, Tensors] = {}

    def step(self, parameters: Tensors, gradients: Tensors) -> None:
        gradients = clip_gradients(gradients, self.clip_value, self.clip_norm)
        self.iterations += 1
        for name, parameter in parameters.items():
            self.update(name, parameter, gradients[name])

    def slot(self, kind: str, name: str, like: np.ndarray) -> np.ndarray:
        return self.slots.setdefault(kind, {}).setdefault(name, np.zeros_like(like))

    def update(self, name, p, g):
        raise NotImplementedError


class SGD(_Optimizer):
    """Polyak 1964; Nesterov's variant as in Sutskever et al. 2013."""

    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, **options):
        super().__init__(learning_rate, **options)
        self.momentum, self.nesterov = momentum, nesterov

    def update(self, name, p, g):
        g = g + self.weight_decay * p
        if self.momentum:
            buffer = self.slot("momentum", name, p)
            buffer[...] = self.momentum * buffer + g
            g = g + self.momentum * buffer if self.nesterov else buffer
        p -= self.learning_rate * g


class Adam(_Optimizer):
    """Kingma & Ba 2015, "Adam", algorithm 1; weight decay as an L2 penalty."""

    decoupled = False

    def __init__(
        self, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, amsgrad=False, **options
    ):
        super().__init__(learning_rate, **options)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.amsgrad = amsgrad

    def update(self, name, p, g):
        if self.decoupled:
            p *= 1.0 - self.learning_rate * self.weight_decay
        else:
            g = g + self.weight_decay * p
        m, v = self.slot("m", name, p), self.slot("v", name, p)
        m[...] = self.beta1 * m + (1.0 - self.beta1) * g
        v[...] = self.beta2 * v + (1.0 - self.beta2) * g**2
        m_hat = m / (1.0 - self.beta1**self.iterations)
        if self.amsgrad:  # Reddi, Kale & Kumar 2018, algorithm 2
            largest = self.slot("largest", name, p)
            largest[...] = np.maximum(largest, v)
            v = largest
        v_hat = v / (1.0 - self.beta2**self.iterations)
        p -= self.learning_rate * m_hat / (np.sqrt(v_hat) + self.epsilon)


class AdamW(Adam):
    """Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2."""

    decoupled = True

    def __init__(self, learning_rate=1e-3, weight_decay=0.01, **options):
        super().__init__(learning_rate, weight_decay=weight_decay, **options)


class RMSprop(_Optimizer):
    """Hinton, Srivastava & Swersky 2012, lecture 6e; epsilon outside the root, as in torch."""

    def __init__(self, learning_rate=1e-3, rho=0.99, momentum=0.0, epsilon=1e-8, **options):
        super().__init__(learning_rate, **options)
        self.rho, self.momentum, self.epsilon = rho, momentum, epsilon

    def update(self, name, p, g):
        g = g + self.weight_decay * p
        square = self.slot("square", name, p)
        square[...] = self.rho * square + (1.0 - self.rho) * g**2
        g = g / (np.sqrt(square) + self.epsilon)
        if self.momentum:
            buffer = self.slot("momentum", name, p)
            buffer[...] = self.momentum * buffer + g
            g = buffer
        p -= self.learning_rate * g


class NAdam(_Optimizer):
    """Dozat 2016, "Incorporating Nesterov Momentum into Adam", with the schedule of torch.optim."""

    def __init__(
        self,
        learning_rate=2e-3,
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        momentum_decay=4e-3,
        decoupled_weight_decay=False,
        **options,
    ):
        super().__init__(learning_rate, **options)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self.momentum_decay, self.decoupled = momentum_decay, decoupled_weight_decay

    def mu(self, t):
        return self.beta1 * (1.0 - 0.5 * 0.96 ** (t * self.momentum_decay))

    def update(self, name, p, g):
        if self.decoupled:
            p *= 1.0 - self.learning_rate * self.weight_decay
        else:
            g = g + self.weight_decay * p
        t = self.iterations
        product = np.prod([self.mu(i) for i in range(1, t + 1)])
        m, v = self.slot("m", name, p), self.slot("v", name, p)
        m[...] = self.beta1 * m + (1.0 - self.beta1) * g
        v[...] = self.beta2 * v + (1.0 - self.beta2) * g**2
        m_hat = self.mu(t + 1) * m / (1.0 - product * self.mu(t + 1))
        m_hat += (1.0 - self.mu(t)) * g / (1.0 - product)
        v_hat = v / (1.0 - self.beta2**t)
        p -= self.learning_rate * m_hat / (np.sqrt(v_hat) + self.epsilon)


class Adagrad(_Optimizer):
    """Duchi, Hazan & Singer 2011, diagonal; epsilon outside the root, as in torch."""

    def __init__(
        self,
        learning_rate=0.01,
        learning_rate_decay=0.0,
        initial_accumulator_value=0.0,
        epsilon=1e-10,
        **options,
    ):
        super().__init__(learning_rate, **options)
        self.decay, self.initial, self.epsilon = (
            learning_rate_decay,
            initial_accumulator_value,
            epsilon,
        )

    def update(self, name, p, g):
        g = g + self.weight_decay * p
        total = self.slot("sum", name, p)
        if self.iterations == 1:
            total += self.initial
        total += g**2
        rate = self.learning_rate / (1.0 + (self.iterations - 1) * self.decay)
        p -= rate * g / (np.sqrt(total) + self.epsilon)


OPTIMIZERS = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
    "rmsprop": RMSprop,
    "nadam": NAdam,
    "adagrad": Adagrad,
}
