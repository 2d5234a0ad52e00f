#include <algorithm>
#include <optional>

#include "core/attention/attending_steps.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

/// A step's memory is laid out when the stream is made and when it is given what to look at.
template <class T>
class AttendingStream final : public LayerStream<T> {
 public:
  AttendingStream(const AttendingLayer<T>& layer, Index rows)
      : layer_(layer),
        rows_(rows),
        states_(layer.states()),
        weights_(layer, rows),
        scoring_(layer.score().scoring()) {
    if (scoring_.v) {
      v_.assign(scoring_.v, scoring_.v + layer.score().key_size());
      scoring_.v = v_.data();
    }
    const RecurrentWeights<T>& cell = weights_.cell->cell;
    const Index P = cell.padded();
    loop_.weights = &cell;
    loop_.samples = rows;
    loop_.timesteps = 2;  // that take turns
    loop_.h = workspace_.take_zeros<T>(2 * rows * P);
    if (layer.plan().keeps_c) loop_.c = workspace_.take_zeros<T>(rows * P);
    buffers_.gates = workspace_.take<T>(rows * cell.order.columns());
    buffers_.inputs = workspace_.take<T>(rows * cell.inputs);
    buffers_.fed = workspace_.take_zeros<T>(rows * layer.fed_features());
    if (weights_.query)
      buffers_.queries = workspace_.take_zeros<T>(rows * layer.score().key_size());
    const Index Fm = layer.memory_features(), K = layer.options().components;
    if (layer.luong()) {
      buffers_.joined = workspace_.take<T>(rows * (Fm + layer.plan().hidden_size));
      buffers_.said = workspace_.take<T>(rows * layer.fed_features());
    }
    if (layer.window()) {
      buffers_.contexts = workspace_.take<T>(rows * Fm);
      buffers_.said = workspace_.take<T>(rows * 3 * K);
      buffers_.kappas = workspace_.take<T>(rows * K);
      buffers_.kappa = workspace_.take_zeros<T>(rows * K);
    }
  }

  bool must_hold(std::size_t port) const override { return port == 1; }

  void hold(std::size_t port, const Batch<T>& whole) override {
    if (port != 1) return LayerStream<T>::hold(port, whole);
    memory_.emplace(layer_, whole, true, scoring_, workspace_);
    buffers_.weights = workspace_.take<T>(rows_ * memory_->rows.longest);
    buffers_.scratch = workspace_.take<T>(rows_ * memory_->rows.longest);
    beams_ = rows_ / whole.samples;
    steps_.emplace(layer_, weights_, memory_->looks, loop_, buffers_, nullptr, beams_);
  }

  void step(const Batch<T>* in, T* const* out) noexcept override {
    const Index F = layer_.x_features(), O = layer_.output_features();
    const Index inputs = weights_.cell->cell.inputs, Fm = layer_.memory_features();
    for (Index r = 0; r < rows_; ++r)
      copy_row(in[0].values + r * F, F, buffers_.inputs + r * inputs);
    steps_->project(rows_, buffers_.inputs, buffers_.gates);
    steps_->step(turn_, 0, rows_);
    turn_ = 1 - turn_;
    T *const contexts = out[1 + states_.size()], *const looks = out[2 + states_.size()];
    for (Index r = 0; r < rows_; ++r) {
      copy_row(layer_.luong() ? buffers_.said + r * O : h(r), O, out[0] + r * O);
      if (contexts)
        copy_row(static_cast<const T*>(steps_->context_at(0, r)), Fm, contexts + r * Fm);
      if (!looks) continue;
      const Index length = memory_->rows.length(r / beams_), all = memory_->rows.timesteps;
      T* const end = std::copy_n(steps_->weights_at(0, r), length, looks + r * all);
      std::fill_n(end, all - length, T(0));
    }
  }

  std::vector<TensorInfo> state() const override {
    std::vector<TensorInfo> list;
    for (const Port& state : states_) list.push_back({state.name, {1, rows_, state.features}});
    return list;
  }
  void reset() noexcept override {
    const Index P = weights_.cell->cell.padded();
    std::fill_n(loop_.h, 2 * rows_ * P, T(0));
    if (loop_.c) std::fill_n(loop_.c, rows_ * P, T(0));
    std::fill_n(buffers_.fed, rows_ * layer_.fed_features(), T(0));
    if (buffers_.kappa) std::fill_n(buffers_.kappa, rows_ * layer_.options().components, T(0));
  }
  void get_state(Index which, T* out) const noexcept override {
    const Index features = states_[static_cast<std::size_t>(which)].features;
    for (Index r = 0; r < rows_; ++r) copy_row(state_at(which, r), features, out + r * features);
  }
  void set_state(Index which, const T* values) noexcept override {
    const Index features = states_[static_cast<std::size_t>(which)].features;
    for (Index r = 0; r < rows_; ++r)
      copy_row(values + r * features, features, const_cast<T*>(state_at(which, r)));
  }

 private:
  const T* h(Index row) const { return loop_.h_at(turn_, row); }
  const T* state_at(Index which, Index row) const {
    if (which == 0) return h(row);
    if (which == 1 && layer_.plan().cell_state) return loop_.c_at(0, row);
    const bool kappa = layer_.window() && which + 1 == static_cast<Index>(states_.size());
    return (kappa ? buffers_.kappa : buffers_.fed) +
           row * states_[static_cast<std::size_t>(which)].features;
  }

  const AttendingLayer<T>& layer_;
  Index rows_, turn_ = 0, beams_ = 1;  // beams: rows that look at the same memory
  std::vector<Port> states_;
  AttendingWeights<T> weights_;
  AlignedVector<T> v_;
  Scoring<T> scoring_;
  Workspace workspace_;
  TimeLoop<T> loop_;
  AttendingBuffers<T> buffers_;
  std::optional<AttendedMemory<T>> memory_;
  std::optional<AttendingSteps<T>> steps_;
};

}  // namespace

template <class T>
std::unique_ptr<LayerStream<T>> make_attending_stream(const AttendingLayer<T>& layer, Index rows) {
  return std::make_unique<AttendingStream<T>>(layer, rows);
}

template std::unique_ptr<LayerStream<float>> make_attending_stream(const AttendingLayer<float>&,
                                                                   Index);
template std::unique_ptr<LayerStream<double>> make_attending_stream(const AttendingLayer<double>&,
                                                                    Index);

}  // namespace lstm_native
