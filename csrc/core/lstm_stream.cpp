#include "core/lstm_stream.hpp"

#include <algorithm>

#include "kernels/kernel_table.hpp"

namespace lstm_native {
namespace {

/// The kernels' arguments are made once: a step sets its own pointers alone.
template <class T>
class LSTMStream final : public LayerStream<T> {
 public:
  LSTMStream(std::shared_ptr<const std::vector<RecurrentWeights<T>>> weights, Index rows)
      : weights_(std::move(weights)), rows_(rows) {
    const GateOrder& order = weights_->front().order;
    hidden_ = order.hidden_size;
    padded_ = order.padded();
    const Index state = rows * padded_, columns = order.columns();
    // The gates of one layer at a time; h before and after the step, and c, of every layer.
    const auto layers = static_cast<Index>(weights_->size());
    memory_.resize(static_cast<std::size_t>(rows * columns + layers * 3 * state));
    T* gates = memory_.data();
    T* next = gates + rows * columns;
    for (const RecurrentWeights<T>& w : *weights_) {
      Stacked s;
      s.kernels = w.kernels;
      s.run.rows = rows;
      s.run.hidden_size = s.run.unit_end = hidden_;
      s.run.recurrent = w.recurrent;
      s.run.inputs = w.inputs;
      s.run.x_stride = layers_.empty() ? w.inputs : padded_;
      s.run.input = w.input_of_steps;
      s.run.bias = w.bias;
      s.run.gates = gates;
      s.run.h_prev = next;
      s.run.h = next + state;
      s.run.c_prev = s.run.c = next + 2 * state;
      next += 3 * state;
      layers_.push_back(s);
    }
  }

  void step(const Batch<T>& x, T* y) noexcept override {
    const T* input = x.values;
    for (Stacked& s : layers_) {
      s.run.x = input;
      if (&s == &layers_.back()) {
        s.run.y = y;
        s.run.y_stride = hidden_;
      }
      s.kernels->lstm_step(s.run);
      s.run.last_first = !s.run.last_first;
      // What this step wrote is what the next one reads.
      input = s.run.h;
      s.run.h = const_cast<T*>(s.run.h_prev);
      s.run.h_prev = input;
    }
  }

  void reset() noexcept override {
    for (Stacked& s : layers_)
      for (Index i = 0; i < 2; ++i) std::fill_n(tensor(s, i), rows_ * padded_, T(0));
  }

  void get_state(Index which, T* out) const noexcept override {
    for (const Stacked& s : layers_)
      for (Index r = 0; r < rows_; ++r, out += hidden_)
        std::copy_n(tensor(s, which) + r * padded_, hidden_, out);
  }

  void set_state(Index which, const T* values) noexcept override {
    for (Stacked& s : layers_)
      for (Index r = 0; r < rows_; ++r, values += hidden_)
        std::copy_n(values, hidden_, tensor(s, which) + r * padded_);
  }

 private:
  struct Stacked {
    const KernelTable<T>* kernels = nullptr;
    LstmStepArgs<T> run;
  };
  /// h (0) or c (1) of a stacked layer: rows x padded units; the padding stays zero.
  static T* tensor(const Stacked& s, Index which) {
    return which == 0 ? const_cast<T*>(s.run.h_prev) : s.run.c;
  }

  std::shared_ptr<const std::vector<RecurrentWeights<T>>> weights_;
  Index rows_, hidden_ = 0, padded_ = 0;
  AlignedVector<T> memory_;
  std::vector<Stacked> layers_;
};

}  // namespace

template <class T>
std::unique_ptr<LayerStream<T>> make_lstm_stream(
    std::shared_ptr<const std::vector<RecurrentWeights<T>>> weights, Index rows) {
  return std::make_unique<LSTMStream<T>>(std::move(weights), rows);
}

template std::unique_ptr<LayerStream<float>> make_lstm_stream(
    std::shared_ptr<const std::vector<RecurrentWeights<float>>>, Index);
template std::unique_ptr<LayerStream<double>> make_lstm_stream(
    std::shared_ptr<const std::vector<RecurrentWeights<double>>>, Index);

}  // namespace lstm_native
