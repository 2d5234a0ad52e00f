// Packed weights, built when first needed and kept until the weights or the kernels change.
#pragma once

#include <memory>
#include <mutex>

namespace lstm_native {

/// Safe to `get` from several threads. What get returns stays valid and unchanged while held,
/// even when the weights change meanwhile.
template <class Packed>
class PackedCache {
 public:
  void invalidate() {
    const std::lock_guard<std::mutex> lock(mutex_);
    kernels_ = nullptr;
  }

  /// `kernels`: the table the packing is for. build(Packed&) fills it.
  template <class Build>
  std::shared_ptr<const Packed> get(const void* kernels, const Build& build) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (kernels_ != kernels) {
      if (!current_ || current_.use_count() > 1) current_ = std::make_shared<Packed>();
      kernels_ = nullptr;  // until build has ended without an exception
      build(*current_);
      kernels_ = kernels;
    }
    return current_;
  }

 private:
  mutable std::mutex mutex_;
  mutable std::shared_ptr<Packed> current_;
  mutable const void* kernels_ = nullptr;
};

}  // namespace lstm_native
