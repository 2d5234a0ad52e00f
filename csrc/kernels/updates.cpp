// Updates of the optimisers: one value in, one value out.
#include "kernels/set_functions.hpp"
#include "kernels/simd.hpp"
#include "kernels/update_args.hpp"

namespace lstm_native {
namespace LN_ISA {

/// Values of a parameter that are updated together.
struct Part {
  Index begin, count;
};

/// Calls update(weight, gradient, first, second, part) per packet, the gradient scaled and decayed;
/// these slots are written back when the optimiser has them.
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
    update(weight, gradient, first, second, Part{i, count});
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
  for_each_update(u, [&](P& w, const P& g, P& first, P&, Part) {
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
  for_each_update(u, [&](P& w, const P& g, P& first, P& second, Part) {
    first = ei::pmadd(b1, first, ei::pmul(c1, g));
    second = ei::pmadd(b2, second, ei::pmul(c2, ei::pmul(g, g)));
    const P denominator = ei::padd(ei::pdiv(ei::psqrt(second), second_scale), eps);
    w = ei::pmadd(rate, ei::pdiv(first, denominator), w);
  });
}

/// AMSGrad (Reddi, Kale & Kumar 2018): Adam with the largest second moment so far.
template <class T>
void amsgrad(const UpdateArgs<T>& u) {
  using P = Packet<T>;
  const P b1 = broadcast(u.beta1), b2 = broadcast(u.beta2);
  const P c1 = broadcast(u.one_minus_beta1), c2 = broadcast(u.one_minus_beta2);
  const P rate = broadcast(-u.learning_rate), eps = broadcast(u.epsilon);
  const P second_scale = broadcast(u.second_scale);
  for_each_update(u, [&](P& w, const P& g, P& first, P& second, Part part) {
    first = ei::pmadd(b1, first, ei::pmul(c1, g));
    second = ei::pmadd(b2, second, ei::pmul(c2, ei::pmul(g, g)));
    T* const third = u.third + part.begin;
    const P largest = ei::pmax(load_partial(third, part.count), second);
    store_partial(third, largest, part.count);
    const P denominator = ei::padd(ei::pdiv(ei::psqrt(largest), second_scale), eps);
    w = ei::pmadd(rate, ei::pdiv(first, denominator), w);
  });
}

/// NAdam (Dozat 2016): the step is part the gradient, part its mean that looks one update ahead.
template <class T>
void nadam(const UpdateArgs<T>& u) {
  using P = Packet<T>;
  const P b1 = broadcast(u.beta1), b2 = broadcast(u.beta2);
  const P c1 = broadcast(u.one_minus_beta1), c2 = broadcast(u.one_minus_beta2);
  const P rate = broadcast(-u.learning_rate), gradient_rate = broadcast(-u.gradient_rate);
  const P eps = broadcast(u.epsilon), second_scale = broadcast(u.second_scale);
  for_each_update(u, [&](P& w, const P& g, P& first, P& second, Part) {
    first = ei::pmadd(b1, first, ei::pmul(c1, g));
    second = ei::pmadd(b2, second, ei::pmul(c2, ei::pmul(g, g)));
    const P denominator = ei::padd(ei::pdiv(ei::psqrt(second), second_scale), eps);
    const P step = ei::pmadd(gradient_rate, g, ei::pmul(rate, first));
    w = ei::padd(w, ei::pdiv(step, denominator));
  });
}

/// Adagrad (Duchi, Hazan & Singer 2011): the second slot is the sum of squares.
template <class T>
void adagrad(const UpdateArgs<T>& u) {
  using P = Packet<T>;
  const P rate = broadcast(-u.learning_rate), eps = broadcast(u.epsilon);
  for_each_update(u, [&](P& w, const P& g, P&, P& second, Part) {
    second = ei::pmadd(g, g, second);
    w = ei::pmadd(rate, ei::pdiv(g, ei::padd(ei::psqrt(second), eps)), w);
  });
}

/// RMSprop (Tieleman & Hinton 2012) with optional momentum, as torch.optim.RMSprop.
template <class T>
void rmsprop(const UpdateArgs<T>& u) {
  using P = Packet<T>;
  const P rho = broadcast(u.beta2), c2 = broadcast(u.one_minus_beta2);
  const P rate = broadcast(-u.learning_rate), eps = broadcast(u.epsilon);
  const P momentum = broadcast(u.beta1);
  for_each_update(u, [&](P& w, const P& g, P& first, P& second, Part) {
    second = ei::pmadd(rho, second, ei::pmul(c2, ei::pmul(g, g)));
    P step = ei::pdiv(g, ei::padd(ei::psqrt(second), eps));
    if (u.first) {
      first = ei::pmadd(momentum, first, step);
      step = first;
    }
    w = ei::pmadd(rate, step, w);
  });
}

template void sgd(const UpdateArgs<float>&);
template void sgd(const UpdateArgs<double>&);
template void adam(const UpdateArgs<float>&);
template void adam(const UpdateArgs<double>&);
template void amsgrad(const UpdateArgs<float>&);
template void amsgrad(const UpdateArgs<double>&);
template void nadam(const UpdateArgs<float>&);
template void nadam(const UpdateArgs<double>&);
template void adagrad(const UpdateArgs<float>&);
template void adagrad(const UpdateArgs<double>&);
template void rmsprop(const UpdateArgs<float>&);
template void rmsprop(const UpdateArgs<double>&);

}  // namespace LN_ISA
}  // namespace lstm_native
