// Forward. A reverse run is the time loop of a forward one: over negative time strides or, where
// sequences have different lengths, over a reversed copy.
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
      runs_(layer.runs()),
      layers_(static_cast<std::size_t>(options_.num_layers)) {
  weights_ = training_ && options_.weight_drop > 0
                 ? layer.packed_with_drops(derive_seed(seed_, kWeightDrop))
                 : layer.packed();
  checkpoint_ = remember_ && options_.checkpoint && layout_.steps() > 1;
  // Segments as long as there are segments take the least memory.
  if (checkpoint_)
    segment_steps_ = static_cast<Index>(std::ceil(std::sqrt(static_cast<double>(layout_.steps()))));
}

template <class T>
std::uint64_t RecurrentPass<T>::seed_of(Use use, Index layer, Index direction) const {
  const auto run = static_cast<std::uint64_t>(layer * directions_ + direction);
  return derive_seed(derive_seed(seed_, use), run);
}

template <class T>
Steps<T> RecurrentPass<T>::buffer(Index values, Workspace& workspace) const {
  return layout_.time_major(workspace.take<T>(layout_.rows() * values), values);
}

template <class T>
void RecurrentPass<T>::forward(T* y, const States<T>& states, Workspace& workspace) {
  const Index N = samples(), L = options_.num_layers, PR = (*weights_)[0].padded_outputs();
  const Index P = (*weights_)[0].padded();
  // Layers that hand up their states as they are can be under way at the same time.
  bool plain = directions_ == 1 && !options_.residual && !layout_.packed() && !checkpoint_;
  for (Index l = 0; l < L; ++l) plain = plain && !drops(l);
  for (Index l = 0; l < L; ++l) {
    lay_out(l, y, workspace);
    for (Index d = 0; d < directions_; ++d) {
      Run& r = run(l, d);
      const Index index = l * directions_ + d;
      const auto of = [&](int tensor, Index features) {
        const T* all = states.initial[tensor];
        return all ? all + index * N * features : nullptr;
      };
      import_state(of(0, outputs()), outputs(), PR, r.loop.h);
      if (layer_.plan_.cell_state)
        import_state(of(1, layer_.plan_.hidden_size), layer_.plan_.hidden_size, P, r.loop.c);
      set_initial(r.loop, nullptr, nullptr);
    }
    if (!plain) {
      run_layers(l, 1, workspace);
      finish_layer(l, y);
    }
  }
  if (plain) {
    run_layers(0, L, workspace);
    finish_layer(L - 1, y);
  }
  export_states(states.final[0], states.final[1]);
}

/// Where a stacked layer reads and writes.
template <class T>
void RecurrentPass<T>::lay_out(Index l, T* y, Workspace& workspace) {
  Stacked& s = stacked(l);
  const Index R = outputs();
  const bool sequence = !top(l) || options_.return_sequences;
  if (l == 0) {
    s.inputs = layer_.inputs_;
    if (layout_.packed()) {
      const Steps<T> copy = buffer(s.inputs, workspace);
      layout_.gather(x_.values, s.inputs, copy, options_.reverse);
      s.input = {copy.data, 0, s.inputs, copy.offsets, 0};
    } else {
      s.input = layout_.batch_first(x_.values, s.inputs);
      if (options_.reverse) s.input = layout_.reversed(s.input);
    }
  } else {
    s.inputs = width();
    const Stacked& below = stacked(l - 1);
    const RecurrentRun<T>& loop = run(l - 1, 0).loop;
    const Steps<T> states = layout_.time_major(loop.h + samples() * (*weights_)[0].padded_outputs(),
                                               (*weights_)[0].padded_outputs());
    const Steps<T>& from = below.output ? below.output : states;
    s.input = {from.data, from.time_stride, from.row_stride, from.offsets, from.skipped};
  }
  // The layer below has run: dropout is never between layers that run at the same time.
  if (drops(l)) {
    const Steps<T> copy = buffer(s.inputs, workspace);
    apply_masks(l, s.inputs, s.input, copy);
    s.input = {copy.data, copy.time_stride, copy.row_stride, copy.offsets, copy.skipped};
  }
  if (sequence && top(l) && !layout_.packed()) {
    s.output = layout_.batch_first(y, width());
    if (options_.reverse) s.output = layout_.reversed(s.output);
  } else if (sequence && (directions_ > 1 || adds_input(l) || checkpoint_)) {
    s.output = buffer(width(), workspace);
  }
  for (Index d = 0; d < directions_; ++d) {
    Run& r = run(l, d);
    RecurrentRun<T>& loop = r.loop;
    loop.weights = &(*weights_)[static_cast<std::size_t>(l * directions_ + d)];
    loop.samples = samples();
    loop.timesteps = layout_.steps();
    loop.offsets = layout_.offsets();
    loop.x = s.input;
    if (d > 0 && !layout_.packed()) loop.x = layout_.reversed(s.input);
    if (d > 0 && layout_.packed()) {
      const Steps<T> copy = buffer(s.inputs, workspace);
      layout_.for_each([&](Index t, Index row, Index from_end) {
        std::copy_n(s.input.at(from_end, row), s.inputs, copy.at(t, row));
      });
      loop.x = {copy.data, 0, s.inputs, copy.offsets, 0};
    }
    if (s.output && d == 0) {
      loop.y = s.output;
    } else if (s.output && !sums() && !layout_.packed()) {
      loop.y = layout_.reversed(s.output);
      loop.y.data += R;
    } else if (s.output) {
      loop.y = r.apart = buffer(R, workspace);
    }
    draw_masks(r, l, d, workspace);
    if (checkpoint_) {
      const Index segments = (layout_.steps() + segment_steps_ - 1) / segment_steps_;
      const Index size = samples() * loop.weights->padded_outputs();
      r.h_starts = workspace.take<T>((segments + 1) * size);
      r.c_starts = workspace.take<T>((segments + 1) * samples() * loop.weights->padded());
    }
    const bool hands_up = sequence && !s.output;
    allocate(r, loop, remember_ && !checkpoint_, hands_up, workspace);
  }
}

