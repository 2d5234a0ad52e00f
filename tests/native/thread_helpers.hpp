// A number of threads for a while, and the work that decides whether they are used.
#pragma once

#include <doctest/doctest.h>

#include <initializer_list>

#include "layer_helpers.hpp"
#include "lstm_native/runtime.hpp"
#include "lstm_native/types.hpp"

class Threads {
 public:
  explicit Threads(int count) : before_(lstm_native::num_threads()) {
    lstm_native::set_num_threads(count);
  }
  ~Threads() { lstm_native::set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

/// Multiply-adds of an LSTM's forward pass, as the layer counts them.
inline double lstm_work(lstm_native::Index n, lstm_native::Index steps, lstm_native::Index inputs,
                        lstm_native::Index hidden) {
  return static_cast<double>(n * steps * 4 * hidden * (inputs + hidden));
}

/// A pass and its way back have the same bits on so many threads as on one.
template <class T>
void check_threads_agree(const LayerCase<T>& layer, std::initializer_list<int> counts) {
  const auto up = layer.upstream();
  const auto run = [&](int count) {
    const Threads used(count);
    const auto got = layer.backward(up);
    CHECK(got.same_forward(layer.forward()));
    return got;
  };
  const LayerResult<T> one = run(1);
  for (const int count : counts) {
    CAPTURE(count);
    const auto got = run(count);
    CHECK(got.same_forward(one));
    CHECK(got.same_backward(one));
  }
}
