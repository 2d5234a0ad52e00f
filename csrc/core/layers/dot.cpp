#include "core/layers/dot.hpp"

#include <algorithm>
#include <cmath>

#include "core/layers/layer_stream.hpp"
#include "core/layers/true_steps.hpp"
#include "core/runtime/threads.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

constexpr double kSmallestSquare = 1e-12;

/// The product of two rows and the lengths by which it is divided.
struct Product {
  double value, length_a = 1, length_b = 1;
  bool moves_a = false, moves_b = false;  // whether the lengths depend on the rows

  double normalised() const { return value / (length_a * length_b); }
};

template <class T>
double product_of(const T* a, const T* b, Index features) {
  double sum = 0;
  for (Index i = 0; i < features; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

template <class T>
Product product(const T* a, const T* b, Index features, bool normalise) {
  Product p{product_of(a, b, features)};
  if (!normalise) return p;
  const double square_a = product_of(a, a, features), square_b = product_of(b, b, features);
  p.moves_a = square_a > kSmallestSquare;
  p.moves_b = square_b > kSmallestSquare;
  p.length_a = std::sqrt(std::max(square_a, kSmallestSquare));
  p.length_b = std::sqrt(std::max(square_b, kSmallestSquare));
  return p;
}

/// The gradient of `a`: b / (|a| |b|), less what changes |a|.
template <class T>
void lead_row_back(const T* a, const T* b, Index features, const Product& p, double length_a,
                   bool moves_a, double dy, bool add, T* da) {
  const double of_b = dy / (p.length_a * p.length_b);
  const double of_a = moves_a ? dy * p.normalised() / (length_a * length_a) : 0.0;
  for (Index i = 0; i < features; ++i) {
    const T value =
        static_cast<T>(of_b * static_cast<double>(b[i]) - of_a * static_cast<double>(a[i]));
    da[i] = add ? da[i] + value : value;
  }
}

}  // namespace

template <class T>
DotLayer<T>::DotLayer(const DotSpec& spec, const std::vector<Index>& features)
    : spec_(spec), inputs_("Dot", features) {
  if (features.size() != 2)
    throw InvalidArgument("Dot: expected two inputs, got " + std::to_string(features.size()));
  inputs_.check_same_features();
}

template <class T>
OutputShape DotLayer<T>::output_shape(std::size_t, const OutputShape* in) const {
  return {inputs_.timesteps(in), 1};
}

template <class T>
const Index* DotLayer<T>::output_lengths(std::size_t, const Batch<T>* in, Workspace&) const {
  return inputs_.lengths(in);
}

template <class T>
class DotLayer<T>::DotTape final : public Tape<T> {
 public:
  DotTape(const DotLayer& layer, const Batch<T>* in) : layer_(layer), in_{in[0], in[1]} {}

  void backward(const T* const* dy, T* const* dx, T* const*, Workspace&) override {
    const MergedBatch<T> batch = merged_batch(layer_.inputs_, in_);
    for (std::size_t k = 0; k < 2; ++k)
      if (dx[k]) lead_back(batch, k, dy[0], dx[k]);
  }

 private:
  void lead_back(const MergedBatch<T>& batch, std::size_t k, const T* dy, T* dx) const {
    const Index features = layer_.inputs_.features(0);
    const bool repeated = batch.is_repeated(k);
    if (repeated) std::fill_n(dx, batch.samples * features, T(0));
    const double work = static_cast<double>(batch.samples * rows_of(1, batch.timesteps) * features);
    parallel_for(batch.samples, work, [&](Index begin, Index end) {
      for_each_step(batch, begin, end, [&](Index row, Index sample, Index step) {
        const T* rows[2];
        for (std::size_t j = 0; j < 2; ++j)
          rows[j] = in_[j].values + batch.row(j, sample, step) * features;
        const Product p = product(rows[0], rows[1], features, layer_.spec_.normalise);
        lead_row_back(rows[k], rows[1 - k], features, p, k == 0 ? p.length_a : p.length_b,
                      k == 0 ? p.moves_a : p.moves_b, static_cast<double>(dy[row]), repeated,
                      dx + batch.row(k, sample, step) * features);
      });
    });
    if (!repeated)
      TrueSteps{batch.samples, batch.timesteps, batch.lengths}.clear_padding(dx, features);
  }

  const DotLayer& layer_;
  Batch<T> in_[2];
};

template <class T>
std::unique_ptr<Tape<T>> DotLayer<T>::forward(const Batch<T>* in, T* const* out,
                                              const Pass& pass) const {
  const MergedBatch<T> batch = merged_batch(inputs_, in);
  const Index features = inputs_.features(0);
  const double work = static_cast<double>(batch.samples * rows_of(1, batch.timesteps) * features);
  parallel_for(batch.samples, work, [&](Index begin, Index end) {
    for_each_step(batch, begin, end, [&](Index row, Index sample, Index step) {
      const T* a = in[0].values + batch.row(0, sample, step) * features;
      const T* b = in[1].values + batch.row(1, sample, step) * features;
      out[0][row] = static_cast<T>(product(a, b, features, spec_.normalise).normalised());
    });
  });
  TrueSteps{batch.samples, batch.timesteps, batch.lengths}.clear_padding(out[0], 1);
  if (!pass.remember) return nullptr;
  return std::make_unique<DotTape>(*this, in);
}

template <class T>
class DotLayer<T>::DotStream final : public LayerStream<T> {
 public:
  DotStream(Index rows, Index features, bool normalise)
      : rows_(rows), features_(features), normalise_(normalise) {}

  void step(const Batch<T>* in, T* const* out) noexcept override {
    for (Index row = 0; row < rows_; ++row) {
      const T* a = in[0].values + row * features_;
      const T* b = in[1].values + row * features_;
      out[0][row] = static_cast<T>(product(a, b, features_, normalise_).normalised());
    }
  }

 private:
  Index rows_, features_;
  bool normalise_;
};

template <class T>
std::unique_ptr<LayerStream<T>> DotLayer<T>::stream(Index rows) const {
  return std::make_unique<DotStream>(rows, inputs_.features(0), spec_.normalise);
}

template class DotLayer<float>;
template class DotLayer<double>;

}  // namespace lstm_native
