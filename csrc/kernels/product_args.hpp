// Arguments of the products over packed weights, and of the transposition.
#pragma once

#include "kernels/conventions.hpp"

namespace lstm_native {

/// out = bias + a * packed, or out += a * packed.
template <class T>
struct ProductArgs {
  Index rows = 0, depth = 0, cols = 0;
  const T* a = nullptr;  // rows x depth
  Index a_stride = 0;
  const T* packed = nullptr;  // depth x cols in panels, see packing.hpp
  const T* bias = nullptr;    // padded(cols), or null for zeros; unused when accumulating
  T* out = nullptr;           // rows x cols; only the first cols values of a row are written
  Index out_stride = 0;
  bool accumulate = false;
  // cols <= kGateBlock: the sum over k is made of those over its four quarters (depth is a multiple
  // of four). A single long sum would wait for each of its multiply-adds.
  bool quarters = false;
};

/// out += a^T b over samples that lie in memory as `per_step` rows at each of some steps.
template <class T>
struct GradientLeft {
  Index cols = 0;
  const T* a =
      nullptr;  // the row of sample s: a + s / per_step * time_stride + s % per_step * row_stride
  Index time_stride = 0, row_stride = 0;
  T* out = nullptr;  // cols x padded(b columns), rows out_stride apart
};

/// For the columns [begin, end) of b and one or two left operands; sums += column sums of b.
template <class T>
struct GradientProductArgs {
  Index samples = 0, per_step = 1;
  GradientLeft<T> left[2];  // the second may have no columns
  const T* b = nullptr;     // samples x b columns
  Index b_stride = 0;
  Index begin = 0, end = 0;  // begin is a multiple of 4 * lanes
  Index out_stride = 0;
  T* sums = nullptr;     // padded(b columns), or null
  T* scratch = nullptr;  // gradient_scratch(samples, all cols) values
  // The call before had the same samples and left operands, no more than gradient_block of them,
  // and scratch is as it left it.
  bool packed_before = false;
};

/// to(c, r) = from(r, c), or += it.
template <class T>
struct TransposeArgs {
  Index rows = 0, cols = 0;  // of from
  const T* from = nullptr;
  Index from_stride = 0;
  T* to = nullptr;
  Index to_stride = 0;
  bool add = false;
};

}  // namespace lstm_native
