// The way back through a recurrent layer: what each time loop gets, and where it hands on.
#include <algorithm>

#include "core/recurrent/recurrent_pass.hpp"
#include "core/recurrent/sequence_masks.hpp"

namespace lstm_native {

template <class T>
void RecurrentPass<T>::backward(const T* dy, T* dx, const StateGradients<T>& states,
                                T* const* gradients, Workspace& workspace) {
  const Workspace::Scope scope(workspace);
  const std::vector<T*> targets = gradient_targets(gradients, workspace);
  SequenceView<const T> d_output = output_gradient(dy, workspace);
  for (Index layer = options_.num_layers - 1; layer >= 0; --layer) {
    const SequenceView<T> d_input = input_gradient(layer, dx, workspace);
    LoopGradients<T> of_directions[2];
    for (Index d = 0; d < directions_; ++d) {
      LoopGradients<T>& own = of_directions[d];
      own = state_gradients(layer, d, states, workspace);
      if (last_step_only(layer))
        add_last_step_gradient(dy, d, own.dh);
      else
        own.dy = output_gradient_of(d, d_output, workspace);
      own.parameters = layer_.template of_direction<T>(targets.data(),
                                                       static_cast<std::size_t>(place(layer, d)));
    }
    backward_layer(layer, d_input, of_directions, workspace);
    export_state_gradients(layer, of_directions, states);
    if (!d_input) continue;
    if (adds_input(layer)) add_residual_gradient(layer, dy, d_output, d_input);
    d_output = d_input.as_const();
    if (drops(layer)) apply_masks(layer, stacked(layer).inputs, d_output, d_input);
  }
  if (dx && layout_.packed())
    layout_.scatter(d_output, stacked(0).inputs, dx, options_.reverse);
  else if (dx)
    layout_.clear_padding(stacked(0).inputs, dx);
  if (drops_weights()) deliver_dropped_weights(targets, gradients, workspace);
}

// -- gradients of the weights --------------------------------------------------------------------

/// Where the gradients of the parameters are summed: with the caller or, of weights that were
/// dropped, apart until their mask is applied.
template <class T>
std::vector<T*> RecurrentPass<T>::gradient_targets(T* const* gradients,
                                                   Workspace& workspace) const {
  std::vector<T*> targets(gradients, gradients + layer_.parameters_.size());
  for (std::size_t i = 0; drops_weights() && i < all_directions_.size(); ++i) {
    const std::size_t at = layer_.recurrent_weight(i);
    targets[at] = workspace.take_zeros<T>(layer_.parameters_[at].info.size());
  }
  return targets;
}

template <class T>
void RecurrentPass<T>::deliver_dropped_weights(const std::vector<T*>& targets, T* const* gradients,
                                               Workspace& workspace) const {
  for (std::size_t i = 0; i < all_directions_.size(); ++i) {
    const std::size_t at = layer_.recurrent_weight(i);
    const Index size = layer_.parameters_[at].info.size();
    T* mask = workspace.take<T>(size);
    draw_dropout(options_.weight_drop, derive_seed(derive_seed(seed_, kWeightDrop), i), size, mask);
    for (Index j = 0; j < size; ++j) gradients[at][j] += targets[at][j] * mask[j];
  }
}

// -- what a time loop gets ----------------------------------------------------------------------

/// The gradient of the output, in the order in which the first direction goes. Null where the
/// output is the last step alone.
template <class T>
SequenceView<const T> RecurrentPass<T>::output_gradient(const T* dy, Workspace& workspace) const {
  if (!options_.return_sequences) return {};
  if (layout_.packed()) {
    const SequenceView<T> copy = buffer(width(), workspace);
    layout_.gather(dy, width(), copy, options_.reverse);
    return copy.as_const();
  }
  const SequenceView<const T> whole = layout_.batch_first(dy, width());
  return options_.reverse ? layout_.reversed(whole) : whole;
}

/// Where the gradient of a layer's input is written, in the order in which its first direction
/// goes. Null where nobody wants it.
template <class T>
SequenceView<T> RecurrentPass<T>::input_gradient(Index layer, T* dx, Workspace& workspace) {
  const Index inputs = stacked(layer).inputs;
  if (layer == 0 && !dx) return {};
  if (layer > 0 || layout_.packed()) return buffer(inputs, workspace);
  const SequenceView<T> whole = layout_.batch_first(dx, inputs);
  return options_.reverse ? layout_.reversed(whole) : whole;
}

/// The gradients of a direction's final state, which become those of its initial one.
template <class T>
LoopGradients<T> RecurrentPass<T>::state_gradients(Index layer, Index d,
                                                   const StateGradients<T>& states,
                                                   Workspace& workspace) {
  LoopGradients<T> found;
  const auto own = [&](int tensor, Index features) {
    const T* all = states.final[tensor];
    return all ? all + place(layer, d) * samples() * features : nullptr;
  };
  found.dh = workspace.take<T>(samples() * padded_outputs());
  import_state(own(0, outputs()), outputs(), padded_outputs(), found.dh);
  if (layer_.plan_.cell_state) {
    const Index hidden_size = layer_.plan_.hidden_size, padded = weights_->front().padded();
    found.dc = workspace.take<T>(samples() * padded);
    import_state(own(1, hidden_size), hidden_size, padded, found.dc);
  }
  if (direction(layer, d).mask)
    found.d_recur = workspace.take_zeros<T>(samples() * padded_outputs());
  return found;
}

/// The last step of a direction is its final state.
template <class T>
void RecurrentPass<T>::add_last_step_gradient(const T* dy, Index d, T* dh) const {
  const Index column = sums() ? 0 : d * outputs();
  for (Index row = 0; row < samples(); ++row) {
    if (layout_.length(row) == 0) continue;
    const T* from = dy + layout_.sample(row) * width() + column;
    T* to = dh + row * padded_outputs();
    for (Index j = 0; j < outputs(); ++j) to[j] += from[j];
  }
}

/// A direction's part of the gradient of the layer's output, in the order in which it goes.
template <class T>
SequenceView<const T> RecurrentPass<T>::output_gradient_of(Index d,
                                                           const SequenceView<const T>& d_output,
                                                           Workspace& workspace) const {
  if (d == 0) return d_output;
  const Index column = sums() ? 0 : d * outputs();
  if (!layout_.packed()) {
    SequenceView<const T> own = layout_.reversed(d_output);
    own.data += column;
    return own;
  }
  const SequenceView<T> copy = buffer(outputs(), workspace);
  layout_.for_each([&](Index t, Index row, Index from_end) {
    std::copy_n(d_output.at(from_end, row) + column, outputs(), copy.at(t, row));
  });
  return copy.as_const();
}

// -- the time loops ------------------------------------------------------------------------------

/// All directions of a layer; the second adds its part of the input's gradient to the first one's.
template <class T>
void RecurrentPass<T>::backward_layer(Index layer, const SequenceView<T>& d_input,
                                      LoopGradients<T>* of_directions, Workspace& workspace) {
  of_directions[0].dx = d_input;
  LoopGradients<T>& second = of_directions[1];
  second.accumulate_dx = true;
  if (directions_ == 1 || !d_input || !layout_.packed()) {
    if (directions_ > 1) second.dx = layout_.reversed(d_input);
    return backward_loops(layer, 0, directions_, of_directions, workspace);
  }
  // Packed sequences cannot be walked backwards: the second direction has a reversed copy, which
  // begins with what the first one found, so that each value gets its terms in the same order.
  const Index inputs = stacked(layer).inputs;
  const auto copy_reversed = [&](const SequenceView<T>& from, const SequenceView<T>& to) {
    layout_.for_each([&](Index t, Index row, Index from_end) {
      std::copy_n(from.at(from_end, row), inputs, to.at(t, row));
    });
  };
  second.dx = buffer(inputs, workspace);
  backward_loops(layer, 0, 1, of_directions, workspace);
  copy_reversed(d_input, second.dx);
  backward_loops(layer, 1, 1, of_directions, workspace);
  copy_reversed(second.dx, d_input);
}

/// So many directions from the `first` one on.
template <class T>
void RecurrentPass<T>::backward_loops(Index layer, Index first, Index count,
                                      LoopGradients<T>* of_directions, Workspace& workspace) {
  if (layout_.steps() == 0) return;
  if (checkpoint_) {
    for (Index d = first; d < first + count; ++d)
      backward_in_segments(direction(layer, d), of_directions[d], workspace);
    return;
  }
  TimeLoop<T> loops[2];
  for (Index i = 0; i < count; ++i) loops[i] = direction(layer, first + i).loop;
  backward_directions(loops, of_directions + first, count, workspace);
}

// -- what the loops hand on ----------------------------------------------------------------------

template <class T>
void RecurrentPass<T>::export_state_gradients(Index layer, const LoopGradients<T>* of_directions,
                                              const StateGradients<T>& states) {
  const Index hidden_size = layer_.plan_.hidden_size;
  for (Index d = 0; d < directions_; ++d) {
    const LoopGradients<T>& own = of_directions[d];
    const Index first = place(layer, d) * samples();
    if (const T* mask = direction(layer, d).mask)
      for (Index i = 0; i < samples() * padded_outputs(); ++i)
        own.dh[i] += own.d_recur[i] * mask[i];
    if (states.initial[0])
      export_state(own.dh, outputs(), padded_outputs(), states.initial[0] + first * outputs());
    if (states.initial[1])
      export_state(own.dc, hidden_size, weights_->front().padded(),
                   states.initial[1] + first * hidden_size);
  }
}

/// A residual layer's output has its input in it.
template <class T>
void RecurrentPass<T>::add_residual_gradient(Index layer, const T* dy,
                                             const SequenceView<const T>& d_output,
                                             const SequenceView<T>& d_input) const {
  const bool last_only = last_step_only(layer);
  layout_.for_each([&](Index t, Index row, Index from_end) {
    if (last_only && from_end > 0) return;
    const T* from = last_only ? dy + layout_.sample(row) * width() : d_output.at(t, row);
    T* to = d_input.at(t, row);
    for (Index j = 0; j < width(); ++j) to[j] += from[j];
  });
}

template class RecurrentPass<float>;
template class RecurrentPass<double>;

}  // namespace lstm_native
