// A network that runs one step at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lstm_native/types.hpp"

namespace lstm_native {

struct Access;
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
///
/// Moved, not copied. One that was moved from or default-constructed is empty: `step` returns
/// false, `reset` does nothing, and all other members throw InvalidArgument.
template <class T>
class Stream {
 public:
  Stream() noexcept;
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  explicit operator bool() const noexcept { return impl_ != nullptr; }  // whether it is not empty

  Index batch_size() const;  // sequences that run side by side
  Index inputs() const;      // that are stepped: those that are not held
  Index outputs() const;     // that are stepped: those that depend on one of these inputs
  /// Of one of them, by its place among them.
  Index input_features(Index input = 0) const;    // 0 when it is tokens
  Index output_features(Index output = 0) const;  // of y, per sequence
  bool takes_tokens(Index input = 0) const;

  /// One step of every sequence. x: batch_size x input_features values, or batch_size tokens, only
  /// read; y: receives batch_size x output_features values, and may not overlap x.
  /// Returns false, and changes nothing, when the stream is empty, the network takes the other kind
  /// of input or a token is out of range. Values are not looked at: a NaN gets into the state of
  /// its sequence, and stays there until `reset` or `set_state`.
  bool step(const T* x, T* y) noexcept;
  bool step(const std::int64_t* tokens, T* y) noexcept;
  /// The same of a network with any number of inputs and outputs. x and y have one entry for each
  /// of the network's, in its order: of x the values or tokens alone are looked at, and entries of
  /// what is not stepped may be empty.
  bool step(const Batch<T>* x, T* const* y) noexcept;

  /// Sequence i goes on from where sequence from[i] stands, batch_size indices: for beams. What is
  /// held stays where it is. Returns false, and changes nothing, for an index out of range.
  bool reorder(const Index* from) noexcept;

  /// Back to the state before the first step: zeros, or what is held says.
  void reset() noexcept;

  /// The state tensors by name: "0.h", "0.c" for an LSTM that is layer 0, each of (stacked layers,
  /// batch_size, hidden units). A stream that is given the state of another with the same weights
  /// goes on as that one would. Unknown names and wrong counts throw InvalidArgument. All of these
  /// allocate.
  std::vector<TensorInfo> state() const;
  std::vector<T> get_state(const std::string& name) const;
  void get_state(const std::string& name, T* out, Index count) const;
  void set_state(const std::string& name, const T* values, Index count);

 private:
  friend struct Access;
  explicit Stream(std::unique_ptr<StreamImpl<T>> impl);
  std::unique_ptr<StreamImpl<T>> impl_;
};

}  // namespace lstm_native
