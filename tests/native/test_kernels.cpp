// Matrix products and the recurrent step of every instruction set, against plain loops.
#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/numeric/packing.hpp"
#include "isa_helpers.hpp"
#include "kernels/product_args.hpp"
#include "numeric_helpers.hpp"
#include "reference_cell.hpp"

using namespace lstm_native;

namespace {

constexpr double kSentinel = 12345.5;

template <class T>
std::vector<T> sentinels(Index count) {
  return std::vector<T>(static_cast<std::size_t>(count), static_cast<T>(kSentinel));
}

/// rows x cols values with `stride` between rows; nothing behind the last value, so that a read
/// too far leaves the allocation.
template <class T>
std::vector<T> strided(const std::vector<T>& values, Index rows, Index cols, Index stride) {
  std::vector<T> out = sentinels<T>((rows - 1) * stride + cols);
  for (Index r = 0; r < rows; ++r)
    std::copy_n(&values[static_cast<std::size_t>(r * cols)], cols, &out[r * stride]);
  return out;
}

/// Of a sum of `terms` products whose absolute values add up to `size`: every rounding counted.
template <class T>
double sum_bound(Index terms, double size) {
  return static_cast<double>(terms + 2) * std::numeric_limits<T>::epsilon() * size;
}

enum class Start { zero, bias, accumulate };

/// One product for up to `rows` rows, in every way it can be asked for.
template <class T>
struct ProductCase {
  Index rows, depth, cols, a_stride = depth + 3, out_stride = cols + 5;
  std::vector<T> a, w, bias, start, packed, padded_bias;

  ProductCase(Index max_rows, Index k, Index n) : rows(max_rows), depth(k), cols(n) {
    const Index lanes = kernels<T>().lanes;
    const auto seed = static_cast<std::uint64_t>(100 * k + n);
    a = random_values<T>(rows * depth, seed);
    w = random_values<T>(depth * cols, seed + 1);
    bias = random_values<T>(cols, seed + 2);
    start = random_values<T>(rows * cols, seed + 3);
    packed.resize(static_cast<std::size_t>(packed_size(cols, depth, lanes)));
    pack_columns(
        depth, cols, lanes, [&](Index i, Index j) { return w[i * cols + j]; }, packed.data());
    padded_bias = bias;
    padded_bias.resize(static_cast<std::size_t>(round_up(cols, lanes)));
  }

  /// The kernel's answer for rows [first, first + count), with its stride.
  std::vector<T> run(Start from, Index first, Index count) const {
    const std::vector<T> in(&a[first * depth], &a[first * depth] + count * depth);
    const std::vector<T> strided_a = strided(in, count, depth, a_stride);
    std::vector<T> out = sentinels<T>((count - 1) * out_stride + cols);
    if (from == Start::accumulate)
      out = strided(std::vector<T>(&start[first * cols], &start[first * cols] + count * cols),
                    count, cols, out_stride);
    ProductArgs<T> args;
    args.rows = count;
    args.depth = depth;
    args.cols = cols;
    args.a = strided_a.data();
    args.a_stride = a_stride;
    args.packed = packed.data();
    args.bias = from == Start::bias ? padded_bias.data() : nullptr;
    args.out = out.data();
    args.out_stride = out_stride;
    args.accumulate = from == Start::accumulate;
    kernels<T>().product(args);
    return out;
  }

  /// Values that differ from plain loops by more than rounding can explain.
  int wrong(Start from, const std::vector<T>& out) const {
    int count = 0;
    for (Index r = 0; r < rows; ++r)
      for (Index j = 0; j < cols; ++j) {
        double sum = from == Start::zero   ? 0.0
                     : from == Start::bias ? static_cast<double>(bias[j])
                                           : static_cast<double>(start[r * cols + j]);
        double size = std::abs(sum);
        for (Index k = 0; k < depth; ++k) {
          const double term = static_cast<double>(a[r * depth + k]) * w[k * cols + j];
          sum += term;
          size += std::abs(term);
        }
        if (!(std::abs(out[r * out_stride + j] - sum) <= sum_bound<T>(depth, size))) ++count;
      }
    return count;
  }

  /// Values between the rows of the output that were written to.
  int touched(const std::vector<T>& out) const {
    int count = 0;
    for (std::size_t i = 0; i < out.size(); ++i)
      if (static_cast<Index>(i) % out_stride >= cols && out[i] != static_cast<T>(kSentinel))
        ++count;
    return count;
  }
};

}  // namespace

