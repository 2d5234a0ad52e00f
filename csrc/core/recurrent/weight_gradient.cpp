#include "core/recurrent/weight_gradient.hpp"

#include <algorithm>

#include "core/recurrent/partition.hpp"
#include "kernels/product_args.hpp"

namespace lstm_native {
namespace {

template <class T>
Index panel_width(const KernelTable<T>& kernels) {
  return 4 * kernels.lanes;
}

}  // namespace

template <class T>
WeightGradient<T>::WeightGradient(const KernelTable<T>& kernels, const GateOrder& order,
                                  WeightTarget<T> first, WeightTarget<T> second, T* bias,
                                  T* other_bias, Index samples, bool whole, T* sums, Index parts,
                                  Workspace& workspace)
    : kernels_(kernels),
      order_(order),
      targets_{first, second},
      bias_{bias, other_bias},
      parts_(parts) {
  const Index depth = first.depth + second.depth, columns = order.columns();
  scratch_size_ = kernel_scratch_ = kernels.gradient_scratch(samples, depth);
  if (sums) {
    sums_[0] = sums;
  } else if (whole) {
    scratch_size_ += panel_width(kernels) * depth;
  } else {
    sums_[0] = workspace.take<T>(depth * columns);
  }
  if (sums_[0]) sums_[1] = sums_[0] + first.depth * columns;
  scratch_ = workspace.take<T>(parts * scratch_size_);
  bias_sums_ = sums ? sums + depth * columns : workspace.take<T>(columns);
}

/// The product of one chunk.
template <class T>
struct WeightGradient<T>::Product {
  const KernelTable<T>& kernels;
  const WeightChunk<T>& chunk;
  GradientProductArgs<T> args;
  GradientLeft<T> left[2];
  T* bias_sums;
  T* buffer;  // behind the kernel's scratch

  /// The columns [begin, end); out: where column `begin` of each gradient is, or null.
  void run(Index begin, Index end, T* const* out, Index stride) {
    args.b = chunk.gates + begin;
    args.end = end - begin;
    args.out_stride = stride;
    for (int i = 0; i < 2; ++i) {
      args.left[i] = out[i] ? left[i] : GradientLeft<T>{};
      args.left[i].out = out[i];
    }
    args.sums = out[0] ? bias_sums + begin : nullptr;
    kernels.gradient_product(args);
  }
};

template <class T>
void WeightGradient<T>::add(const WeightChunk<T>& chunk, Index part) const {
  const Index columns = order_.columns(), width = panel_width(kernels_);
  T* const scratch = scratch_ + part * scratch_size_;
  Product product{kernels_, chunk, {}, {}, bias_sums_, scratch + kernel_scratch_};
  for (int i = 0; i < 2; ++i) {
    const auto& from = chunk.left[i];
    product.left[i] = {targets_[i].depth, from.values, -from.time_stride, -from.row_stride,
                       nullptr};
  }
  product.args.samples = chunk.samples;
  product.args.per_step = chunk.per_step;
  product.args.b_stride = -chunk.gates_stride;
  product.args.scratch = scratch;

  // Shared out are the panels of columns, once for each left operand.
  const Index lefts = targets_[1].depth > 0 ? 2 : 1;
  const Range own = part_of(lefts * ((columns + width - 1) / width), parts_, part);
  if (own.size() == 0) return;
  if (lefts == 1) return add_panels(product, own.begin, own.end, true, false);
  const Index first = (own.begin + 1) / 2, last = own.end / 2;
  if (own.begin % 2) add_panels(product, own.begin / 2, first, false, true);
  add_panels(product, first, last, true, true);
  if (own.end % 2) add_panels(product, last, last + 1, true, false);
}

template <class T>
void WeightGradient<T>::add_panels(Product& product, Index begin, Index end, bool with_first,
                                   bool with_second) const {
  const Index columns = order_.columns(), width = panel_width(kernels_);
  const bool with[2] = {with_first, with_second};
  const Index depth = (with_first ? targets_[0].depth : 0) + (with_second ? targets_[1].depth : 0);
  const bool one_block = product.chunk.samples <= kernels_.gradient_block(depth);
  product.args.packed_before = false;
  begin *= width;
  end = std::min(end * width, columns);
  // Without sums to keep, panel by panel through a buffer that stays in the cache.
  const Index group = sums_[0] ? end - begin : width;
  const Index stride = sums_[0] ? columns : group;
  for (; begin < end; begin += group) {
    const Index stop = std::min(begin + group, end);
    T* out[2] = {product.buffer, product.buffer + targets_[0].depth * stride};
    for (int i = 0; i < 2; ++i) {
      if (sums_[0]) out[i] = sums_[i] + begin;
      if (!with[i]) out[i] = nullptr;
      if (!product.chunk.first || !out[i]) continue;
      for (Index k = 0; k < targets_[i].depth; ++k)
        std::fill_n(out[i] + k * stride, stop - begin, T(0));
      if (i == 0) std::fill(bias_sums_ + begin, bias_sums_ + stop, T(0));
    }
    product.run(begin, stop, out, stride);
    product.args.packed_before = one_block;
    if (product.chunk.last) deliver(begin, stop, out[0], out[1], stride);
  }
}

/// Adds the sums of the columns [begin, end) to the gradients.
template <class T>
void WeightGradient<T>::deliver(Index begin, Index end, const T* of_first, const T* of_second,
                                Index stride) const {
  const Index H = order_.hidden_size;
  const T* const sums[2] = {of_first, of_second};
  for (int i = 0; i < 2; ++i)
    if (sums[i])
      add_unpacked_gates(kernels_, order_, targets_[i].depth, begin, end, sums[i], stride,
                         targets_[i].gradient);
  if (!of_first || !bias_[0]) return;
  for_each_block(order_, [&](Index gate, Index unit, Index units) {
    const Index column = order_.column(gate, unit);
    if (column < begin || column >= end) return;
    for (T* bias : bias_)
      for (Index u = 0; bias && u < units; ++u) bias[gate * H + unit + u] += bias_sums_[column + u];
  });
}

template class WeightGradient<float>;
template class WeightGradient<double>;

}  // namespace lstm_native
