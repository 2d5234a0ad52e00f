// Recurrent layers that look at a memory in every step (AttentionRecurrentOptions).
#pragma once

#include "core/attention/attention_weights.hpp"
#include "core/layers/layer_stream.hpp"
#include "core/recurrent/recurrent_weights.hpp"
#include "core/specs/layer_kind.hpp"

namespace lstm_native {

/// The cell's weights as steps read them: those of x and h as everywhere, of what is fed beside x
/// apart, for it is known a step at a time.
template <class T>
struct AttendingCell {
  RecurrentWeights<T> cell;  // packed for x; cell.inputs counts x and what is fed
  AlignedVector<T> fed, fed_transposed;
};

template <class T>
class AttendingLayer final : public Layer<T> {
 public:
  /// `spec` holds an AttentionLSTMSpec or AttentionGRUSpec.
  AttendingLayer(const LayerSpec& spec, const InputFeatures& features, WeightSeed seed);

  LayerSpec spec() const override { return spec_; }
  std::vector<Port> inputs() const override;
  std::vector<Port> outputs() const override;
  OutputShape output_shape(std::size_t port, const OutputShape* in) const override;
  LengthsUse lengths_use() const override { return LengthsUse::honoured; }
  std::vector<Parameter<T>*> parameters() override;
  std::unique_ptr<Tape<T>> forward(const Batch<T>* in, T* const* out,
                                   const Pass& pass) const override;
  bool tape_reads_output() const override { return false; }
  std::unique_ptr<LayerStream<T>> stream(Index rows) const override;

  // What steps need to know.
  const AttentionRecurrentOptions& options() const { return options_; }
  const CellPlan& plan() const { return plan_; }
  Index x_features() const { return x_; }
  Index memory_features() const { return memory_; }
  Index fed_features() const { return fed_; }
  Index output_features() const { return luong() ? fed_ : plan_.hidden_size; }
  bool bahdanau() const { return options_.attention == StepAttention::bahdanau; }
  bool luong() const { return options_.attention == StepAttention::luong; }
  bool window() const { return options_.attention == StepAttention::window; }
  /// The tensors of the state: names and features, in the order of their ports.
  std::vector<Port> states() const;

  std::shared_ptr<const AttendingCell<T>> cell() const;
  const AttentionWeights<T>& score() const { return score_; }
  const Linear<T>& head() const { return *head_; }  // of luong and window

  /// Of the gradients in the order of parameters(): those of the cell, of the score, of the head.
  DirectionParameters<T> of_cell(T* const* all) const;
  T* const* of_score(T* const* all) const { return all + cell_parameters_.size(); }
  T* const* of_head(T* const* all) const { return of_score(all) + score_count_; }

 private:
  void draw_cell(WeightSeed seed);
  void drop_packed() override;

  LayerSpec spec_;
  AttentionRecurrentOptions options_;
  CellPlan plan_;
  Index x_, memory_, fed_;
  std::vector<Parameter<T>> cell_parameters_;
  AttentionWeights<T> score_;
  std::size_t score_count_ = 0;
  std::unique_ptr<Linear<T>> head_;
  PackedCache<AttendingCell<T>> packed_;
};

template <class T>
std::unique_ptr<LayerStream<T>> make_attending_stream(const AttendingLayer<T>& layer, Index rows);

template <class T>
std::unique_ptr<Tape<T>> run_attending(const AttendingLayer<T>& layer, const Batch<T>* in,
                                       T* const* out, const Pass& pass);

}  // namespace lstm_native
