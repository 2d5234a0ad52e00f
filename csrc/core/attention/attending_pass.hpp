// One pass of a batch through a recurrent layer that attends, and its way back.
#pragma once

#include "core/attention/attending_steps.hpp"

namespace lstm_native {

/// All memory lies in the workspace. The samples stand in the layout's order inside.
template <class T>
class AttendingPass final : public Tape<T> {
 public:
  AttendingPass(const AttendingLayer<T>& layer, const Batch<T>* in, bool remember,
                Workspace& workspace);

  void run(const Batch<T>* in, T* const* out);
  void backward(const T* const* dy, T* const* dx, T* const* gradients,
                Workspace& workspace) override;

 private:
  template <class>
  friend class AttendingBack;

  Index samples() const { return layout_.samples(); }
  Index states() const { return static_cast<Index>(states_.size()); }
  double work() const;  // of the forward pass, in multiply-adds
  void import(const Batch<T>* in);
  void run_rows(const Batch<T>* in, T* const* out, Index begin, Index end);
  void give(const AttendingSteps<T>& at, Index t, Index row, Index active, T* const* out) const;
  void export_states(T* const* out) const;
  /// The memory of state `index` in layout order: its first row, and what lies between rows.
  Rows<T> state_rows(Index index, Index row) const;

  const AttendingLayer<T>& layer_;
  SequenceLayout layout_;
  Index timesteps_, memory_steps_;  // padded
  std::vector<Port> states_;
  AttendingWeights<T> weights_;
  AttendedMemory<T> memory_;
  TimeLoop<T> loop_;
  AttendingBuffers<T> buffers_;
};

}  // namespace lstm_native
