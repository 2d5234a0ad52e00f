#include "core/layers/window_pooling.hpp"

#include <type_traits>

#include "core/layers/layer_stream.hpp"
#include "core/layers/past_steps.hpp"
#include "core/layers/pooled_rows.hpp"
#include "core/layers/sequence_rows.hpp"
#include "core/layers/true_steps.hpp"
#include "core/runtime/threads.hpp"

namespace lstm_native {
namespace {

template <class Spec>
constexpr bool kTakesMax = std::is_same_v<Spec, MaxPool1DSpec>;
template <class Spec>
constexpr const char* kName = kTakesMax<Spec> ? "MaxPool1D" : "MeanPool1D";

/// The steps of a window that a sequence of `length` has: never none.
struct Seen {
  Index begin, count;
};
Seen seen_by(const StepWindows& w, Index window, Index length) {
  const Index first = window * w.stride - w.before(length);
  const Index begin = std::max<Index>(first, 0);
  return {begin, std::min(first + w.size, length) - begin};
}

}  // namespace

template <class T, class Spec>
WindowPoolLayer<T, Spec>::WindowPoolLayer(const Spec& spec, Index features)
    : spec_(spec), features_(features), windows_{spec.pool_size, spec.stride, 1, spec.padding} {}

template <class T, class Spec>
OutputShape WindowPoolLayer<T, Spec>::output_shape(Index timesteps) const {
  return {windows_.checked_count(kName<Spec>, timesteps), features_};
}

template <class T, class Spec>
const Index* WindowPoolLayer<T, Spec>::output_lengths(std::size_t, const Batch<T>* in,
                                                      Workspace& workspace) const {
  return windows_.counts(in[0].samples, in[0].lengths, workspace);
}

template <class T, class Spec>
class WindowPoolLayer<T, Spec>::PoolTape final : public SequenceTape<T> {
 public:
  /// which: for each value of `out` which step of its window was taken; null for a mean.
  PoolTape(const StepWindows& windows, const Batch<T>& x, const SequenceRows& out,
           const Index* which)
      : windows_(windows), x_(x), out_(out), which_(which) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const*, Workspace&) override {
    if (!dx) return;
    const Index features = x_.features, timesteps = windows_.count(x_.timesteps);
    const double work = static_cast<double>(x_.samples * x_.timesteps * features);
    parallel_for(x_.samples, work, [&](Index begin, Index end) {
      for (Index n = begin; n < end; ++n)
        lead_back(n, dy + n * timesteps * features, dx + n * x_.timesteps * features);
    });
  }

 private:
  /// One sequence, whose windows may overlap: in their order.
  void lead_back(Index sample, const T* dy, T* dx) const {
    const Index features = x_.features, length = true_rows(x_, sample);
    std::fill_n(dx, x_.timesteps * features, T(0));
    for (Index window = 0; window < out_.length(sample); ++window, dy += features) {
      const Seen seen = seen_by(windows_, window, length);
      T* to = dx + seen.begin * features;
      if (which_) {
        const Index* which = which_ + (out_.first(sample) + window) * features;
        for (Index i = 0; i < features; ++i) to[which[i] * features + i] += dy[i];
      } else {
        const T count = static_cast<T>(seen.count);
        for (Index r = 0; r < seen.count; ++r)
          for (Index i = 0; i < features; ++i) to[r * features + i] += dy[i] / count;
      }
    }
  }

  StepWindows windows_;
  Batch<T> x_;
  SequenceRows out_;
  const Index* which_;
};

