// The way back through a recurrent layer.
#include <algorithm>

#include "core/recurrent/recurrent_pass.hpp"
#include "core/recurrent/recurrent_sums.hpp"
#include "core/recurrent/sequence_masks.hpp"

namespace lstm_native {

template <class T>
void RecurrentPass<T>::backward(const T* dy, T* dx, const StateGradients<T>& states,
                                T* const* gradients, Workspace& workspace) {
  const Workspace::Scope scope(workspace);
  const Index N = samples(), L = options_.num_layers, R = outputs(), D = width();
  const Index H = layer_.plan_.hidden_size, P = (*weights_)[0].padded();
  const Index PR = (*weights_)[0].padded_outputs();
  const bool sequence = options_.return_sequences;

  // Dropped weights have gradients of their own until the mask is applied to them.
  std::vector<T*> targets(gradients, gradients + layer_.parameters_.size());
  const bool drops_weights = training_ && options_.weight_drop > 0;
  const auto recurrent_weight = [&](std::size_t run) {
    return run * layer_.parameters_per_run() + 1;
  };
  for (std::size_t r = 0; drops_weights && r < runs_.size(); ++r) {
    const std::size_t i = recurrent_weight(r);
    targets[i] = workspace.take_zeros<T>(layer_.parameters_[i].info.size());
  }

  Steps<const T> d_output;  // in the order in which the first direction runs
  if (sequence && layout_.packed()) {
    const Steps<T> copy = buffer(D, workspace);
    layout_.gather(dy, D, copy, options_.reverse);
    d_output = {copy.data, 0, D, copy.offsets, 0};
  } else if (sequence) {
    d_output = layout_.batch_first(dy, D);
    if (options_.reverse) d_output = layout_.reversed(d_output);
  }

  for (Index l = L - 1; l >= 0; --l) {
    const Stacked& s = stacked(l);
    const Index F = s.inputs;
    const bool last_only = top(l) && !sequence;
    Steps<T> d_input;
    if (l == 0 && dx && !layout_.packed()) {
      d_input = layout_.batch_first(dx, F);
      if (options_.reverse) d_input = layout_.reversed(d_input);
    } else if (l > 0 || dx) {
      d_input = buffer(F, workspace);
    }
    RecurrentGradients<T> of_runs[2];
    Steps<T> apart;  // of the second direction's input
    for (Index d = 0; d < directions_; ++d) {
      const Index index = l * directions_ + d;
      RecurrentGradients<T>& g = of_runs[d];
      const Index column = sums() ? 0 : d * R;
      g.dh = workspace.take<T>(N * PR);
      const auto of = [&](int tensor, Index features) {
        const T* all = states.final[tensor];
        return all ? all + index * N * features : nullptr;
      };
      import_state(of(0, R), R, PR, g.dh);
      if (layer_.plan_.cell_state) {
        g.dc = workspace.take<T>(N * P);
        import_state(of(1, H), H, P, g.dc);
      }
      if (run(l, d).mask) g.d_recur = workspace.take_zeros<T>(N * PR);
      if (last_only) {
        for (Index row = 0; row < N; ++row) {
          if (layout_.length(row) == 0) continue;
          const T* from = dy + layout_.sample(row) * D + column;
          T* to = g.dh + row * PR;
          for (Index j = 0; j < R; ++j) to[j] += from[j];
        }
      } else if (d == 0) {
        g.dy = d_output;
      } else if (!layout_.packed()) {
        g.dy = layout_.reversed(d_output);
        g.dy.data += column;
      } else {
        const Steps<T> copy = buffer(R, workspace);
        layout_.for_each([&](Index t, Index row, Index from_end) {
          std::copy_n(d_output.at(from_end, row) + column, R, copy.at(t, row));
        });
        g.dy = {copy.data, 0, R, copy.offsets, 0};
      }
      if (d_input && d == 0) {
        g.dx = d_input;
      } else if (d_input && !layout_.packed()) {
        g.dx = layout_.reversed(d_input);
        g.accumulate_dx = true;
      } else if (d_input) {
        g.dx = apart = buffer(F, workspace);
        g.accumulate_dx = true;
      }
      g.parameters = layer_.template of_run<T>(targets.data(), static_cast<std::size_t>(index));
    }
    if (apart) {
      // Each value gets its terms in the order in which it does without padding.
      run_back(l, 0, 1, of_runs, workspace);
      const auto copy = [&](const Steps<T>& from, const Steps<T>& to) {
        layout_.for_each([&](Index t, Index row, Index from_end) {
          std::copy_n(from.at(from_end, row), F, to.at(t, row));
        });
      };
      copy(d_input, apart);
      run_back(l, 1, 1, of_runs, workspace);
      copy(apart, d_input);
    } else {
      run_back(l, 0, directions_, of_runs, workspace);
    }
    for (Index d = 0; d < directions_; ++d) {
      const Index index = l * directions_ + d;
      RecurrentGradients<T>& g = of_runs[d];
      if (const T* mask = run(l, d).mask)
        for (Index i = 0; i < N * PR; ++i) g.dh[i] += g.d_recur[i] * mask[i];
      if (states.initial[0]) export_state(g.dh, R, PR, states.initial[0] + index * N * R);
      if (states.initial[1]) export_state(g.dc, H, P, states.initial[1] + index * N * H);
    }
    if (!d_input) continue;
    if (adds_input(l))
      layout_.for_each([&](Index t, Index row, Index from_end) {
        if (last_only && from_end > 0) return;
        const T* from = last_only ? dy + layout_.sample(row) * D : d_output.at(t, row);
        for (Index j = 0; j < D; ++j) d_input.at(t, row)[j] += from[j];
      });
    const Steps<const T> whole{d_input.data, d_input.time_stride, d_input.row_stride,
                               d_input.offsets, d_input.skipped};
    if (drops(l)) apply_masks(l, F, whole, d_input);
    d_output = whole;
    if (l > 0) continue;
    if (layout_.packed())
      layout_.scatter(whole, F, dx, options_.reverse);
    else
      layout_.clear_padding(F, dx);
  }
  for (std::size_t r = 0; drops_weights && r < runs_.size(); ++r) {
    const std::size_t i = recurrent_weight(r);
    const Index size = layer_.parameters_[i].info.size();
    T* mask = workspace.take<T>(size);
    draw_dropout(options_.weight_drop, derive_seed(derive_seed(seed_, kWeightDrop), r), size, mask);
    for (Index j = 0; j < size; ++j) gradients[i][j] += targets[i][j] * mask[j];
  }
}

/// So many directions from the `first` one on.
template <class T>
void RecurrentPass<T>::run_back(Index l, Index first, Index count, RecurrentGradients<T>* of_runs,
                                Workspace& workspace) {
  if (layout_.steps() == 0) return;
  if (checkpoint_) {
    for (Index d = first; d < first + count; ++d) segments_back(run(l, d), of_runs[d], workspace);
    return;
  }
  RecurrentRun<T> loops[2];
  for (Index i = 0; i < count; ++i) loops[i] = run(l, first + i).loop;
  run_backward(loops, of_runs + first, count, workspace);
}

/// Segment by segment, the last one first: its steps once more, then back through them. Sums over
/// all steps are handed on, so that their order is that of one run.
template <class T>
void RecurrentPass<T>::segments_back(Run& r, RecurrentGradients<T> g, Workspace& workspace) {
  const RecurrentWeights<T>& w = *r.loop.weights;
  const Workspace::Scope scope(workspace);
  g.sums = workspace.take<T>(RecurrentSums<T>::size(w));
  const Steps<const T> dy = g.dy;
  const Steps<T> dx = g.dx;
  const Index steps = r.loop.timesteps, segments = (steps + segment_steps_ - 1) / segment_steps_;
  for (Index k = segments - 1; k >= 0; --k) {
    const Workspace::Scope of_segment(workspace);
    const Index begin = k * segment_steps_;
    RecurrentRun<T> part = segment(r, begin);
    allocate(r, part, true, true, workspace);
    set_initial(part, r.h_starts + (k + 1) * samples() * w.padded_outputs(),
                r.c_starts + (k + 1) * samples() * w.padded());
    run_forward(&part, 1, workspace);
    g.first_part = k == segments - 1;
    g.last_part = k == 0;
    if (dy) g.dy = dy.from(begin);
    if (dx) g.dx = dx.from(begin);
    run_backward(&part, &g, 1, workspace);
  }
}

template class RecurrentPass<float>;
template class RecurrentPass<double>;

}  // namespace lstm_native