TEST_CASE_TEMPLATE("product: every tile, tail and start, and no row sees its neighbours", T, float,
                   double) {
  for_each_set([](const std::string&) {
    for (Index cols = 1; cols <= 70; ++cols)
      for (const Index depth : {1 + cols * 7 % 40, 1 + (cols * 13 + 5) % 40}) {
        const ProductCase<T> product(13, depth, cols);
        CAPTURE(cols);
        CAPTURE(depth);
        for (const Start from : {Start::zero, Start::bias, Start::accumulate}) {
          const std::vector<T> all = product.run(from, 0, product.rows);
          REQUIRE(product.wrong(from, all) == 0);
          REQUIRE(product.touched(all) == 0);
          for (Index rows = 1; rows < product.rows; ++rows) {
            // The last `rows` rows alone: other tiles, the same bits.
            const Index first = product.rows - rows;
            const std::vector<T> few = product.run(from, first, rows);
            REQUIRE(product.touched(few) == 0);
            for (Index r = 0; r < rows; ++r)
              REQUIRE(same_bits(&few[r * product.out_stride],
                                &all[(first + r) * product.out_stride], cols));
          }
        }
      }
  });
}

TEST_CASE_TEMPLATE("product: no rows, or no depth, is no mistake", T, float, double) {
  for_each_set([](const std::string&) {
    const ProductCase<T> product(1, 3, 5);
    ProductArgs<T> args;
    args.depth = 3;
    args.cols = 5;
    args.packed = product.packed.data();
    args.bias = product.padded_bias.data();
    kernels<T>().product(args);  // zero rows: null pointers are not followed
    std::vector<T> out = sentinels<T>(5);
    args.rows = 1;
    args.depth = 0;
    args.out = out.data();
    kernels<T>().product(args);
    CHECK(same_bits(out, product.bias));
  });
}

TEST_CASE_TEMPLATE("gradient product: sample blocks, column panels and their tails", T, float,
                   double) {
  for_each_set([](const std::string&) {
    const KernelTable<T>& k = kernels<T>();
    const Index width = 4 * k.lanes;
    for (const Index samples : {1, 2, 63, 255, 256, 257, 514})
      for (const Index a_cols : {1, 2, 3, 4, 5, 6, 7, 13})
        for (const Index cols : {Index{1}, Index{3}, k.lanes, k.lanes + 1, 2 * k.lanes + 1,
                                 width - 1, width, width + 1, 2 * width + 3}) {
          const bool second_panel = cols > width && a_cols % 2 == 0;
          const Index begin = second_panel ? width : 0, padded = round_up(cols, k.lanes);
          const Index a_stride = a_cols + 3, b_stride = cols + 2, out_stride = padded + 5;
          const auto a = random_values<T>(samples * a_cols, 1),
                     b = random_values<T>(samples * cols, 2);
          const auto in_a = strided(a, samples, a_cols, a_stride),
                     in_b = strided(b, samples, cols, b_stride);
          std::vector<T> out = sentinels<T>((a_cols - 1) * out_stride + padded);
          std::vector<T> sums = sentinels<T>(padded);
          std::vector<T> scratch(static_cast<std::size_t>(k.gradient_scratch(samples, a_cols)));
          GradientProductArgs<T> args;
          args.samples = samples;
          args.per_step = samples;
          args.left[0] = {a_cols, in_a.data(), 0, a_stride, out.data()};
          args.b = in_b.data();
          args.b_stride = b_stride;
          args.begin = begin;
          args.end = cols;
          args.out_stride = out_stride;
          args.sums = a_cols == 3 ? nullptr : sums.data();
          args.scratch = scratch.data();
          k.gradient_product(args);

          int wrong = 0;
          // Both are added to what was there, and only where they were asked for.
          const auto compare = [&](double got, Index j, bool asked, const auto& factor) {
            double sum = kSentinel, size = kSentinel;
            for (Index s = 0; s < samples && asked && j >= begin && j < cols; ++s) {
              sum += factor(s) * static_cast<double>(b[s * cols + j]);
              size += std::abs(factor(s) * static_cast<double>(b[s * cols + j]));
            }
            const double bound = size == kSentinel ? 0 : sum_bound<T>(samples, size);
            if (!(std::abs(got - sum) <= bound)) ++wrong;
          };
          for (Index j = 0; j < padded; ++j)
            compare(sums[j], j, args.sums != nullptr, [](Index) { return 1.0; });
          for (Index i = 0; i < static_cast<Index>(out.size()); ++i)
            compare(out[i], i % out_stride, true,
                    [&](Index s) { return static_cast<double>(a[s * a_cols + i / out_stride]); });
          CAPTURE(samples);
          CAPTURE(a_cols);
          CAPTURE(cols);
          REQUIRE(wrong == 0);
        }
  });
}

