#include "core/layers/merge.hpp"

#include <algorithm>
#include <numeric>
#include <type_traits>

#include "core/layers/layer_stream.hpp"
#include "core/layers/true_steps.hpp"
#include "core/runtime/threads.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

template <class Spec>
constexpr bool kConcat = std::is_same_v<Spec, ConcatSpec>;
template <class Spec>
constexpr bool kMultiply = std::is_same_v<Spec, MultiplySpec>;
template <class Spec>
constexpr bool kAverage = std::is_same_v<Spec, AverageSpec>;
template <class Spec>
constexpr const char* kName = kConcat<Spec>     ? "Concat"
                              : kMultiply<Spec> ? "Multiply"
                              : kAverage<Spec>  ? "Average"
                                                : "Add";

/// One row of the output; row_of(input) gives that input's.
template <class Spec, class T, class RowOf>
void merge_row(const MergedInputs& inputs, const RowOf& row_of, T* y) {
  const std::size_t count = inputs.count();
  for (std::size_t k = 0; k < count; ++k) {
    const T* x = row_of(k);
    const Index features = inputs.features(k);
    if (kConcat<Spec>)
      y = std::copy_n(x, features, y);
    else if (k == 0)
      std::copy_n(x, features, y);
    else if (kMultiply<Spec>)
      for (Index i = 0; i < features; ++i) y[i] *= x[i];
    else
      for (Index i = 0; i < features; ++i) y[i] += x[i];
  }
  if (kAverage<Spec>)
    for (Index i = 0; i < inputs.features(0); ++i) y[i] /= static_cast<T>(count);
}

/// What one row of the output's gradient gives input `k`: written to dx, or added to it.
template <class Spec, class T, class RowOf>
void lead_row_back(const MergedInputs& inputs, const RowOf& row_of, std::size_t k, const T* dy,
                   bool add, T* dx) {
  if (kConcat<Spec>)
    for (std::size_t j = 0; j < k; ++j) dy += inputs.features(j);
  for (Index i = 0; i < inputs.features(k); ++i) {
    T value = dy[i];
    if (kAverage<Spec>) value /= static_cast<T>(inputs.count());
    if (kMultiply<Spec>)
      for (std::size_t j = 0; j < inputs.count(); ++j)
        if (j != k) value *= row_of(j)[i];
    dx[i] = add ? dx[i] + value : value;
  }
}

}  // namespace

template <class T, class Spec>
MergeLayer<T, Spec>::MergeLayer(const Spec& spec, const std::vector<Index>& features)
    : spec_(spec), inputs_(kName<Spec>, features), features_(features[0]) {
  if (kConcat<Spec>)
    features_ = std::accumulate(features.begin(), features.end(), Index{0});
  else
    inputs_.check_same_features();
}

template <class T, class Spec>
OutputShape MergeLayer<T, Spec>::output_shape(std::size_t, const OutputShape* in) const {
  return {inputs_.timesteps(in), features_};
}

template <class T, class Spec>
const Index* MergeLayer<T, Spec>::output_lengths(std::size_t, const Batch<T>* in,
                                                 Workspace&) const {
  return inputs_.lengths(in);
}

template <class T, class Spec>
class MergeLayer<T, Spec>::MergeTape final : public Tape<T> {
 public:
  MergeTape(const MergeLayer& layer, const Batch<T>* in)
      : layer_(layer), in_(in, in + layer.inputs_.count()) {}

  void backward(const T* const* dy, T* const* dx, T* const*, Workspace&) override {
    const MergedBatch<T> batch = merged_batch(layer_.inputs_, in_.data());
    for (std::size_t k = 0; k < in_.size(); ++k)
      if (dx[k]) lead_back(batch, k, dy[0], dx[k]);
  }

 private:
  void lead_back(const MergedBatch<T>& batch, std::size_t k, const T* dy, T* dx) const {
    const MergedInputs& inputs = layer_.inputs_;
    const Index features = inputs.features(k), width = layer_.features_;
    const bool repeated = batch.is_repeated(k);
    if (repeated) std::fill_n(dx, batch.samples * features, T(0));
    const double work = static_cast<double>(batch.samples * rows_of(1, batch.timesteps) * features);
    parallel_for(batch.samples, work, [&](Index begin, Index end) {
      for_each_step(batch, begin, end, [&](Index row, Index sample, Index step) {
        const auto row_of = [&](std::size_t j) {
          return in_[j].values + batch.row(j, sample, step) * inputs.features(j);
        };
        lead_row_back<Spec>(inputs, row_of, k, dy + row * width, repeated,
                            dx + batch.row(k, sample, step) * features);
      });
    });
    if (!repeated)
      TrueSteps{batch.samples, batch.timesteps, batch.lengths}.clear_padding(dx, features);
  }

  const MergeLayer& layer_;
  std::vector<Batch<T>> in_;
};

template <class T, class Spec>
std::unique_ptr<Tape<T>> MergeLayer<T, Spec>::forward(const Batch<T>* in, T* const* out,
                                                      const Pass& pass) const {
  const MergedBatch<T> batch = merged_batch(inputs_, in);
  const double work = static_cast<double>(batch.samples * rows_of(1, batch.timesteps) * features_);
  parallel_for(batch.samples, work, [&](Index begin, Index end) {
    for_each_step(batch, begin, end, [&](Index row, Index sample, Index step) {
      const auto row_of = [&](std::size_t k) {
        return in[k].values + batch.row(k, sample, step) * inputs_.features(k);
      };
      merge_row<Spec>(inputs_, row_of, out[0] + row * features_);
    });
  });
  TrueSteps{batch.samples, batch.timesteps, batch.lengths}.clear_padding(out[0], features_);
  if (!pass.remember) return nullptr;
  return std::make_unique<MergeTape>(*this, in);
}

template <class T, class Spec>
class MergeLayer<T, Spec>::MergeStream final : public LayerStream<T> {
 public:
  MergeStream(const MergedInputs& inputs, Index rows, Index features)
      : inputs_(inputs), rows_(rows), features_(features) {}

  void step(const Batch<T>* in, T* const* out) noexcept override {
    for (Index row = 0; row < rows_; ++row)
      merge_row<Spec>(
          inputs_, [&](std::size_t k) { return in[k].values + row * inputs_.features(k); },
          out[0] + row * features_);
  }

 private:
  MergedInputs inputs_;
  Index rows_, features_;
};

template <class T, class Spec>
std::unique_ptr<LayerStream<T>> MergeLayer<T, Spec>::stream(Index rows) const {
  return std::make_unique<MergeStream>(inputs_, rows, features_);
}

template class MergeLayer<float, ConcatSpec>;
template class MergeLayer<double, ConcatSpec>;
template class MergeLayer<float, AddSpec>;
template class MergeLayer<double, AddSpec>;
template class MergeLayer<float, MultiplySpec>;
template class MergeLayer<double, MultiplySpec>;
template class MergeLayer<float, AverageSpec>;
template class MergeLayer<double, AverageSpec>;

}  // namespace lstm_native
