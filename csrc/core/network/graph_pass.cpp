#include "core/network/graph_pass.hpp"

#include <algorithm>
#include <optional>

#include "core/base/random.hpp"
#include "core/layers/true_steps.hpp"
#include "core/network/graph_tape.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

template <class T>
class GraphRun {
 public:
  /// kept_lengths: where the lengths of the outputs go, for a pass whose memory is given back.
  GraphRun(const Graph<T>& graph, const Pass& pass, const GraphPassOptions<T>& options,
           Index* kept_lengths)
      : graph_(graph),
        pass_(pass),
        options_(options),
        workspace_(pass.workspace),
        kept_lengths_(kept_lengths),
        values_(workspace_.template take<GraphValue<T>>(static_cast<Index>(graph.values()))) {
    for (std::size_t i = 0; i < graph.values(); ++i) new (values_ + i) GraphValue<T>();
  }

  void enter(const Batch<T>* x) {
    for (std::size_t i = 0; i < graph_.inputs(); ++i)
      if (x[i].values || x[i].tokens) samples_ = x[i].samples;
    for (std::size_t i = 0; i < graph_.inputs(); ++i) {
      GraphValue<T>& value = values_[i];
      value.padded = x[i];
      if (x[i].tokens) value.padded.features = 0;  // what the caller left there means nothing
      if (x[i].lengths && std::all_of(x[i].lengths, x[i].lengths + samples_,
                                      [&](Index length) { return length == x[i].timesteps; }))
        value.padded.lengths = nullptr;
      value.steps = {samples_, x[i].timesteps, value.padded.lengths};
      any_lengths_ = any_lengths_ || value.padded.lengths;
    }
  }

  /// nodes: which; null: all.
  void run(T* const* y, const std::vector<char>* nodes) {
    for (std::size_t n = 0; n < graph_.steps().size(); ++n) {
      if (nodes && !(*nodes)[n]) continue;
      try {
        run_node(n, y);
      } catch (const InvalidArgument& error) {
        const GraphStep<T>& step = graph_.steps()[n];
        throw InvalidArgument(step.label + refusal(error.what()) + graph_.what_is_read(step));
      }
    }
  }

  const GraphValue<T>* padded_values() {
    for (std::size_t v = 0; v < graph_.values(); ++v)
      if (values_[v].has_rows() && !values_[v].has_padded()) scatter(v, nullptr);
    return values_;
  }

  void leave(T* const* y, Batch<T>* found) {
    for (std::size_t k = 0; k < graph_.outputs(); ++k) {
      const std::size_t v = graph_.output_value(k);
      GraphValue<T>& value = values_[v];
      const bool joined = graph_.stacked(v) > 1;
      if (joined && !value.has_rows()) gather(v);
      if (!joined && !value.has_padded()) scatter(v, y[k]);
      const Batch<T>& batch = joined ? value.rows : value.padded;
      found[k] = batch;
      if (kept_lengths_ && batch.lengths)
        found[k].lengths =
            std::copy_n(batch.lengths, samples_, kept_lengths_ + k * samples_) - samples_;
      if (!y[k] || batch.values == y[k]) continue;
      std::copy_n(batch.values, batch.samples * row_size(batch), y[k]);
      found[k].values = y[k];
    }
  }

  std::unique_ptr<GraphTape<T>> tape() {
    if (!pass_.remember) return nullptr;
    return make_graph_tape(graph_, values_, std::move(links_));
  }

 private:
  static Index row_size(const Batch<T>& batch) {
    return rows_of(1, batch.timesteps) * batch.features;
  }
  /// "cannot take lengths" goes on a sentence, others begin one.
  static std::string refusal(const std::string& what) {
    return what == kCannotTakeLengths ? " " + what : ": " + what;
  }
  static constexpr const char* kCannotTakeLengths = "cannot take lengths";

  void link(GraphLink<T> link) {
    if (pass_.remember) links_.push_back(std::move(link));
  }

