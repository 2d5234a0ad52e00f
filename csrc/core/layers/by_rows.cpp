#include "core/layers/by_rows.hpp"

#include "core/layers/true_steps.hpp"

namespace lstm_native {
namespace {

template <class T>
class RowsTape final : public SequenceTape<T> {
 public:
  RowsTape(const TrueSteps& steps, Index inputs, Index outputs,
           std::unique_ptr<SequenceTape<T>> inner)
      : steps_(steps), inputs_(inputs), outputs_(outputs), inner_(std::move(inner)) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const* gradients,
                Workspace& workspace) override {
    const Workspace::Scope scope(workspace);
    T* rows = dx ? workspace.take<T>(steps_.rows() * inputs_) : nullptr;
    inner_->backward(steps_.gather(dy, outputs_, workspace), rows, {}, gradients, workspace);
    if (dx) steps_.scatter(rows, inputs_, dx);
  }

 private:
  TrueSteps steps_;
  Index inputs_, outputs_;
  std::unique_ptr<SequenceTape<T>> inner_;
};

}  // namespace

template <class T>
std::unique_ptr<SequenceTape<T>> forward_by_rows(const SequenceLayer<T>& layer, const Batch<T>& x,
                                                 T* y, const Pass& pass) {
  const TrueSteps steps{x.samples, x.timesteps, x.lengths};
  Workspace& workspace = pass.workspace;
  Batch<T> rows{nullptr, nullptr, steps.rows(), 0, x.features};
  if (x.values) rows.values = steps.gather(x.values, x.features, workspace);
  if (x.tokens) rows.tokens = steps.gather(x.tokens, 1, workspace);
  const Index outputs = layer.output_features();
  T* found = workspace.take<T>(rows.samples * outputs);
  Pass of_rows = pass;
  of_rows.no_steps = steps.none();
  auto inner = layer.forward(rows, found, {}, of_rows);
  steps.scatter(found, outputs, y);
  if (!inner) return nullptr;
  return std::make_unique<RowsTape<T>>(steps, x.features, outputs, std::move(inner));
}

template std::unique_ptr<SequenceTape<float>> forward_by_rows(const SequenceLayer<float>&,
                                                              const Batch<float>&, float*,
                                                              const Pass&);
template std::unique_ptr<SequenceTape<double>> forward_by_rows(const SequenceLayer<double>&,
                                                               const Batch<double>&, double*,
                                                               const Pass&);

}  // namespace lstm_native
