// What layers that hold other layers have in common.
#pragma once

#include "core/network/chain.hpp"

namespace lstm_native {

/// Holds a chain of inner layers, which are reached through this layer alone: their parameters
/// follow its own, renamed "layers.0.<name>". Inner recurrent layers begin each pass at zero.
template <class T>
class Container : public SequenceLayer<T> {
 public:
  Index input_features() const override { return inputs_; }
  Index output_features() const override { return inner_.layers().back()->output_features(); }
  std::vector<Parameter<T>*> parameters() override {
    std::vector<Parameter<T>*> list = own_parameters();
    for (auto& [name, parameter] : inner_.parameters()) list.push_back(parameter);
    return list;
  }

 protected:
  Container(const std::vector<LayerSpec>& layers, Index inputs, WeightSeed seed)
      : inputs_(inputs), inner_(make_layers<T>(layers, inputs, seed)) {
    for (auto& [name, parameter] : inner_.parameters()) parameter->info.name = "layers." + name;
  }

  const Chain<T>& inner() const { return inner_; }

  /// The inner layers' pass. Its output stands in y, or where a tape can look at it again: in
  /// memory of its own, so that what is added to it in y does not matter. Returns where.
  const T* run_inner(const Batch<T>& x, Index size, T* y, const Pass& pass,
                     std::unique_ptr<SequenceTape<T>>& tape) const {
    T* output = pass.remember ? pass.workspace.template take<T>(size) : y;
    tape = inner_.forward(x, output, pass);
    return output;
  }

  void drop_packed() override { inner_.parameters_changed(); }

 private:
  virtual std::vector<Parameter<T>*> own_parameters() { return {}; }

  Index inputs_;
  Chain<T> inner_;
};

}  // namespace lstm_native
