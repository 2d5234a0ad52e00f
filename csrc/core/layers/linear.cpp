#include "core/layers/linear.hpp"

#include "core/numeric/initialisers.hpp"
#include "core/numeric/packing.hpp"
#include "core/runtime/threads.hpp"
#include "kernels/dispatch.hpp"
#include "kernels/product_args.hpp"

namespace lstm_native {

template <class T>
Linear<T>::Linear(Index inputs, Index outputs, bool bias)
    : inputs_(inputs), outputs_(outputs), has_bias_(bias), weight_(nullptr) {
  bias_ = make_parameter<T>("bias", {outputs});
}

template <class T>
Linear<T>::Linear(Index inputs, Index outputs, bool bias, WeightSeed seed)
    : Linear(inputs, outputs, bias) {
  own_weight_ = make_parameter<T>("weight", {outputs, inputs});
  glorot_uniform(inputs, outputs, seed, inputs * outputs, own_weight_.value.data());
  weight_ = &own_weight_;
}

template <class T>
std::vector<Parameter<T>*> Linear<T>::parameters() {
  std::vector<Parameter<T>*> list;
  if (weight_) list.push_back(weight_);
  if (has_bias_) list.push_back(&bias_);
  return list;
}

template <class T>
std::shared_ptr<const typename Linear<T>::Packed> Linear<T>::packed(Index rows) const {
  // Little work takes less time in narrower registers, more takes longer.
  const bool little = rows <= 8 && inputs_ <= 32;
  const KernelTable<T>&all = kernels<T>(), &k = little ? kernels_for<T>(outputs_) : all;
  const PackedCache<Packed>& cache = &k == &all ? packed_ : packed_for_little_;
  return cache.get(&k, [&](Packed& p) {
    p.kernels = &k;
    const T* w = weight_->value.data();
    p.weight.resize(static_cast<std::size_t>(packed_size(outputs_, inputs_, k.lanes)));
    pack_columns(
        inputs_, outputs_, k.lanes, [&](Index i, Index o) { return w[o * inputs_ + i]; },
        p.weight.data());
    p.bias.assign(static_cast<std::size_t>(round_up(outputs_, k.lanes)), T(0));
    for (std::size_t i = 0; i < bias_.value.size(); ++i) p.bias[i] = bias_.value[i];
  });
}

template <class T>
std::shared_ptr<const typename Linear<T>::Packed> Linear<T>::packed_transposed() const {
  const KernelTable<T>& k = kernels<T>();
  return transposed_.get(&k, [&](Packed& p) {
    p.kernels = &k;
    const T* w = weight_->value.data();
    p.weight.resize(static_cast<std::size_t>(packed_size(inputs_, outputs_, k.lanes)));
    pack_columns(
        outputs_, inputs_, k.lanes, [&](Index o, Index i) { return w[o * inputs_ + i]; },
        p.weight.data());
  });
}

template <class T>
void Linear<T>::forward(Index rows, Rows<const T> x, Rows<T> y, bool accumulate) const {
  const auto weights = packed(rows);
  const KernelTable<T>& k = *weights->kernels;
  const double work = static_cast<double>(rows * inputs_ * outputs_);
  parallel_for(rows, work, [&](Index begin, Index end) {
    ProductArgs<T> args;
    args.rows = end - begin;
    args.depth = inputs_;
    args.cols = outputs_;
    args.a = x.data + begin * x.stride;
    args.a_stride = x.stride;
    args.packed = weights->weight.data();
    args.bias = weights->bias.data();
    args.out = y.data + begin * y.stride;
    args.out_stride = y.stride;
    args.accumulate = accumulate;
    k.product(args);
    if (accumulate && has_bias_)
      for (Index r = begin; r < end; ++r)
        for (Index o = 0; o < outputs_; ++o)
          y.data[r * y.stride + o] += bias_.value[static_cast<std::size_t>(o)];
  });
}

template <class T>
void Linear<T>::backward(Index rows, Rows<const T> x, Rows<const T> dy, Rows<T> dx, bool accumulate,
                         T* const* gradients, Workspace& workspace) const {
  const auto weights = packed_transposed();
  const KernelTable<T>& k = *weights->kernels;
  const double work = static_cast<double>(rows * inputs_ * outputs_);
  if (dx.data)
    parallel_for(rows, work, [&](Index begin, Index end) {
      ProductArgs<T> args;
      args.rows = end - begin;
      args.depth = outputs_;
      args.cols = inputs_;
      args.a = dy.data + begin * dy.stride;
      args.a_stride = dy.stride;
      args.packed = weights->weight.data();
      args.out = dx.data + begin * dx.stride;
      args.out_stride = dx.stride;
      args.accumulate = accumulate;
      k.product(args);
    });

  // One part per panel of outputs: each gradient value is summed by one thread, in row order.
  const Workspace::Scope scope(workspace);
  const Index padded = round_up(outputs_, k.lanes), width = 4 * k.lanes;
  T* weight_gradient = workspace.take_zeros<T>(inputs_ * padded);
  T* bias_gradient = workspace.take_zeros<T>(padded);
  const Index panels = (outputs_ + width - 1) / width;
  const Index scratch_size = k.gradient_scratch(rows, inputs_);
  const Index parts = parallel_parts(panels, work);
  T* scratch = workspace.take<T>(parts * scratch_size);
  run_parts(parts, panels, [&](Index part, Index begin, Index end) {
    GradientProductArgs<T> args;
    args.samples = rows;
    args.per_step = rows;
    args.left[0] = {inputs_, x.data, 0, x.stride, weight_gradient};
    args.b = dy.data;
    args.b_stride = dy.stride;
    args.begin = begin * width;
    args.end = end * width < outputs_ ? end * width : outputs_;
    args.out_stride = padded;
    args.sums = bias_gradient;
    args.scratch = scratch + part * scratch_size;
    k.gradient_product(args);
  });
  k.transpose({inputs_, outputs_, weight_gradient, padded, gradients[0], inputs_, true});
  if (has_bias_)
    for (Index o = 0; o < outputs_; ++o) gradients[1][o] += bias_gradient[o];
}

template class Linear<float>;
template class Linear<double>;

}  // namespace lstm_native