  /// The true steps of a value as rows; the runs of a state side by side.
  void gather(std::size_t v) {
    GraphValue<T>& value = values_[v];
    if (const Index runs = graph_.stacked(v); runs > 1) {
      const Batch<T>& stacked = value.padded;
      T* rows = workspace_.template take<T>(runs * stacked.samples * stacked.features);
      join_runs(stacked.values, runs, stacked.samples, stacked.features, rows);
      value.rows = {rows, nullptr, stacked.samples, 0, runs * stacked.features};
      link({nullptr, GraphLink<T>::Kind::gather, v, false});
      return;
    }
    const Batch<T>& from = value.padded;
    value.rows = {nullptr, nullptr, value.steps.rows(), 0, from.features};
    if (from.values) value.rows.values = value.steps.gather(from.values, from.features, workspace_);
    if (from.tokens) value.rows.tokens = value.steps.gather(from.tokens, 1, workspace_);
    link({nullptr, GraphLink<T>::Kind::gather, v, false});
  }

  /// Rows as padded sequences, in `to` or, where that is null, in the workspace.
  void scatter(std::size_t v, T* to) {
    GraphValue<T>& value = values_[v];
    const TrueSteps& s = value.steps;
    const Index features = value.rows.features;
    if (!to) to = workspace_.template take<T>(rows_of(s.samples, s.timesteps) * features);
    s.scatter(value.rows.values, features, to);
    value.padded = {to, nullptr, s.samples, s.timesteps, features, s.lengths};
    link({nullptr, GraphLink<T>::Kind::scatter, v, false});
  }

  /// Whether the node's inputs go to it as rows: brings them all into one form.
  bool arrange_inputs(const GraphStep<T>& step) {
    if (!any_lengths_) return false;
    bool lengths = false;
    for (std::size_t i = 0; i < step.reads.size(); ++i)
      lengths = lengths || (reads(step, i) && value_at(step, i).steps.lengths);
    if (!lengths) return false;
    if (step.lengths_use == LengthsUse::refused) throw InvalidArgument(kCannotTakeLengths);
    const bool by_rows = step.lengths_use == LengthsUse::by_rows;
    const TrueSteps& first = value_at(step, 0).steps;
    for (std::size_t i = 0; i < step.reads.size(); ++i) {
      if (!reads(step, i)) continue;
      const std::size_t v = step.reads[i];
      GraphValue<T>& value = values_[v];
      if (by_rows) check_same_steps(first, value.steps);
      if (by_rows && !value.has_rows()) gather(v);
      if (!by_rows && !value.has_padded()) scatter(v, nullptr);
    }
    return by_rows;
  }

  static void check_same_steps(const TrueSteps& a, const TrueSteps& b) {
    const bool same = a.lengths && b.lengths && a.timesteps == b.timesteps &&
                      std::equal(a.lengths, a.lengths + a.samples, b.lengths);
    if (!same) throw InvalidArgument("expected inputs of the same lengths, got others");
  }

  bool reads(const GraphStep<T>& step, std::size_t port) const {
    return step.reads[port] != kNoValue;
  }
  GraphValue<T>& value_at(const GraphStep<T>& step, std::size_t port) {
    return values_[step.reads[port]];
  }

