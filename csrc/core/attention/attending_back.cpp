// The way back through a recurrent layer that attends.
#include <algorithm>

#include "core/attention/attending_pass.hpp"
#include "core/recurrent/cell_backward.hpp"
#include "core/runtime/threads.hpp"
#include "kernels/dispatch.hpp"

namespace lstm_native {

/// Rows of looks stand sample by sample here, so that a sample's are one matrix.
template <class T>
class AttendingBack {
 public:
  AttendingBack(AttendingPass<T>& pass, const T* const* dy, T* const* gradients,
                Workspace& workspace);

  void run();
  void sum_weights(T* const* gradients);
  void give(T* const* dx, T* const* gradients);

 private:
  using Weights = AttentionWeights<T>;

  void import(const T* const* dy);
  void rows(Index begin, Index end, T* scratch);
  void head(Index t, Index row, Index active);
  void look(Index t, Index row, Index active, const T* h);
  void window(Index t, Index row, Index active, T* scratch);
  void fed(Index t, Index row, Index active);
  void add_output_gradient(Index t, Index row, Index active);
  T* d_context(Index t, Index row, const T* from);
  Index slot(Index t, Index row) const { return row * loop_.timesteps + t; }
  const T* given(const T* port, Index t, Index row, Index features) const {
    return port ? port + (p_.layout_.sample(row) * p_.timesteps_ + t) * features : nullptr;
  }

