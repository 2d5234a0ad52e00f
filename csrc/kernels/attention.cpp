// Additive scores (Bahdanau et al. 2015): v tanh(q + k) for one query and many keys.
#include "kernels/activations.hpp"
#include "kernels/attention_args.hpp"
#include "kernels/set_functions.hpp"

namespace lstm_native {
namespace LN_ISA {

template <class T>
void additive_scores(const AdditiveScoresArgs<T>& p) {
  // One sum for each value of a gate block, added up in halves: the same order on every set.
  constexpr Index L = kLanes<T>, B = kGateBlock<T>;
  constexpr int V = static_cast<int>(B / L);
  for (Index j = 0; j < p.count; ++j) {
    const T* key = p.keys + j * p.key_stride;
    Packet<T> sum[V];
    LN_UNROLL for (int v = 0; v < V; ++v) sum[v] = broadcast(T(0));
    for (Index a = 0; a < p.width; a += B) LN_UNROLL for (int v = 0; v < V; ++v) {
        const Index at = a + v * L;
        const Packet<T> h = tanh(Packet<T>(ei::padd(load(p.query + at), load(key + at))));
        sum[v] = ei::pmadd(load(p.v + at), h, sum[v]);
      }
    alignas(64) T parts[B];
    LN_UNROLL for (int v = 0; v < V; ++v) store(parts + v * L, sum[v]);
    for (Index half = B / 2; half > 0; half /= 2)
      for (Index i = 0; i < half; ++i) parts[i] += parts[i + half];
    p.scores[j] = parts[0];
  }
}

template <class T>
void additive_scores_backward(const AdditiveScoresBackwardArgs<T>& p) {
  using P = Packet<T>;
  const P one = broadcast(T(1));
  for (Index a = 0; a < p.width; a += kLanes<T>) {
    const P query = load(p.query + a), v = load(p.v + a);
    P d_query = broadcast(T(0)), d_v = load(p.d_v + a);
    const T* key = p.keys + a;
    T* d_key = p.d_keys + a;
    for (Index j = 0; j < p.count; ++j, key += p.key_stride, d_key += p.key_stride) {
      const P d = broadcast(p.d_scores[j]);
      const P h = tanh(P(ei::padd(query, load(key))));
      d_v = ei::pmadd(d, h, d_v);
      const P d_sum = ei::pmul(ei::pmul(d, v), ei::psub(one, ei::pmul(h, h)));
      d_query = ei::padd(d_query, d_sum);
      store(d_key, P(ei::padd(load(d_key), d_sum)));
    }
    store(p.d_query + a, d_query);
    store(p.d_v + a, d_v);
  }
}

template void additive_scores(const AdditiveScoresArgs<float>&);
template void additive_scores(const AdditiveScoresArgs<double>&);
template void additive_scores_backward(const AdditiveScoresBackwardArgs<float>&);
template void additive_scores_backward(const AdditiveScoresBackwardArgs<double>&);

}  // namespace LN_ISA
}  // namespace lstm_native
