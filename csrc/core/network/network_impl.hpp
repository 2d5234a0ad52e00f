// What stands behind the public Network handle.
#pragma once

#include <algorithm>
#include <string_view>

#include "core/base/workspace_pool.hpp"
#include "core/network/chain.hpp"
#include "lstm_native/network.hpp"

namespace lstm_native {

template <class T>
class NetworkImpl {
 public:
  explicit NetworkImpl(std::vector<std::shared_ptr<SequenceLayer<T>>> layers)
      : chain_(std::move(layers)), parameters_(chain_.parameters()) {
    for (const auto& [name, p] : parameters_) {
      by_name_.push_back(by_name_.size());
      parameter_count_ += p->info.size();
    }
    std::sort(by_name_.begin(), by_name_.end(), [this](std::size_t a, std::size_t b) {
      return parameters_[a].first < parameters_[b].first;
    });
  }

  const Chain<T>& chain() const { return chain_; }
  const SequenceLayer<T>& first() const { return *chain_.layers().front(); }
  const std::vector<std::pair<std::string, Parameter<T>*>>& parameters() const {
    return parameters_;
  }
  Index parameter_count() const { return parameter_count_; }
  Parameter<T>& parameter(const std::string& name) const;  // throws InvalidArgument
  /// Where it stands in `parameters`; their number for an unknown name.
  std::size_t place_of(std::string_view name) const;

  void predict(const Batch<T>& x, T* y, ChainStates<T>* states = nullptr) const;

  /// To be called after weights were written.
  void parameters_changed() { chain_.parameters_changed(); }

 private:
  Chain<T> chain_;
  std::vector<std::pair<std::string, Parameter<T>*>> parameters_;
  std::vector<std::size_t> by_name_;  // places in parameters_, for looking up
  Index parameter_count_ = 0;
  mutable WorkspacePool workspaces_;
};

}  // namespace lstm_native
