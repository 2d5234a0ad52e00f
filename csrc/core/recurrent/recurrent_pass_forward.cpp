// Forward. A reverse direction has the time loop of a forward one: over negative time strides or,
// where sequences have different lengths, over a reversed copy.
#include "core/recurrent/recurrent_pass.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/random.hpp"
#include "core/recurrent/sequence_masks.hpp"

namespace lstm_native {

template <class T>
RecurrentPass<T>::RecurrentPass(const RecurrentLayer<T>& layer, const Batch<T>& x, const Pass& pass)
    : layer_(layer),
      options_(layer.options_),
      x_(x),
      directions_(layer.directions()),
      layout_(x.samples, x.timesteps, x.lengths),
      remember_(pass.remember),
      training_(pass.training),
      seed_(pass.seed),
      all_directions_(layer.all_directions()),
      layers_(static_cast<std::size_t>(options_.num_layers)) {
  weights_ =
      drops_weights() ? layer.packed_with_drops(derive_seed(seed_, kWeightDrop)) : layer.packed();
  checkpoint_ = remember_ && options_.checkpoint && layout_.steps() > 1;
  // Segments as long as there are segments take the least memory.
  if (checkpoint_)
    segment_steps_ = static_cast<Index>(std::ceil(std::sqrt(static_cast<double>(layout_.steps()))));
}

template <class T>
std::uint64_t RecurrentPass<T>::seed_of(Use use, Index layer, Index direction) const {
  return derive_seed(derive_seed(seed_, use), static_cast<std::uint64_t>(place(layer, direction)));
}

template <class T>
SequenceView<T> RecurrentPass<T>::buffer(Index values, Workspace& workspace) const {
  return layout_.time_major(workspace.take<T>(layout_.rows() * values), values);
}

template <class T>
SequenceView<T> RecurrentPass<T>::kept_outputs(Index layer) {
  return layout_.time_major(direction(layer, 0).loop.h + samples() * padded_outputs(),
                            padded_outputs());
}

template <class T>
void RecurrentPass<T>::forward(T* y, const States<T>& states, Workspace& workspace) {
  const Index num_layers = options_.num_layers, hidden_size = layer_.plan_.hidden_size;
  // Layers that hand up their states as they are can be under way at the same time.
  bool plain = directions_ == 1 && !options_.residual && !layout_.packed() && !checkpoint_;
  for (Index layer = 0; layer < num_layers; ++layer) plain = plain && !drops(layer);
  for (Index layer = 0; layer < num_layers; ++layer) {
    lay_out(layer, y, workspace);
    for (Index d = 0; d < directions_; ++d) {
      TimeLoop<T>& loop = direction(layer, d).loop;
      const auto own = [&](int tensor, Index features) {
        const T* all = states.initial[tensor];
        return all ? all + place(layer, d) * samples() * features : nullptr;
      };
      import_state(own(0, outputs()), outputs(), padded_outputs(), loop.h);
      if (layer_.plan_.cell_state)
        import_state(own(1, hidden_size), hidden_size, weights_->front().padded(), loop.c);
      set_initial(loop, nullptr, nullptr);
    }
    if (plain) continue;
    forward_layers(layer, 1, workspace);
    finish_layer(layer, y);
  }
  if (plain) {
    forward_layers(0, num_layers, workspace);
    finish_layer(num_layers - 1, y);
  }
  export_states(states.final[0], states.final[1]);
}

// -- where a stacked layer reads and writes ------------------------------------------------------

template <class T>
void RecurrentPass<T>::lay_out(Index layer, T* y, Workspace& workspace) {
  place_input(layer, workspace);
  place_output(layer, y, workspace);
  for (Index d = 0; d < directions_; ++d) lay_out_direction(layer, d, workspace);
}

template <class T>
void RecurrentPass<T>::place_input(Index layer, Workspace& workspace) {
  StackedLayer& own = stacked(layer);
  own.inputs = layer == 0 ? layer_.inputs_ : width();
  if (layer > 0) {
    const SequenceView<T>& below = stacked(layer - 1).output;
    own.input = (below ? below : kept_outputs(layer - 1)).as_const();
  } else if (layout_.packed()) {
    const SequenceView<T> copy = buffer(own.inputs, workspace);
    layout_.gather(x_.values, own.inputs, copy, options_.reverse);
    own.input = copy.as_const();
  } else {
    own.input = layout_.batch_first(x_.values, own.inputs);
    if (options_.reverse) own.input = layout_.reversed(own.input);
  }
  // The layer below has run: dropout is never between layers that run at the same time.
  if (!drops(layer)) return;
  const SequenceView<T> copy = buffer(own.inputs, workspace);
  apply_masks(layer, own.inputs, own.input, copy);
  own.input = copy.as_const();
}

template <class T>
void RecurrentPass<T>::place_output(Index layer, T* y, Workspace& workspace) {
  SequenceView<T>& output = stacked(layer).output;
  if (last_step_only(layer)) return;
  if (top(layer) && !layout_.packed()) {
    output = layout_.batch_first(y, width());
    if (options_.reverse) output = layout_.reversed(output);
  } else if (directions_ > 1 || adds_input(layer) || checkpoint_) {
    output = buffer(width(), workspace);
  }
}

template <class T>
void RecurrentPass<T>::lay_out_direction(Index layer, Index d, Workspace& workspace) {
  const StackedLayer& of = stacked(layer);
  Direction& own = direction(layer, d);
  TimeLoop<T>& loop = own.loop;
  loop.weights = &(*weights_)[static_cast<std::size_t>(place(layer, d))];
  loop.samples = samples();
  loop.timesteps = layout_.steps();
  loop.offsets = layout_.offsets();
  loop.x = d == 0 ? of.input : input_of_second(of, workspace);
  if (of.output && d == 0) {
    loop.y = of.output;
  } else if (of.output && !sums() && !layout_.packed()) {
    loop.y = layout_.reversed(of.output);
    loop.y.data += outputs();
  } else if (of.output) {
    loop.y = own.apart = buffer(outputs(), workspace);
  }
  draw_masks(layer, d, workspace);
  if (checkpoint_) {
    const Index segments = (layout_.steps() + segment_steps_ - 1) / segment_steps_;
    own.h_starts = workspace.take<T>((segments + 1) * samples() * padded_outputs());
    own.c_starts = workspace.take<T>((segments + 1) * samples() * loop.weights->padded());
  }
  const bool hands_up = !last_step_only(layer) && !of.output;
  allocate(own, loop, remember_ && !checkpoint_, hands_up, workspace);
}

/// The layer's input from the end to the start. Packed sequences cannot be walked backwards.
template <class T>
SequenceView<const T> RecurrentPass<T>::input_of_second(const StackedLayer& of,
                                                        Workspace& workspace) const {
  if (!layout_.packed()) return layout_.reversed(of.input);
  const SequenceView<T> copy = buffer(of.inputs, workspace);
  layout_.for_each([&](Index t, Index row, Index from_end) {
    std::copy_n(of.input.at(from_end, row), of.inputs, copy.at(t, row));
  });
  return copy.as_const();
}

/// Dropout of values and of whole input features, for what a layer reads or its gradient.
template <class T>
void RecurrentPass<T>::apply_masks(Index layer, Index values, const SequenceView<const T>& from,
                                   const SequenceView<T>& to) const {
  const double rate = layer > 0 ? dropout() : 0.0;
  const T scale = static_cast<T>(1.0 / (1.0 - rate));
  std::vector<T> mask(static_cast<std::size_t>(values), T(1));
  for (Index row = 0; row < samples(); ++row) {
    const auto sample = static_cast<std::uint64_t>(layout_.sample(row));
    if (input_dropout() > 0)
      draw_dropout(input_dropout(), derive_seed(seed_of(kInputDropout, layer, 0), sample), values,
                   mask.data());
    const std::uint64_t seed = derive_seed(seed_of(kDropout, layer, 0), sample);
    for (Index t = 0, length = layout_.length(row); t < length; ++t) {
      const T* x = from.at(t, row);
      T* out = to.at(t, row);
      for (Index i = 0; i < values; ++i) {
        const T kept = x[i] * mask[static_cast<std::size_t>(i)];
        const bool drop =
            rate > 0 && uniform(seed, static_cast<std::uint64_t>(t * values + i)) < rate;
        out[i] = drop ? T(0) : rate > 0 ? kept * scale : kept;
      }
    }
  }
}

// -- the time loops, and what is left to do behind them ------------------------------------------

template <class T>
void RecurrentPass<T>::forward_layers(Index first, Index count, Workspace& workspace) {
  if (layout_.steps() == 0) return;
  if (checkpoint_) {
    for (Index d = 0; d < directions_; ++d) forward_in_segments(direction(first, d), workspace);
    return;
  }
  if (count * directions_ == 1) return forward_directions(&direction(first, 0).loop, 1, workspace);
  std::vector<TimeLoop<T>> loops;
  for (Index layer = first; layer < first + count; ++layer)
    for (Index d = 0; d < directions_; ++d) loops.push_back(direction(layer, d).loop);
  if (directions_ > 1)
    forward_directions(loops.data(), directions_, workspace);
  else
    forward_stacked(loops.data(), count, workspace);
}

/// Directions are put together, inputs added, and the output of the last layer delivered.
template <class T>
void RecurrentPass<T>::finish_layer(Index layer, T* y) {
  const StackedLayer& own = stacked(layer);
  merge_directions(layer);
  if (adds_input(layer) && own.output)
    layout_.for_each([&](Index t, Index row, Index) {
      const T* from = own.input.at(t, row);
      T* to = own.output.at(t, row);
      for (Index j = 0; j < width(); ++j) to[j] += from[j];
    });
  if (!top(layer)) return;
  if (!options_.return_sequences) return deliver_last_steps(layer, y);
  if (!layout_.packed()) return layout_.clear_padding(width(), y);
  const SequenceView<T> from = own.output ? own.output : kept_outputs(layer);
  layout_.scatter(from.as_const(), width(), y, options_.reverse);
}

/// The outputs of a second direction that wrote apart from the first.
template <class T>
void RecurrentPass<T>::merge_directions(Index layer) {
  const SequenceView<T>& output = stacked(layer).output;
  for (Index d = 1; d < directions_; ++d) {
    const SequenceView<T>& apart = direction(layer, d).apart;
    if (!apart) continue;
    layout_.for_each([&](Index t, Index row, Index from_end) {
      const T* from = apart.at(t, row);
      T* to = output.at(from_end, row);
      if (sums())
        for (Index j = 0; j < outputs(); ++j) to[j] += from[j];
      else
        std::copy_n(from, outputs(), to + outputs());
    });
  }
}

/// The last step of each direction is its final state.
template <class T>
void RecurrentPass<T>::deliver_last_steps(Index layer, T* y) {
  for (Index row = 0; row < samples(); ++row) {
    T* to = y + layout_.sample(row) * width();
    std::fill_n(to, width(), T(0));
    const Index length = layout_.length(row);
    if (length == 0) continue;
    for (Index d = 0; d < directions_; ++d) {
      const T* h = last_h(direction(layer, d), row);
      if (d > 0 && sums())
        for (Index j = 0; j < outputs(); ++j) to[j] += h[j];
      else
        std::copy_n(h, outputs(), to + d * outputs());
    }
    if (!adds_input(layer)) continue;
    const T* from = stacked(layer).input.at(length - 1, row);
    for (Index j = 0; j < width(); ++j) to[j] += from[j];
  }
}

template <class T>
std::unique_ptr<SequenceTape<T>> RecurrentLayer<T>::forward(const Batch<T>& x, T* y,
                                                            const States<T>& states,
                                                            const Pass& pass) const {
  if (pass.remember) {
    auto tape = std::make_unique<RecurrentPass<T>>(*this, x, pass);
    tape->forward(y, states, pass.workspace);
    return tape;
  }
  const Workspace::Scope scope(pass.workspace);
  RecurrentPass<T>(*this, x, pass).forward(y, states, pass.workspace);
  return nullptr;
}

template class RecurrentPass<float>;
template class RecurrentPass<double>;
template std::unique_ptr<SequenceTape<float>> RecurrentLayer<float>::forward(const Batch<float>&,
                                                                             float*,
                                                                             const States<float>&,
                                                                             const Pass&) const;
template std::unique_ptr<SequenceTape<double>> RecurrentLayer<double>::forward(
    const Batch<double>&, double*, const States<double>&, const Pass&) const;

}  // namespace lstm_native