/// Dropout of values and of whole input features, for what a layer reads or its gradient.
template <class T>
void RecurrentPass<T>::apply_masks(Index l, Index values, const Steps<const T>& from,
                                   const Steps<T>& to) const {
  const double rate = l > 0 ? dropout() : 0.0;
  const T scale = static_cast<T>(1.0 / (1.0 - rate));
  std::vector<T> mask(static_cast<std::size_t>(values), T(1));
  for (Index row = 0; row < samples(); ++row) {
    const auto sample = static_cast<std::uint64_t>(layout_.sample(row));
    if (input_dropout() > 0)
      draw_dropout(input_dropout(), derive_seed(seed_of(kInputDropout, l, 0), sample), values,
                   mask.data());
    const std::uint64_t seed = derive_seed(seed_of(kDropout, l, 0), sample);
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

template <class T>
void RecurrentPass<T>::run_layers(Index first, Index count, Workspace& workspace) {
  if (layout_.steps() == 0) return;
  if (checkpoint_) {
    for (Index d = 0; d < directions_; ++d) run_checkpointed(run(first, d), workspace);
    return;
  }
  if (count * directions_ == 1) return run_forward(&run(first, 0).loop, 1, workspace);
  std::vector<RecurrentRun<T>> loops;
  for (Index l = first; l < first + count; ++l)
    for (Index d = 0; d < directions_; ++d) loops.push_back(run(l, d).loop);
  if (directions_ > 1)
    run_forward(loops.data(), directions_, workspace);
  else
    run_stack(loops.data(), count, workspace);
}

/// What is left to do behind the loops: directions are put together, inputs added, and a batch's
/// padding is cleared.
template <class T>
void RecurrentPass<T>::finish_layer(Index l, T* y) {
  const Stacked& s = stacked(l);
  const Index R = outputs(), D = width();
  for (Index d = 1; d < directions_; ++d) {
    const Steps<T>& apart = run(l, d).apart;
    if (!apart) continue;
    layout_.for_each([&](Index t, Index row, Index from_end) {
      const T* from = apart.at(t, row);
      T* to = s.output.at(from_end, row);
      if (sums())
        for (Index j = 0; j < R; ++j) to[j] += from[j];
      else
        std::copy_n(from, R, to + R);
    });
  }
  if (adds_input(l) && s.output)
    layout_.for_each([&](Index t, Index row, Index) {
      const T* from = s.input.at(t, row);
      T* to = s.output.at(t, row);
      for (Index j = 0; j < D; ++j) to[j] += from[j];
    });
  if (!top(l)) return;
  const RecurrentRun<T>& loop = run(l, 0).loop;
  if (options_.return_sequences) {
    if (!layout_.packed()) return layout_.clear_padding(D, y);
    const Index PR = loop.weights->padded_outputs();
    const Steps<T> states = layout_.time_major(loop.h + samples() * PR, PR);
    const Steps<T>& from = s.output ? s.output : states;
    return layout_.scatter(Steps<const T>{from.data, 0, from.row_stride, from.offsets, 0}, D, y,
                           options_.reverse);
  }
  // The last step of each direction is its final state.
  for (Index row = 0; row < samples(); ++row) {
    T* to = y + layout_.sample(row) * D;
    std::fill_n(to, D, T(0));
    const Index length = layout_.length(row);
    if (length == 0) continue;
    for (Index d = 0; d < directions_; ++d) {
      const Run& r = run(l, d);
      const T* h = last_h(r, row);
      if (d > 0 && sums())
        for (Index j = 0; j < R; ++j) to[j] += h[j];
      else
        std::copy_n(h, R, to + d * R);
    }
    if (!adds_input(l)) continue;
    const T* from = s.input.at(length - 1, row);
    for (Index j = 0; j < D; ++j) to[j] += from[j];
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
