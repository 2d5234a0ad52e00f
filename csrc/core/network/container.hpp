// What layers that hold other layers have in common.
#pragma once

#include "core/network/graph_pass.hpp"
#include "core/network/layer_factory.hpp"

namespace lstm_native {

/// Holds inner layers, most often in a row, which are reached through this layer alone: their
/// parameters follow its own, renamed "layers.0.<name>". Inner recurrent layers begin each pass at
/// zero.
template <class T>
class Container : public SequenceLayer<T> {
 public:
  Index input_features() const override { return inputs_; }
  Index output_features() const override { return inner_->output_features(0); }
  std::vector<Parameter<T>*> parameters() override {
    std::vector<Parameter<T>*> list = own_parameters();
    for (auto& [name, parameter] : inner_->parameters()) list.push_back(parameter);
    return list;
  }

 protected:
  Container(const std::vector<LayerSpec>& layers, Index inputs, WeightSeed seed)
      : Container(inputs, std::make_shared<Graph<T>>(make_layers<T>(layers, inputs, seed))) {}
  /// Of a graph with one input and one output.
  Container(Index inputs, std::shared_ptr<Graph<T>> inner)
      : inputs_(inputs), inner_(std::move(inner)) {
    for (auto& [name, parameter] : inner_->parameters()) parameter->info.name = "layers." + name;
  }

  const Graph<T>& inner() const { return *inner_; }
  std::shared_ptr<const Graph<T>> shared_inner() const { return inner_; }

  /// The inner layers' pass. Its output stands in y, or where a tape can look at it again: in
  /// memory of its own, so that what is added to it in y does not matter. Returns where.
  const T* run_inner(const Batch<T>& x, Index size, T* y, const Pass& pass,
                     std::unique_ptr<GraphTape<T>>& tape) const {
    T* output = pass.remember ? pass.workspace.template take<T>(size) : y;
    Batch<T> found;
    tape = run_graph(*inner_, &x, &output, &found, pass);
    return output;
  }

  void drop_packed() override { inner_->parameters_changed(); }

 private:
  virtual std::vector<Parameter<T>*> own_parameters() { return {}; }

  Index inputs_;
  std::shared_ptr<Graph<T>> inner_;
};

}  // namespace lstm_native
