// Images as the rows of a matrix: what a convolution sees of them, pixel by pixel.
#pragma once

#include <algorithm>

#include "core/base/rows.hpp"

namespace lstm_native {

/// A convolution of stride 1 whose output is as large as its input ("same" padding with zeros). Of
/// the kernel_height - 1 rows of padding the first half, rounded down, lies above the image, as
/// PyTorch and TensorFlow have it; and so for columns.
struct ConvShape {
  Index height, width, kernel_height, kernel_width;

  Index pixels() const { return height * width; }
  Index taps() const { return kernel_height * kernel_width; }

  /// Calls body(pixel, first value of its patch, first neighbour, neighbours) for each pixel and
  /// row of the kernel; a row's other neighbours lie outside of the image. `before` and `behind`
  /// are their numbers on either side; all lie outside when there are no neighbours.
  template <class Body>
  void for_each_row(const Body& body) const {
    const Index above = (kernel_height - 1) / 2, left = (kernel_width - 1) / 2;
    for (Index i = 0; i < height; ++i)
      for (Index j = 0; j < width; ++j)
        for (Index k = 0; k < kernel_height; ++k) {
          const Index row = i + k - above, first = j - left;
          const bool inside = row >= 0 && row < height;
          const Index begin = inside ? std::max<Index>(first, 0) : 0;
          const Index end = inside ? std::min(first + kernel_width, width) : 0;
          const Index before = inside ? begin - first : kernel_width;
          body(i * width + j, k * kernel_width, before, row * width + begin, end - begin);
        }
  }
};

/// patches (pixels x taps * channels) of an image (pixels x channels).
template <class T>
void gather_patches(const ConvShape& shape, Rows<const T> image, Index channels, T* patches) {
  const Index size = shape.taps() * channels;
  shape.for_each_row([&](Index pixel, Index tap, Index before, Index from, Index count) {
    T* to = patches + pixel * size + tap * channels;
    to = std::fill_n(to, before * channels, T(0));
    for (Index p = from; p < from + count; ++p)
      to = std::copy_n(image.data + p * image.stride, channels, to);
    std::fill_n(to, (shape.kernel_width - before - count) * channels, T(0));
  });
}

/// The transpose: adds to each pixel of the image what the patches hold of it.
template <class T>
void scatter_patches(const ConvShape& shape, const T* patches, Index channels, Rows<T> image) {
  const Index size = shape.taps() * channels;
  shape.for_each_row([&](Index pixel, Index tap, Index before, Index to, Index count) {
    const T* from = patches + pixel * size + (tap + before) * channels;
    for (Index p = to; p < to + count; ++p, from += channels)
      for (Index c = 0; c < channels; ++c) image.data[p * image.stride + c] += from[c];
  });
}

}  // namespace lstm_native
