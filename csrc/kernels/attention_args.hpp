// Arguments of the additive scores of attention.
#pragma once

#include "kernels/conventions.hpp"

namespace lstm_native {

/// scores[j] = v tanh(query + keys[j]). What is behind the true width holds zeros.
template <class T>
struct AdditiveScoresArgs {
  Index count = 0, width = 0;  // of keys; width is a multiple of kGateBlock
  const T* query = nullptr;    // width
  const T* keys = nullptr;     // count x width
  Index key_stride = 0;
  const T* v = nullptr;  // width
  T* scores = nullptr;   // count
};

template <class T>
struct AdditiveScoresBackwardArgs {
  Index count = 0, width = 0;  // as above
  const T* query = nullptr;
  const T* keys = nullptr;
  Index key_stride = 0;  // of d_keys, too
  const T* v = nullptr;
  const T* d_scores = nullptr;  // count
  T* d_query = nullptr;         // width: written
  T* d_keys = nullptr;          // count x width: added to
  T* d_v = nullptr;             // width: added to
};

}  // namespace lstm_native
