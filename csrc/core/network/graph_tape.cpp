#include "core/network/graph_tape.hpp"

#include <algorithm>

namespace lstm_native {
namespace {

/// The gradient of one form of a value, as far as it has been summed.
template <class T>
struct Gradient {
  const T* sum = nullptr;  // null: nothing yet
  T* own = nullptr;        // the same where it may be added to
};

template <class T>
class LinkedTape final : public GraphTape<T> {
 public:
  LinkedTape(const Graph<T>& graph, const GraphValue<T>* values, std::vector<GraphLink<T>> links)
      : graph_(graph), values_(values), links_(std::move(links)) {}

  void backward(const T* const* dy, T* const* dx, T* const* gradients,
                Workspace& workspace) override {
    const Workspace::Scope scope(workspace);
    WayBack way(*this, dx, gradients, workspace);
    for (std::size_t k = 0; k < graph_.outputs(); ++k)
      if (dy[k]) way.add_output(graph_.output_value(k), dy[k]);
    for (std::size_t i = links_.size(); i-- > 0;) way.follow(links_[i]);
    way.finish();
  }

 private:
  class WayBack {
   public:
    WayBack(const LinkedTape& tape, T* const* dx, T* const* gradients, Workspace& workspace)
        : graph_(tape.graph_),
          values_(tape.values_),
          dx_(dx),
          gradients_(gradients),
          workspace_(workspace) {
      const auto count = static_cast<Index>(graph_.values());
      padded_ = new_gradients(count);
      rows_ = new_gradients(count);
      wanted_ = workspace.template take_zeros<bool>(count);
      for (std::size_t i = 0; i < graph_.inputs(); ++i)
        wanted_[i] = dx_ && dx_[i] && !graph_.takes_tokens(i);
      for (const GraphStep<T>& step : graph_.steps())
        std::fill_n(wanted_ + step.first_value, step.outputs.size(), is_wanted(step));
    }

    void add_output(std::size_t v, const T* dy) {
      const bool joined = graph_.stacked(v) > 1;
      Gradient<T>& gradient = (joined ? rows_ : padded_)[v];
      if (!gradient.sum) {
        gradient.sum = dy;
        return;
      }
      const Index size = size_of(v, joined);
      if (!gradient.own) {
        gradient.own = workspace_.template take<T>(size);
        std::copy_n(gradient.sum, size, gradient.own);
        gradient.sum = gradient.own;
      }
      for (Index i = 0; i < size; ++i) gradient.own[i] += dy[i];
    }

    void follow(GraphLink<T>& link) {
      switch (link.kind) {
        case GraphLink<T>::Kind::node: lead_through(link); break;
        case GraphLink<T>::Kind::gather: lead_to_padded(link.index); break;
        case GraphLink<T>::Kind::scatter: lead_to_rows(link.index); break;
      }
    }

    /// Inputs whose gradient is wanted, but which nothing led to.
    void finish() {
      for (std::size_t i = 0; i < graph_.inputs(); ++i) {
        if (!dx_ || !dx_[i]) continue;
        const Index size = size_of(i, false);
        if (!padded_[i].sum)
          std::fill_n(dx_[i], size, T(0));
        else if (padded_[i].sum != dx_[i])
          std::copy_n(padded_[i].sum, size, dx_[i]);
      }
    }

   private:
    Gradient<T>* new_gradients(Index count) {
      auto* list = workspace_.template take<Gradient<T>>(count);
      std::uninitialized_fill_n(list, count, Gradient<T>());
      return list;
    }

    Index size_of(std::size_t v, bool rows) const {
      const Batch<T>& batch = rows ? values_[v].rows : values_[v].padded;
      const Index runs = rows ? 1 : graph_.stacked(v);
      return runs * rows_of(batch.samples, batch.timesteps) * batch.features;
    }

    /// Whether a node leads to a gradient that is wanted: its own, or of what it reads.
    bool is_wanted(const GraphStep<T>& step) const {
      for (const std::size_t place : graph_.places(step.layer_index))
        if (gradients_[place]) return true;
      for (const std::size_t v : step.reads)
        if (v != kNoValue && wanted_[v]) return true;
      return false;
    }

    /// Where a layer may add a gradient that nobody wants. It asks for none of what is not trained.
    T* unwanted(const Parameter<T>& parameter) {
      if (!parameter.trained) return nullptr;
      return workspace_.template take_zeros<T>(parameter.info.size());
    }

    /// Memory for what is to be added to a gradient.
    T* part(std::size_t v, bool rows) {
      const bool first = !(rows ? rows_ : padded_)[v].sum;
      if (first && !rows && v < graph_.inputs()) return dx_[v];
      return workspace_.template take<T>(size_of(v, rows));
    }