template <class T, class Spec>
std::unique_ptr<SequenceTape<T>> WindowPoolLayer<T, Spec>::forward(const Batch<T>& x, T* y,
                                                                   const States<T>&,
                                                                   const Pass& pass) const {
  const Index timesteps = windows_.count(x.timesteps), features = features_;
  const Index* lengths = windows_.counts(x.samples, x.lengths, pass.workspace);
  const SequenceRows out(x.samples, timesteps, lengths, pass.workspace);
  Index* which = nullptr;
  if (kTakesMax<Spec> && pass.remember) which = pass.workspace.take<Index>(out.rows() * features);
  {
    const Workspace::Scope scope(pass.workspace);
    const double work = static_cast<double>(out.rows() * features * windows_.size);
    const Index parts = parallel_parts(std::max<Index>(out.rows(), 1), work);
    double* sums = pass.workspace.take<double>(parts * features);
    run_parts(parts, out.rows(), [&](Index part, Index begin, Index end) {
      out.for_each_run(begin, end, [&](Index sample, Index first, Index row, Index count) {
        const Index length = true_rows(x, sample);
        for (Index window = first; window < first + count; ++window, ++row) {
          const Seen seen = seen_by(windows_, window, length);
          const T* from = x.values + (sample * x.timesteps + seen.begin) * features;
          T* to = y + (sample * timesteps + window) * features;
          if (kTakesMax<Spec>)
            max_of_rows(from, seen.count, features, features, to,
                        which ? which + row * features : nullptr);
          else
            mean_of_rows(from, seen.count, features, features, sums + part * features, to);
        }
      });
    });
  }
  TrueSteps{x.samples, timesteps, lengths}.clear_padding(y, features);
  if (!pass.remember) return nullptr;
  return std::make_unique<PoolTape>(windows_, x, out, which);
}

/// Looks back at the steps of its window, as far as there have been any.
template <class T, class Spec>
class WindowPoolLayer<T, Spec>::PoolStream final : public SequenceStream<T> {
 public:
  PoolStream(Index size, Index rows, Index features)
      : rows_(rows),
        features_(features),
        past_(size - 1, rows, features),
        window_(static_cast<std::size_t>(size * features)),
        sums_(static_cast<std::size_t>(features)),
        seen_(static_cast<std::size_t>(rows)) {}

  void step(const Batch<T>& x, T* y) noexcept override {
    const Index kept = past_.steps();
    for (Index row = 0; row < rows_; ++row) {
      Index& seen = seen_[static_cast<std::size_t>(row)];
      const Index count = seen + 1;
      seen = std::min(count, kept);
      T* to = window_.data();
      for (Index i = kept + 1 - count; i < kept; ++i)
        to = std::copy_n(past_.at(i, row), features_, to);
      std::copy_n(x.values + row * features_, features_, to);
      if (kTakesMax<Spec>)
        max_of_rows<T>(window_.data(), count, features_, features_, y + row * features_, nullptr);
      else
        mean_of_rows(window_.data(), count, features_, features_, sums_.data(),
                     y + row * features_);
    }
    past_.push(x.values);
  }

  std::vector<TensorInfo> state() const override {
    auto list = past_.state();
    if (!list.empty()) list.push_back({"seen", {1, rows_, 1}});
    return list;
  }
  void reset() noexcept override {
    past_.reset();
    std::fill(seen_.begin(), seen_.end(), Index{0});
  }
  void get_state(Index i, T* out) const noexcept override {
    if (i == 0) return past_.get(out);
    for (const Index seen : seen_) *out++ = static_cast<T>(seen);
  }
  void set_state(Index i, const T* values) noexcept override {
    if (i == 0) return past_.set(values);
    const T most = static_cast<T>(past_.steps());
    for (Index& seen : seen_) {
      const T value = *values++;  // may be anything
      seen = value > 0 ? static_cast<Index>(std::min(value, most)) : 0;
    }
  }

 private:
  Index rows_, features_;
  PastSteps<T> past_;
  std::vector<T> window_;
  std::vector<double> sums_;
  std::vector<Index> seen_;  // for each row: the steps in `past_` that there have been
};

template <class T, class Spec>
std::unique_ptr<LayerStream<T>> WindowPoolLayer<T, Spec>::stream(Index rows) const {
  windows_.check_streams(kName<Spec>);
  return std::make_unique<PoolStream>(windows_.size, rows, features_);
}

template class WindowPoolLayer<float, MaxPool1DSpec>;
template class WindowPoolLayer<double, MaxPool1DSpec>;
template class WindowPoolLayer<float, MeanPool1DSpec>;
template class WindowPoolLayer<double, MeanPool1DSpec>;

}  // namespace lstm_native