  AttendingPass<T>& p_;
  const AttendingLayer<T>& layer_;
  const TimeLoop<T>& loop_;
  const RecurrentWeights<T>& cell_;
  const AttentionMemory<T>& looks_;
  const AttendingBuffers<T>& kept_;
  Workspace& workspace_;
  const T *dy_, *dy_contexts_, *dy_weights_;
  Index H_, P_, Fm_, fed_, longest_, keys_;
  bool scores_;                                        // not window
  typename AttendingWeights<T>::Packed query_, head_;  // transposed
  LoopGradients<T> g_;
  ChunkBuffers<T> chunk_;
  BackwardBuffers<T> buffers_;
  T *d_fed_, *d_kappa_ = nullptr;              // N x fed, N x K
  T *d_contexts_, *d_scores_;                  // slots x Fm, slots x longest
  T* query_copies_ = nullptr;                  // slots x H, where scores are products
  T* d_queries_ = nullptr;                     // rows x keys
  T *d_said_ = nullptr, *d_joined_ = nullptr;  // rows x what the head says, N x (Fm + H)
  T *d_keys_ = nullptr, *d_values_, *d_v_ = nullptr;
};

template <class T>
AttendingBack<T>::AttendingBack(AttendingPass<T>& pass, const T* const* dy, T* const* gradients,
                                Workspace& workspace)
    : p_(pass),
      layer_(pass.layer_),
      loop_(pass.loop_),
      cell_(pass.weights_.cell->cell),
      looks_(pass.memory_.looks),
      kept_(pass.buffers_),
      workspace_(workspace),
      dy_(dy[0]),
      dy_contexts_(dy[1 + pass.states()]),
      dy_weights_(dy[2 + pass.states()]),
      H_(layer_.plan().hidden_size),
      P_(cell_.padded()),
      Fm_(layer_.memory_features()),
      fed_(layer_.fed_features()),
      longest_(pass.memory_.rows.longest),
      keys_(layer_.score().key_size()),
      scores_(!layer_.window()) {
  pass.memory_.looks.prepare_back(workspace);
  const Index N = pass.samples(), R = pass.layout_.rows(), slots = N * loop_.timesteps;
  const Index memory = pass.memory_.rows.rows();
  g_.dh = workspace.take_zeros<T>(N * P_);
  if (layer_.plan().cell_state) g_.dc = workspace.take_zeros<T>(N * P_);
  g_.parameters = layer_.of_cell(gradients);
  if (layer_.plan().split) chunk_.split = workspace.take_zeros<T>(R * cell_.split_columns());
  if (loop_.offsets) chunk_.previous = workspace.take_zeros<T>(R * P_);
  d_fed_ = workspace.take_zeros<T>(N * fed_);
  d_contexts_ = workspace.take<T>(slots * Fm_);
  d_scores_ = workspace.take<T>(slots * longest_);
  d_values_ = workspace.take_zeros<T>(memory * Fm_);
  if (scores_) {
    d_keys_ = workspace.take_zeros<T>(memory * keys_);
    d_v_ = workspace.take_zeros<T>(N * keys_);
    d_queries_ = workspace.take<T>(R * keys_);
    if (!looks_.additive()) query_copies_ = workspace.take<T>(slots * H_);
  }
  if (const Linear<T>* of = layer_.score().projection(Weights::query))
    query_ = of->packed_transposed();
  if (layer_.luong()) d_joined_ = workspace.take<T>(N * (Fm_ + H_));
  if (!layer_.bahdanau()) {
    head_ = layer_.head().packed_transposed();
    d_said_ = workspace.take<T>(R * layer_.head().outputs());
  }
  if (layer_.window()) d_kappa_ = workspace.take_zeros<T>(N * layer_.options().components);
  import(dy + 1);
}

/// Of the states at the end.
template <class T>
void AttendingBack<T>::import(const T* const* dy) {
  for (Index s = 0; s < p_.states(); ++s) {
    const Index features = p_.states_[static_cast<std::size_t>(s)].features;
    if (!dy[s]) continue;
    const bool kappa = s + 1 == p_.states() && layer_.window();
    const bool cell_state = s == 1 && layer_.plan().cell_state;
    T* const to = s == 0 ? g_.dh : cell_state ? g_.dc : kappa ? d_kappa_ : d_fed_;
    const Index stride = s == 0 || cell_state ? P_ : features;
    for (Index row = 0; row < p_.samples(); ++row)
      copy_row(dy[s] + p_.layout_.sample(row) * features, features, to + row * stride);
  }
}

template <class T>
void AttendingBack<T>::run() {
  if (p_.layout_.rows() == 0) return;
  Gang gang(parallel_parts(p_.samples(), 3 * p_.work()));
  const RowShares shares(loop_, gang.size());
  const Index size = looks_.scratch_size(loop_.timesteps, std::max(Fm_, H_));
  T* const scratch = workspace_.take<T>(gang.size() * size);
  gang.run(gang.size(),
           [&](Index part) { rows(shares[part].begin, shares[part].end, scratch + part * size); });
}

template <class T>
void AttendingBack<T>::rows(Index begin, Index end, T* scratch) {
  CellBackward<T> cell(loop_, g_, buffers_, {begin, end}, {0, H_}, {0, H_});
  Barrier alone;
  for (Index t = loop_.timesteps; t-- > 0;) {
    const Index active = loop_.active(t, begin, end);
    if (active == 0) continue;
    if (layer_.luong()) {
      head(t, begin, active);
      look(t, begin, active, loop_.h_at(t + 1, begin));
    } else {
      add_output_gradient(t, begin, active);
    }
    if (layer_.window()) window(t, begin, active, scratch);
    cell.take_back(t, chunk_, loop_.rows_before(t), alone);
    fed(t, begin, active);
    if (layer_.bahdanau()) {
      for (Index r = begin; r < begin + active; ++r) d_context(t, r, d_fed_ + r * fed_);
      look(t, begin, active, loop_.h_at(t, begin));
    }
    if (chunk_.previous)
      std::copy_n(loop_.h_at(t, begin), active * P_,
                  chunk_.previous + (loop_.rows_before(t) + begin) * P_);
  }
  for (Index row = begin; row < end; ++row) {
    const Index n = p_.layout_.sample(row), count = p_.layout_.length(row), first = slot(0, row);
    const Index offset = p_.memory_.rows.offsets[n];
    const Rows<const T> d_contexts{d_contexts_ + first * Fm_, Fm_};
    looks_.add_sums(n, count, {kept_.weights + first * longest_, longest_}, d_contexts, Fm_,
                    {d_values_ + offset * Fm_, Fm_}, scratch);
    if (query_copies_)
      looks_.add_sums(n, count, {d_scores_ + first * longest_, longest_},
                      {query_copies_ + first * H_, H_}, H_, {d_keys_ + offset * H_, H_}, scratch);
  }
}

template <class T>
void AttendingBack<T>::add_output_gradient(Index t, Index row, Index active) {
  for (Index r = row; r < row + active; ++r) {
    const T* const dy = given(dy_, t, r, H_);
    T* const dh = g_.dh + r * P_;
    for (Index j = 0; j < H_; ++j) dh[j] += dy[j];
  }
}

/// The gradient of a context, with what the port of the contexts says of it.
template <class T>
T* AttendingBack<T>::d_context(Index t, Index row, const T* from) {
  T* const to = d_contexts_ + slot(t, row) * Fm_;
  copy_row(from, Fm_, to);
  if (const T* const more = given(dy_contexts_, t, row, Fm_))
    for (Index j = 0; j < Fm_; ++j) to[j] += more[j];
  return to;
}

/// luong: from a = tanh(W (context, h)).
template <class T>
void AttendingBack<T>::head(Index t, Index row, Index active) {
  const Index before = (loop_.rows_before(t) + row) * fed_, width = Fm_ + H_;
  T* const d_said = d_said_ + before;
  for (Index r = 0; r < active; ++r) {
    const T *const dy = given(dy_, t, row + r, fed_), *const next = d_fed_ + (row + r) * fed_;
    for (Index j = 0; j < fed_; ++j) d_said[r * fed_ + j] = dy[j] + next[j];
  }
  cell_.kernels->pointwise_backward(Pointwise::tanh, active * fed_, kept_.said + before, d_said,
                                    d_said);
  T* const d_joined = d_joined_ + row * width;
  std::fill_n(d_joined, active * width, T(0));
  add_transposed(layer_.head(), *head_, active, Rows<const T>{d_said, fed_},
                 Rows<T>{d_joined, width});
  for (Index r = 0; r < active; ++r) {
    d_context(t, row + r, d_joined + r * width);
    T* const dh = g_.dh + (row + r) * P_;
    for (Index j = 0; j < H_; ++j) dh[j] += d_joined[r * width + Fm_ + j];
  }
}

/// h: the queries.
template <class T>
void AttendingBack<T>::look(Index t, Index row, Index active, const T* h) {
  const Index before = loop_.rows_before(t) + row;
  T* const d_queries = d_queries_ + before * keys_;
  const T* const queries = query_ ? kept_.queries + before * keys_ : h;
  const Index stride = query_ ? keys_ : P_;
  for (Index r = 0; r < active; ++r) {
    const Index n = p_.layout_.sample(row + r), at = slot(t, row + r);
    LookGradients<T> g;
    g.d_contexts = {d_contexts_ + at * Fm_, Fm_};
    g.d_weights = {given(dy_weights_, t, row + r, p_.memory_steps_), 0};
    g.d_scores = {d_scores_ + at * longest_, longest_};
    g.d_queries = {d_queries + r * keys_, keys_};
    g.d_keys = d_keys_ + p_.memory_.rows.offsets[n] * keys_;
    g.d_v = d_v_ + n * keys_;
    looks_.back(n, 0, 1, {queries + r * stride, stride}, {kept_.weights + at * longest_, longest_},
                g);
    if (query_copies_) copy_row(queries + r * stride, H_, query_copies_ + at * H_);
  }
  if (query_)
    return add_transposed(*layer_.score().projection(Weights::query), *query_, active,
                          Rows<const T>{d_queries, keys_}, Rows<T>{g_.dh + row * P_, P_});
  for (Index r = 0; r < active; ++r)
    for (Index j = 0; j < H_; ++j) g_.dh[(row + r) * P_ + j] += d_queries[r * keys_ + j];
}

template <class T>
void AttendingBack<T>::window(Index t, Index row, Index active, T* scratch) {
  const Index K = layer_.options().components, before = loop_.rows_before(t) + row;
  const SoftWindow<T> soft{cell_.kernels, K};
  T* const d_said = d_said_ + before * 3 * K;
  for (Index r = 0; r < active; ++r) {
    const Index n = p_.layout_.sample(row + r), at = slot(t, row + r);
    const Index length = p_.memory_.rows.length(n);
    T* const d_weights = d_scores_ + at * longest_;
    looks_.back_to_weights(n, 0, 1, {d_context(t, row + r, d_fed_ + (row + r) * fed_), Fm_},
                           {d_weights, longest_});
    if (const T* const more = given(dy_weights_, t, row + r, p_.memory_steps_))
      for (Index j = 0; j < length; ++j) d_weights[j] += more[j];
    soft.back(length, kept_.said + (before + r) * 3 * K, kept_.kappas + (before + r) * K, d_weights,
              d_said + r * 3 * K, d_kappa_ + (row + r) * K, scratch);
  }
  add_transposed(layer_.head(), *head_, active, Rows<const T>{d_said, 3 * K},
                 Rows<T>{g_.dh + row * P_, P_});
}

/// From the gates to what was fed.
template <class T>
void AttendingBack<T>::fed(Index t, Index row, Index active) {
  ProductArgs<T> args;
  args.rows = active;
  args.depth = args.a_stride = cell_.order.columns();
  args.cols = args.out_stride = fed_;
  args.a = loop_.gates + (loop_.rows_before(t) + row) * args.depth;
  args.packed = p_.weights_.cell->fed_transposed.data();
  args.out = d_fed_ + row * fed_;
  cell_.kernels->product(args);
}

template <class T>
void AttendingBack<T>::sum_weights(T* const* gradients) {
  const Index R = p_.layout_.rows();
  if (R == 0) return;
  {
    const Workspace::Scope scope(workspace_);
    Gang gang(parallel_parts(cell_.order.columns(), 2 * p_.work()));
    const RecurrentSums<T> sums(loop_, g_, R, true, gang.size(), workspace_);
    gang.run(gang.size(), [&](Index part) { sums.add(0, loop_.timesteps, chunk_, part); });
  }
  if (query_) {
    const T* const before = chunk_.previous ? chunk_.previous : loop_.h;
    const Rows<const T> h{layer_.bahdanau() ? before : loop_.h_at(1, 0), P_};
    layer_.score().back(Weights::query, R, {h, h}, {d_queries_, keys_}, {nullptr, 0}, false,
                        layer_.of_score(gradients), workspace_);
    layer_.score().add_v_gradient(p_.samples(), d_v_, layer_.of_score(gradients));
  }
  if (layer_.bahdanau()) return;
  const Index said = layer_.head().outputs();
  const Rows<const T> read =
      layer_.luong() ? Rows<const T>{kept_.joined, Fm_ + H_} : Rows<const T>{loop_.h_at(1, 0), P_};
  layer_.head().backward(R, read, {d_said_, said}, {nullptr, 0}, false, layer_.of_head(gradients),
                         workspace_);
}

template <class T>
void AttendingBack<T>::give(T* const* dx, T* const* gradients) {
  const Index R = p_.layout_.rows(), F = layer_.x_features(), columns = cell_.order.columns();
  if (dx[0]) {
    T* const d_x = workspace_.take<T>(R * F);
    parallel_for(R, static_cast<double>(R * F * columns), [&](Index begin, Index end) {
      ProductArgs<T> args;
      args.rows = end - begin;
      args.depth = args.a_stride = columns;
      args.cols = args.out_stride = F;
      args.a = loop_.gates + begin * columns;
      args.packed = cell_.input_transposed;
      args.out = d_x + begin * F;
      cell_.kernels->product(args);
    });
    p_.layout_.scatter(p_.layout_.time_major(static_cast<const T*>(d_x), F), F, dx[0], false);
  }
  const TrueRows<T>& memory = p_.memory_.rows;
  if (scores_)
    layer_.score().back(Weights::key, memory.rows(), p_.memory_.keys, {d_keys_, keys_},
                        {dx[1] ? d_values_ : nullptr, Fm_}, true, layer_.of_score(gradients),
                        workspace_);
  if (dx[1]) memory.scatter(d_values_, Fm_, dx[1]);
  for (Index s = 0; s < p_.states(); ++s) {
    const Index features = p_.states_[static_cast<std::size_t>(s)].features;
    if (!dx[2 + s]) continue;
    const bool kappa = s + 1 == p_.states() && layer_.window();
    const bool cell_state = s == 1 && layer_.plan().cell_state;
    const T* const from = s == 0 ? g_.dh : cell_state ? g_.dc : kappa ? d_kappa_ : d_fed_;
    const Index stride = s == 0 || cell_state ? P_ : features;
    for (Index row = 0; row < p_.samples(); ++row)
      copy_row(from + row * stride, features, dx[2 + s] + p_.layout_.sample(row) * features);
  }
}

template <class T>
void AttendingPass<T>::backward(const T* const* dy, T* const* dx, T* const* gradients,
                                Workspace& workspace) {
  const Workspace::Scope scope(workspace);
  AttendingBack<T> back(*this, dy, gradients, workspace);
  back.run();
  back.sum_weights(gradients);
  back.give(dx, gradients);
}

template void AttendingPass<float>::backward(const float* const*, float* const*, float* const*,
                                             Workspace&);
template void AttendingPass<double>::backward(const double* const*, double* const*, double* const*,
                                              Workspace&);

}  // namespace lstm_native