    void add(std::size_t v, bool rows, T* part) {
      Gradient<T>& gradient = (rows ? rows_ : padded_)[v];
      if (!gradient.sum) {
        gradient = {part, part};
        return;
      }
      const Index size = size_of(v, rows);
      if (!gradient.own) {  // the caller's, of an output that is read inside, too
        for (Index i = 0; i < size; ++i) part[i] = gradient.sum[i] + part[i];
        gradient = {part, part};
        return;
      }
      for (Index i = 0; i < size; ++i) gradient.own[i] += part[i];
    }

    void lead_through(GraphLink<T>& link) {
      const GraphStep<T>& step = graph_.steps()[link.index];
      const auto first = static_cast<std::size_t>(step.first_value);
      if (!wanted_[first]) return;
      Gradient<T>* const own = (link.by_rows ? rows_ : padded_) + first;
      const std::size_t outputs = step.outputs.size(), inputs = step.inputs.size();
      auto** dy = workspace_.template take<const T*>(static_cast<Index>(outputs));
      auto** dx = workspace_.template take<T*>(static_cast<Index>(inputs));
      bool any = false;
      for (std::size_t o = 0; o < outputs; ++o) {
        dy[o] = own[o].sum;
        any = any || dy[o];
      }
      if (!any && !step.adds_to_loss) return;
      if (!dy[0]) dy[0] = workspace_.template take_zeros<T>(size_of(first, link.by_rows));
      for (std::size_t i = 0; i < inputs; ++i) {
        const std::size_t v = step.reads[i];
        dx[i] = v != kNoValue && wanted_[v] ? part(v, reads_rows(link, step, i)) : nullptr;
      }
      // Two ports that read one value must not both take the input's own memory.
      for (std::size_t i = 1; i < inputs; ++i)
        if (dx[i] && std::find(dx, dx + i, dx[i]) != dx + i)
          dx[i] = workspace_.template take<T>(size_of(step.reads[i], reads_rows(link, step, i)));
      of_layer_.clear();
      for (const std::size_t place : graph_.places(step.layer_index))
        of_layer_.push_back(gradients_[place] ? gradients_[place]
                                              : unwanted(graph_.parameter(place)));
      link.tape->backward(dy, dx, of_layer_.data(), workspace_);
      for (std::size_t i = 0; i < inputs; ++i)
        if (dx[i]) add(step.reads[i], reads_rows(link, step, i), dx[i]);
    }

    bool reads_rows(const GraphLink<T>& link, const GraphStep<T>& step, std::size_t port) const {
      return link.by_rows || graph_.reads_joined(step, port);
    }

    void lead_to_padded(std::size_t v) {
      if (!rows_[v].sum || !wanted_[v]) return;
      T* padded = part(v, false);
      const Batch<T>& batch = values_[v].padded;
      if (graph_.stacked(v) > 1)
        split_runs(rows_[v].sum, graph_.stacked(v), batch.samples, batch.features, padded);
      else
        values_[v].steps.scatter(rows_[v].sum, values_[v].rows.features, padded);
      add(v, false, padded);
    }

    void lead_to_rows(std::size_t v) {
      if (!padded_[v].sum || !wanted_[v]) return;
      const Index features = values_[v].rows.features;
      add(v, true, values_[v].steps.gather(padded_[v].sum, features, workspace_));
    }

    const Graph<T>& graph_;
    const GraphValue<T>* values_;
    T* const* dx_;
    T* const* gradients_;
    Workspace& workspace_;
    Gradient<T>*padded_, *rows_;
    bool* wanted_;  // of each value, whether its gradient is
    std::vector<T*> of_layer_;
  };

  const Graph<T>& graph_;
  const GraphValue<T>* values_;
  std::vector<GraphLink<T>> links_;
};

}  // namespace

template <class T>
std::unique_ptr<GraphTape<T>> make_graph_tape(const Graph<T>& graph, const GraphValue<T>* values,
                                              std::vector<GraphLink<T>> links) {
  return std::make_unique<LinkedTape<T>>(graph, values, std::move(links));
}

template std::unique_ptr<GraphTape<float>> make_graph_tape(const Graph<float>&,
                                                           const GraphValue<float>*,
                                                           std::vector<GraphLink<float>>);
template std::unique_ptr<GraphTape<double>> make_graph_tape(const Graph<double>&,
                                                            const GraphValue<double>*,
                                                            std::vector<GraphLink<double>>);

}  // namespace lstm_native
