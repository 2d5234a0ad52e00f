// Activations and optimiser updates: one value in, one value out.
#pragma once

#include "kernels/activations.hpp"

namespace lstm_native {
namespace LN_ISA {

template <class T>
void pointwise(Pointwise kind, Index n, T* values) {
  const auto apply = [&](const auto& f) {
    for_each_packet<T>(n, [&](Index i, Index count) {
      store_partial(values + i, f(load_partial(values + i, count)), count);
    });
  };
  using P = Packet<T>;
  switch (kind) {
    case Pointwise::relu:
      // max(x, 0) would turn NaN into 0 on some sets.
      return apply([](const P& x) { return keep_nan(x, ei::pmax(x, broadcast(T(0)))); });
    case Pointwise::sigmoid: return apply([](const P& x) { return sigmoid(x); });
    case Pointwise::tanh: return apply([](const P& x) { return tanh(x); });
  }
}

/// All three derivatives are functions of the output y.
template <class T>
void pointwise_backward(Pointwise kind, Index n, const T* y, const T* dy, T* dx) {
  const auto apply = [&](const auto& f) {
    for_each_packet<T>(n, [&](Index i, Index count) {
      store_partial(dx + i, f(load_partial(y + i, count), load_partial(dy + i, count)), count);
    });
  };
  using P = Packet<T>;
  const P one = broadcast(T(1)), zero = broadcast(T(0));
  switch (kind) {
    case Pointwise::relu:
      return apply(
          [=](const P& v, const P& d) { return ei::pselect(ei::pcmp_lt(zero, v), d, zero); });
    case Pointwise::sigmoid:
      return apply(
          [=](const P& v, const P& d) { return ei::pmul(d, ei::pmul(v, ei::psub(one, v))); });
    case Pointwise::tanh:
      return apply(
          [=](const P& v, const P& d) { return ei::pmul(d, ei::psub(one, ei::pmul(v, v))); });
  }
}

template <class T>
void exponentials(Index n, const T* x, T shift, T* out) {
  const Packet<T> s = broadcast(shift);
  for_each_packet<T>(n, [&](Index i, Index count) {
    store_partial(out + i, exponential(ei::psub(load_partial(x + i, count), s)), count);
  });
}

/// Calls update(weight, gradient, first, second) per packet, the gradient scaled and decayed;
/// the slots are written back when the optimiser has them.
template <class T, class Update>
LN_INLINE void for_each_update(const UpdateArgs<T>& u, const Update& update) {
  using P = Packet<T>;
  const P scale = broadcast(u.gradient_scale), decay = broadcast(u.decay);
  const P shrink = broadcast(u.shrink);
  for_each_packet<T>(u.size, [&](Index i, Index count) {
    P weight = load_partial(u.weight + i, count);
    P gradient = ei::pmul(load_partial(u.gradient + i, count), scale);
    gradient = ei::pmadd(decay, weight, gradient);
    weight = ei::pmul(weight, shrink);
    P first = u.first ? load_partial(u.first + i, count) : gradient;
    P second = u.second ? load_partial(u.second + i, count) : gradient;
    update(weight, gradient, first, second);
    store_partial(u.weight + i, weight, count);
    if (u.first) store_partial(u.first + i, first, count);
    if (u.second) store_partial(u.second + i, second, count);
  });
}

/// momentum b: b = m b + g; w -= lr * (nesterov ? g + m b : b)   (torch.optim.SGD)
template <class T>
void sgd(const UpdateArgs<T>& u) {
  using P = Packet<T>;
  const P rate = broadcast(-u.learning_rate), momentum = broadcast(u.beta1);
  for_each_update(u, [&](P& w, const P& g, P& first, P&) {
    P step = g;
    if (u.first) {
      first = ei::pmadd(momentum, first, g);
      step = u.nesterov ? ei::pmadd(momentum, first, g) : first;
    }
    w = ei::pmadd(rate, step, w);
  });
}

/// Adam (Kingma & Ba 2015), bias-corrected; AdamW differs in `shrink` and `decay` alone.
template <class T>
void adam(const UpdateArgs<T>& u) {
  using P = Packet<T>;
  const P b1 = broadcast(u.beta1), b2 = broadcast(u.beta2);
  const P c1 = broadcast(u.one_minus_beta1), c2 = broadcast(u.one_minus_beta2);
  const P rate = broadcast(-u.learning_rate), eps = broadcast(u.epsilon);
  const P second_scale = broadcast(u.second_scale);
  for_each_update(u, [&](P& w, const P& g, P& first, P& second) {
    first = ei::pmadd(b1, first, ei::pmul(c1, g));
    second = ei::pmadd(b2, second, ei::pmul(c2, ei::pmul(g, g)));
    const P denominator = ei::padd(ei::pdiv(ei::psqrt(second), second_scale), eps);
    w = ei::pmadd(rate, ei::pdiv(first, denominator), w);
  });
}

/// RMSprop (Tieleman & Hinton 2012) with optional momentum, as torch.optim.RMSprop.
template <class T>
void rmsprop(const UpdateArgs<T>& u) {
  using P = Packet<T>;
  const P rho = broadcast(u.beta2), c2 = broadcast(u.one_minus_beta2);
  const P rate = broadcast(-u.learning_rate), eps = broadcast(u.epsilon);
  const P momentum = broadcast(u.beta1);
  for_each_update(u, [&](P& w, const P& g, P& first, P& second) {
    second = ei::pmadd(rho, second, ei::pmul(c2, ei::pmul(g, g)));
    P step = ei::pdiv(g, ei::padd(ei::psqrt(second), eps));
    if (u.first) {
      first = ei::pmadd(momentum, first, step);
      step = first;
    }
    w = ei::pmadd(rate, step, w);
  });
}

}  // namespace LN_ISA
}  // namespace lstm_native
