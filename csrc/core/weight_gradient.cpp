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
WeightGradient<T>::WeightGradient(const RecurrentRun<T>& run,
                                  const RecurrentGradients<T>& gradients, Index chunk, Index parts,
                                  Workspace& workspace)
    : w_(*run.weights), run_(run), g_(gradients), parts_(parts) {
  const Index depth = w_.inputs + w_.order.hidden_size, columns = w_.order.columns();
  const Index steps = std::min(chunk, run.timesteps);
  scratch_size_ = w_.kernels->gradient_scratch(steps * run.samples, depth);
  if (steps == run.timesteps) {
    scratch_size_ += kPanelsPerGroup * panel_width(w_) * depth;
  } else {
    input_sums_ = workspace.take<T>(w_.inputs * columns);
    recurrent_sums_ = workspace.take<T>(w_.order.hidden_size * columns);
  }
  scratch_ = workspace.take<T>(parts * scratch_size_);
  bias_sums_ = workspace.take<T>(columns);
}

/// The product of one chunk, and where its operands end: it is read backwards.
template <class T>
struct WeightGradient<T>::Product {
  const KernelTable<T>& kernels;
  GradientProductArgs<T> args;
  GradientLeft<T> x, h;
  const T* gates;
  T* bias_sums;
  T* buffer;         // behind the kernel's scratch
  bool first, last;  // chunk

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
      scratch + w_.kernels->gradient_scratch((t1 - t0) * N, w_.inputs + H),
      t1 == run_.timesteps,
      t0 == 0};
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
  const Index F = w_.inputs, H = w_.order.hidden_size;
  const Index columns = w_.order.columns(), width = panel_width(w_);
  begin *= width;
  end = std::min(end * width, columns);
  // Without sums to keep, group by group through a buffer that stays in the cache.
  const Index group = recurrent_sums_ ? end - begin : kPanelsPerGroup * width;
  const Index stride = recurrent_sums_ ? columns : group;
  for (; begin < end; begin += group) {
    const Index stop = std::min(begin + group, end);
    T* of_x = recurrent_sums_ ? input_sums_ + begin : product.buffer;
    T* of_h = recurrent_sums_ ? recurrent_sums_ + begin : product.buffer + F * stride;
    if (!with_x) of_x = nullptr;
    if (!with_h) of_h = nullptr;
    if (product.first) {
      const auto clear = [&](T* sums, Index depth) {
        for (Index k = 0; sums && k < depth; ++k)
          std::fill_n(sums + k * stride, stop - begin, T(0));
      };
      clear(of_x, F);
      clear(of_h, H);
      if (with_x) std::fill(bias_sums_ + begin, bias_sums_ + stop, T(0));
    }
    product.run(begin, stop, of_x, of_h, stride);
    if (product.last) deliver(begin, stop, of_x, of_h, stride);
  }
}

/// Adds the sums of the columns [begin, end) to the gradients.
template <class T>
void WeightGradient<T>::deliver(Index begin, Index end, const T* of_x, const T* of_h,
                                Index stride) const {
  const GateOrder& order = w_.order;
  const Index H = order.hidden_size;
  if (of_h)
    add_unpacked_gates(*w_.kernels, order, H, begin, end, of_h, stride, g_.weight_recurrent);
  if (!of_x) return;
  add_unpacked_gates(*w_.kernels, order, w_.inputs, begin, end, of_x, stride, g_.weight_input);
  for_each_block(order, [&](Index gate, Index unit, Index units) {
    const Index column = order.column(gate, unit);
    if (column < begin || column >= end) return;
    for (Index u = 0; u < units; ++u) {
      g_.bias_input[gate * H + unit + u] += bias_sums_[column + u];
      g_.bias_recurrent[gate * H + unit + u] += bias_sums_[column + u];
    }
  });
}

template class WeightGradient<float>;
template class WeightGradient<double>;

}  // namespace lstm_native