  void run_node(std::size_t n, T* const* y) {
    const GraphStep<T>& step = graph_.steps()[n];
    const bool by_rows = arrange_inputs(step);
    const std::size_t inputs = step.inputs.size(), outputs = step.outputs.size();
    auto* in = workspace_.template take<Batch<T>>(static_cast<Index>(inputs));
    auto* shapes = workspace_.template take<OutputShape>(static_cast<Index>(inputs));
    auto* out = workspace_.template take<T*>(static_cast<Index>(outputs));
    std::fill_n(out, outputs, nullptr);
    for (std::size_t i = 0; i < inputs; ++i) {
      new (in + i) Batch<T>();
      const bool joined = graph_.reads_joined(step, i);
      if (joined && !value_at(step, i).has_rows()) gather(step.reads[i]);
      if (reads(step, i))
        in[i] = by_rows || joined ? value_at(step, i).rows : value_at(step, i).padded;
      shapes[i] = {in[i].timesteps, in[i].features};
      if (reads(step, i)) continue;
      in[i].samples = in[0].samples;
      if (step.carries[i] == kNoPort || !options_.states) continue;
      in[i].values = options_.states->initial(n, i);
      in[i].features = step.inputs[i].features;
      out[step.carries[i]] = options_.states->final(n, i, samples_);
    }
    check_states(step, shapes);
    Pass pass = pass_;
    if (pass.training) pass.seed = derive_seed(pass.seed, static_cast<std::uint64_t>(n));
    pass.before_activation = options_.before_activation && (*options_.before_activation)[n];

    pass.no_steps = pass_.no_steps || (by_rows && value_at(step, 0).steps.none());

    const Index samples = in[0].samples;
    for (std::size_t o = 0; o < outputs; ++o) {
      const std::size_t v = static_cast<std::size_t>(step.first_value) + o;
      if (o > 0 && !graph_.is_read(v)) continue;
      const OutputShape shape = step.layer->output_shape(o, shapes);
      GraphValue<T>& value = values_[v];
      if (!out[o]) {
        if (!by_rows) out[o] = destination(v, y);
        if (!out[o])
          out[o] =
              workspace_.template take<T>(step.outputs[o].stacked * samples * shape.row_size());
      }
      Batch<T>& found = by_rows ? value.rows : value.padded;
      found = {out[o], nullptr, samples, shape.timesteps, shape.features};
      if (by_rows) {
        value.steps = value_at(step, 0).steps;
        continue;
      }
      if (shape.timesteps) found.lengths = step.layer->output_lengths(o, in, workspace_);
      value.steps = {samples, shape.timesteps, found.lengths};
      any_lengths_ = any_lengths_ || found.lengths;
    }
    auto tape = step.layer->forward(in, out, pass);
    link({std::move(tape), GraphLink<T>::Kind::node, n, by_rows});
  }

  /// Where the caller wants a value to be; null: nowhere.
  T* destination(std::size_t v, T* const* y) const {
    for (std::size_t k = 0; y && k < graph_.outputs(); ++k)
      if (y[k] && graph_.output_value(k) == v && graph_.stacked(v) == 1) return y[k];
    return nullptr;
  }

  const Graph<T>& graph_;
  const Pass& pass_;
  const GraphPassOptions<T>& options_;
  Workspace& workspace_;
  Index* kept_lengths_;
  GraphValue<T>* values_;
  Index samples_ = 0;
  bool any_lengths_ = false;  // of the values that stand there so far
  std::vector<GraphLink<T>> links_;
};

}  // namespace

template <class T>
std::unique_ptr<GraphTape<T>> run_graph(const Graph<T>& graph, const Batch<T>* x, T* const* y,
                                        Batch<T>* found, const Pass& pass,
                                        const GraphPassOptions<T>& options) {
  std::optional<Workspace::Scope> scope;
  Index* kept_lengths = nullptr;
  if (!pass.remember) {
    const auto outputs = static_cast<Index>(graph.outputs());
    kept_lengths = pass.workspace.template take<Index>(outputs * x[0].samples);
    scope.emplace(pass.workspace);
  }
  GraphRun<T> run(graph, pass, options, kept_lengths);
  run.enter(x);
  run.run(y, nullptr);
  run.leave(y, found);
  return run.tape();
}

template <class T>
const GraphValue<T>* run_nodes(const Graph<T>& graph, const Batch<T>* x,
                               const std::vector<char>& nodes, const Pass& pass) {
  const GraphPassOptions<T> options;
  GraphRun<T> run(graph, pass, options, nullptr);
  run.enter(x);
  run.run(nullptr, &nodes);
  return run.padded_values();
}

template const GraphValue<float>* run_nodes(const Graph<float>&, const Batch<float>*,
                                            const std::vector<char>&, const Pass&);
template const GraphValue<double>* run_nodes(const Graph<double>&, const Batch<double>*,
                                             const std::vector<char>&, const Pass&);
template std::unique_ptr<GraphTape<float>> run_graph(const Graph<float>&, const Batch<float>*,
                                                     float* const*, Batch<float>*, const Pass&,
                                                     const GraphPassOptions<float>&);
template std::unique_ptr<GraphTape<double>> run_graph(const Graph<double>&, const Batch<double>*,
                                                      double* const*, Batch<double>*, const Pass&,
                                                      const GraphPassOptions<double>&);

}  // namespace lstm_native
