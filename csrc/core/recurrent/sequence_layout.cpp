#include "core/recurrent/sequence_layout.hpp"

#include <algorithm>
#include <numeric>

#include "core/base/rows.hpp"

namespace lstm_native {
SequenceLayout::SequenceLayout(Index samples, Index timesteps, const Index* lengths)
    : samples_(samples), timesteps_(timesteps), steps_(timesteps) {
  if (!lengths) return;
  steps_ = *std::max_element(lengths, lengths + samples);
  if (std::all_of(lengths, lengths + samples, [&](Index n) { return n == steps_; })) return;
  order_.resize(at(samples));
  std::iota(order_.begin(), order_.end(), Index{0});
  // Stable: samples of one length stay in their order.
  std::stable_sort(order_.begin(), order_.end(),
                   [&](Index a, Index b) { return lengths[a] > lengths[b]; });
  for (const Index sample : order_) lengths_.push_back(lengths[sample]);
  offsets_.push_back(0);
  Index active = samples;
  for (Index t = 0; t < steps_; ++t) {
    while (lengths_[at(active - 1)] <= t) --active;
    offsets_.push_back(offsets_.back() + active);
  }
}

template <class T>
void SequenceLayout::gather(const T* from, Index width, const SequenceView<T>& to,
                            bool backwards) const {
  for_each([&](Index t, Index row, Index from_end) {
    copy_row(place(from, width, row, backwards ? from_end : t), width, to.at(t, row));
  });
}

template <class T>
void SequenceLayout::scatter(const SequenceView<const T>& from, Index width, T* to,
                             bool backwards) const {
  for_each([&](Index t, Index row, Index from_end) {
    copy_row(from.at(t, row), width, place(to, width, row, backwards ? from_end : t));
  });
  clear_padding(width, to);
}

template <class T>
void SequenceLayout::clear_padding(Index width, T* to) const {
  if (!packed() && steps_ == timesteps_) return;
  for (Index row = 0; row < samples_; ++row)
    std::fill(place(to, width, row, length(row)), place(to, width, row, timesteps_), T(0));
}

template void SequenceLayout::gather(const float*, Index, const SequenceView<float>&, bool) const;
template void SequenceLayout::gather(const double*, Index, const SequenceView<double>&, bool) const;
template void SequenceLayout::scatter(const SequenceView<const float>&, Index, float*, bool) const;
template void SequenceLayout::scatter(const SequenceView<const double>&, Index, double*,
                                      bool) const;
template void SequenceLayout::clear_padding(Index, float*) const;
template void SequenceLayout::clear_padding(Index, double*) const;

}  // namespace lstm_native
