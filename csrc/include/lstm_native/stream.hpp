// A network that runs one step at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lstm_native/types.hpp"

namespace lstm_native {

template <class T>
class StreamImpl;

/// A network that is given one step of its sequences at a time and keeps their state in between.
/// Made by Network<T>::stream.
///
/// After T steps it has answered, bit for bit, what `predict` gives for the T steps at once; a
/// layer that returns its last step alone answers with the step that is the last so far. Dropout
/// rests.
///
/// A step allocates nothing, locks nothing, throws nothing and starts no thread. The stream keeps
/// the weights and the instruction set of its making, whatever becomes of the network. One stream
/// takes one call at a time; several streams, also of one network, may run beside each other.
template <class T>
class Stream {
 public:
  explicit Stream(std::unique_ptr<StreamImpl<T>> impl);
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  Index batch_size() const;       // sequences that run side by side
  Index input_features() const;   // 0 when the input is tokens
  Index output_features() const;  // of y, per sequence
  bool takes_tokens() const;

  /// One step of every sequence. x: batch_size x input_features values, or batch_size tokens, only
  /// read; y: receives batch_size x output_features values, and may not overlap x.
  /// Returns false, and changes nothing, when the network takes the other kind of input or a token
  /// is out of range.
  bool step(const T* x, T* y) noexcept;
  bool step(const std::int64_t* tokens, T* y) noexcept;

  /// Back to the state before the first step: zeros.
  void reset() noexcept;

  /// The state tensors by name: "0.h", "0.c" for an LSTM that is layer 0, each of (stacked layers,
  /// batch_size, hidden units). A stream that is given the state of another with the same weights
  /// goes on as that one would. Unknown names and wrong counts throw InvalidArgument.
  std::vector<TensorInfo> state() const;
  void get_state(const std::string& name, T* out) const;
  void set_state(const std::string& name, const T* values, Index count);

  StreamImpl<T>& impl() { return *impl_; }

 private:
  std::unique_ptr<StreamImpl<T>> impl_;
};

}  // namespace lstm_native
