#include "core/weight_gradient.hpp"

#include <algorithm>

namespace lstm_native {
namespace {

// Panels of columns that go through a buffer together when there are no sums to keep.
constexpr Index kPanelsPerGroup = 2;

template <class T>
Index panel_width(const RecurrentWeights<T>& w) {
  return 4 * w.kernels->lanes;
}

}  // namespace

template <class T>
WeightGradient<T>::WeightGradient(const RecurrentWeights<T>& weights, const RecurrentRun<T>& run,
                                  const RecurrentGradients<T>& gradients, Index chunk, Index parts,
                                  Workspace& workspace)
    : w_(weights), run_(run), g_(gradients), parts_(parts) {
  const Index depth = w_.inputs + w_.order.hidden_size, columns = w_.order.columns();
  const Index steps = std::min(chunk, run.timesteps);
  scratch_size_ = w_.kernels->gradient_scratch(steps * run.samples, depth);
  if (steps == run.timesteps) {
    scratch_size_ += kPanelsPerGroup * panel_width(w_) * depth;
  } else {
    input_sums_ = workspace.take_zeros<T>(w_.inputs * columns);
    recurrent_sums_ = workspace.take_zeros<T>(w_.order.hidden_size * columns);
  }
  scratch_ = workspace.take<T>(parts * scratch_size_);
  bias_sums_ = workspace.take_zeros<T>(columns);
}

/// The product of one chunk, and where its operands end: it is read backwards.
template <class T>
struct WeightGradient<T>::Product {
  const KernelTable<T>& kernels;
  GradientProductArgs<T> args;
  GradientLeft<T> x, h;
  const T* gates;
  T* bias_sums;
  T* buffer;  // behind the kernel's scratch

  /// The columns [begin, end); of_x, of_h: where column `begin` of the gradients is, or null.
  void run(Index begin, Index end, T* of_x, T* of_h, Index stride) {
    args.b = gates + begin;
    args.end = end - begin;
    args.out_stride = stride;
    args.left[0] = of_x ? x : GradientLeft<T>{};
    args.left[1] = of_h ? h : GradientLeft<T>{};
    args.left[0].out = of_x;
    args.left[1].out = of_h;
    args.sums = of_x ? bias_sums + begin : nullptr;
    kernels.gradient_product(args);
  }
};

template <class T>
void WeightGradient<T>::add(Index t0, Index t1, Index part) const {
  const Index N = run_.samples, H = w_.order.hidden_size, P = w_.order.padded();
  const Index columns = w_.order.columns(), width = panel_width(w_);
  T* const scratch = scratch_ + part * scratch_size_;
  Product product{
      *w_.kernels,
      {},
      {w_.inputs, run_.x.at(t1 - 1, N - 1), -run_.x.time_stride, -run_.x.row_stride, nullptr},
      {H, run_.h + (t1 * N - 1) * P, -N * P, -P, nullptr},
      run_.gates + (t1 * N - 1) * columns,
      bias_sums_,
      scratch + w_.kernels->gradient_scratch((t1 - t0) * N, w_.inputs + H)};
  product.args.samples = (t1 - t0) * N;
  product.args.per_step = N;
  product.args.b_stride = -columns;
  product.args.scratch = scratch;

  // Shared out are the panels of columns, twice: for the input and for the hidden state.
  const Range own = part_of(2 * ((columns + width - 1) / width), parts_, part);
  if (own.size() == 0) return;
  const Index first = (own.begin + 1) / 2, last = own.end / 2;
  if (own.begin % 2) add_panels(product, own.begin / 2, first, false, true);
  add_panels(product, first, last, true, true);
  if (own.end % 2) add_panels(product, last, last + 1, true, false);
}

template <class T>
void WeightGradient<T>::add_panels(Product& product, Index begin, Index end, bool with_x,
                                   bool with_h) const {
  const Index columns = w_.order.columns(), width = panel_width(w_);
  begin *= width;
  end = std::min(end * width, columns);
  if (recurrent_sums_)
    return product.run(begin, end, with_x ? input_sums_ + begin : nullptr,
                       with_h ? recurrent_sums_ + begin : nullptr, columns);
  // Group by group through a buffer that stays in the cache.
  const Index stride = kPanelsPerGroup * width, F = w_.inputs, H = w_.order.hidden_size;
  T* const of_x = product.buffer;
  T* const of_h = of_x + F * stride;
  for (; begin < end; begin += stride) {
    const Index stop = std::min(begin + stride, end);
    std::fill_n(of_x, (F + H) * stride, T(0));
    product.run(begin, stop, with_x ? of_x : nullptr, with_h ? of_h : nullptr, stride);
    if (with_x) unpack(F, begin, stop, of_x, stride, g_.weight_input);
    if (with_h) unpack(H, begin, stop, of_h, stride, g_.weight_recurrent);
  }
}

template <class T>
void WeightGradient<T>::unpack(Index depth, Index begin, Index end, const T* packed, Index stride,
                               T* gradient) const {
  add_unpacked_gates(*w_.kernels, w_.order, depth, begin, end, packed, stride, gradient);
}

template <class T>
void WeightGradient<T>::finish() const {
  const Index columns = w_.order.columns(), H = w_.order.hidden_size;
  if (recurrent_sums_) {
    unpack(w_.inputs, 0, columns, input_sums_, columns, g_.weight_input);
    unpack(H, 0, columns, recurrent_sums_, columns, g_.weight_recurrent);
  }
  w_.order.for_each([&](Index gate, Index unit, Index column) {
    g_.bias_input[gate * H + unit] += bias_sums_[column];
    g_.bias_recurrent[gate * H + unit] += bias_sums_[column];
  });
}

template class WeightGradient<float>;
template class WeightGradient<double>;

}  // namespace lstm_native