namespace {

/// Two left operands in one call, whose outputs lie one behind the other or apart, against a call
/// for each.
template <class T>
void check_two_lefts(Index first, Index second, bool together) {
  const KernelTable<T>& k = kernels<T>();
  const Index steps = 109, per_step = 5, samples = steps * per_step, cols = 4 * k.lanes + 3;
  const Index sizes[2] = {first, second}, padded = round_up(cols, k.lanes);
  const auto b = random_values<T>(samples * cols, 1);
  std::vector<T> scratch(static_cast<std::size_t>(k.gradient_scratch(samples, first + second)));
  GradientProductArgs<T> both;
  both.samples = samples;
  both.per_step = per_step;
  both.b = b.data();
  both.b_stride = cols;
  both.end = cols;
  both.out_stride = padded;
  both.scratch = scratch.data();
  const Index gap = together ? 0 : 8;
  std::vector<T> got(static_cast<std::size_t>((first + second) * padded + gap), T(0));
  std::vector<T> wanted[2];
  std::vector<std::vector<T>> batch_first;
  for (int i = 0; i < 2; ++i) {
    const Index n = sizes[i];
    const auto a = random_values<T>(samples * n, static_cast<std::uint64_t>(i + 2));
    wanted[i].assign(static_cast<std::size_t>(n * padded), T(0));
    GradientProductArgs<T> one = both;
    one.per_step = samples;
    one.left[0] = {n, a.data(), 0, n, wanted[i].data()};
    k.gradient_product(one);
    // The same rows, each sample's steps one after another.
    std::vector<T>& moved = batch_first.emplace_back(a.size());
    for (Index t = 0; t < steps; ++t)
      for (Index s = 0; s < per_step; ++s)
        std::copy_n(&a[(t * per_step + s) * n], n, &moved[(s * steps + t) * n]);
    T* const out = got.data() + (i == 0 ? 0 : first * padded + gap);
    both.left[i] = {n, moved.data(), n, steps * n, out};
  }
  k.gradient_product(both);
  const auto behind = got.begin() + first * padded;
  CHECK(same_bits(std::vector<T>(got.begin(), behind), wanted[0]));
  CHECK(same_bits(std::vector<T>(behind + gap, got.end()), wanted[1]));
}

}  // namespace

TEST_CASE_TEMPLATE("gradient product: two left operands at once, rows in steps, the same bits", T,
                   float, double) {
  for_each_set([](const std::string&) {
    for (const bool together : {true, false})
      for (const auto& [first, second] : {std::pair<Index, Index>{7, 11},
                                          {1, 32},
                                          {1, 1},
                                          {3, 1},
                                          {6, 4},
                                          {8, 5},
                                          {2, 13},
                                          {1000, 30}}) {
        CAPTURE(together);
        CAPTURE(first);
        CAPTURE(second);
        check_two_lefts<T>(first, second, together);
      }
  });
}

TEST_CASE_TEMPLATE("packing of gates is packing of the padded matrix", T, float, double) {
  for_each_set([](const std::string&) {
    const Index lanes = kernels<T>().lanes;
    for (const Index H : {1, 3, 8, 16, 17, 35})
      for (const Index depth : {1, 5, 33}) {
        const GateOrder order{4, H, kGateBlock<T>};
        const Index columns = order.columns();
        const auto w = random_values<T>(4 * H * depth, static_cast<std::uint64_t>(H));
        // The plain matrix, columns in gate order: block, gate, unit.
        std::vector<T> plain(static_cast<std::size_t>(columns * depth));
        const Index B = kGateBlock<T>;
        for (Index g = 0; g < 4; ++g)
          for (Index u = 0; u < H; ++u)
            for (Index k = 0; k < depth; ++k)
              plain[k * columns + u / B * 4 * B + g * B + u % B] = w[(g * H + u) * depth + k];
        std::vector<T> wanted(static_cast<std::size_t>(packed_size(columns, depth, lanes)));
        std::vector<T> got(wanted.size(), T(1));
        pack_columns(
            depth, columns, lanes, [&](Index k, Index j) { return plain[k * columns + j]; },
            wanted.data());
        pack_gates(kernels<T>(), order, depth, w.data(), got.data());
        CHECK(same_bits(got, wanted));
        wanted.resize(static_cast<std::size_t>(packed_size(depth, columns, lanes)));
        got.assign(wanted.size(), T(1));
        pack_columns(
            columns, depth, lanes, [&](Index j, Index k) { return plain[k * columns + j]; },
            wanted.data());
        pack_gates_transposed(kernels<T>(), order, depth, w.data(), got.data());
        CHECK(same_bits(got, wanted));
        // And back: what add_unpacked_gates adds is w.
        std::vector<T> gradient(w.size());
        add_unpacked_gates(kernels<T>(), order, depth, 0, columns, plain.data(), columns,
                           gradient.data());
        CHECK(same_bits(gradient, w));
      }
  });
}
