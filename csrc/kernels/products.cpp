// Matrix products over packed panels, and the weight-gradient product.
#include "kernels/product_args.hpp"
#include "kernels/row_tiles.hpp"
#include "kernels/set_functions.hpp"
#include "kernels/tile.hpp"

namespace lstm_native {
namespace LN_ISA {

/// out(rows, panel of V vectors) for all rows. `valid` counts the values of the panel that exist.
template <class T, int V>
LN_INLINE void product_panel(const ProductArgs<T>& p, const T* panel, Index col, Index valid) {
  constexpr Index L = kLanes<T>;
  const auto count = [valid](int v) {
    const Index rest = valid - v * L;
    return rest < L ? rest : L;
  };
  for_row_tiles<kMaxRows>(p.rows, [&](auto size, Index row) __attribute__((always_inline)) {
    constexpr int R = decltype(size)::value;
    Tile<T, R, V> tile;
    T* out = p.out + row * p.out_stride + col;
    // On its way into the cache while the sums run.
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v) __builtin_prefetch(out + r * p.out_stride + v * L, 1);
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v)
        tile.sum[r][v] = p.accumulate ? load_partial(out + r * p.out_stride + v * L, count(v))
                         : p.bias     ? load(p.bias + col + v * L)
                                      : broadcast(T(0));
    tile.multiply_add(p.depth, p.a + row * p.a_stride, p.a_stride, 1, panel, V * L);
    for (int r = 0; r < R; ++r)
      for (int v = 0; v < V; ++v)
        store_partial(out + r * p.out_stride + v * L, tile.sum[r][v], count(v));
  });
}

/// One panel of few columns, with a sum for each quarter of k.
template <class T>
LN_INLINE void product_in_quarters(const ProductArgs<T>& p) {
  constexpr Index L = kLanes<T>;
  const Index width = (p.cols + L - 1) / L * L, quarter = p.depth / 4;
  for_row_tiles<kMaxRows>(p.rows, [&](auto size, Index row) __attribute__((always_inline)) {
    constexpr int R = decltype(size)::value;
    for (Index col = 0; col < p.cols; col += L) {
      Packet<T> sum[R][4];
      const T *a = p.a + row * p.a_stride, *b = p.packed + col;
      T* out = p.out + row * p.out_stride + col;
      LN_UNROLL for (int r = 0; r < R; ++r) {
        sum[r][0] =
            p.accumulate ? load_partial(out + r * p.out_stride, p.cols - col) : broadcast(T(0));
        LN_UNROLL for (int q = 1; q < 4; ++q) sum[r][q] = broadcast(T(0));
      }
      for (Index k = 0; k < quarter; ++k, ++a, b += width) LN_UNROLL for (int q = 0; q < 4; ++q) {
          const Packet<T> w = load(b + q * quarter * width);
          LN_UNROLL for (int r = 0; r < R; ++r) sum[r][q] =
              ei::pmadd(w, broadcast(a[r * p.a_stride + q * quarter]), sum[r][q]);
        }
      LN_UNROLL for (int r = 0; r < R; ++r) store_partial(
          out + r * p.out_stride,
          Packet<T>(ei::padd(ei::padd(sum[r][0], sum[r][1]), ei::padd(sum[r][2], sum[r][3]))),
          p.cols - col);
    }
  });
}

template <class T>
void product(const ProductArgs<T>& p) {
  constexpr Index L = kLanes<T>, width = kPanelVectors * L;
  if (p.quarters) return product_in_quarters(p);
  const T* panel = p.packed;
  for (Index col = 0; col < p.cols; col += width) {
    const Index valid = p.cols - col < width ? p.cols - col : width;
    switch ((valid + L - 1) / L) {
      case 1: product_panel<T, 1>(p, panel, col, valid); break;
      case 2: product_panel<T, 2>(p, panel, col, valid); break;
      case 3: product_panel<T, 3>(p, panel, col, valid); break;
      default: product_panel<T, 4>(p, panel, col, valid); break;
    }
    panel += p.depth * width;
  }
}

// The weight-gradient product packs a block of both operands, so that the innermost loop reads both
// in sequence: rows of large layers lie a power of two apart, where they would evict each other.
// Rows that lie close together are read as they are.

/// Rows of a gradient from which on it is larger than the second-level cache.
inline constexpr Index kLargeGradient = 1024;

/// Samples of a block. Each reads and writes all of `out`: few large blocks are better than many
/// small ones, the more so where `out` comes from memory; but what is packed must stay in the
/// cache.
Index gradient_block(Index cols) { return cols < kLargeGradient ? 256 : 512; }

/// Whether a block of rows this far apart is read without packing.
template <class T>
LN_INLINE bool close_rows(Index stride) {
  constexpr Index most = 1024 / sizeof(T);
  return stride <= most && stride >= -most;
}

/// Left operands whose outputs lie one behind the other, so that tiles may hold rows of both: one
/// column, as many series have, would fill a tile of its own badly.
template <class T>
struct LeftPair {
  GradientLeft<T> first, second;  // the second may have no columns

  LN_INLINE Index cols() const { return first.cols + second.cols; }
};

/// Columns [j, j + count) of the block's rows of a, to values R apart, which hold one tile.
template <class T, int R>
LN_INLINE void pack_columns(const GradientLeft<T>& left, Index per_step, Index s0, Index block,
                            Index j, Index count, T* to) {
  // Copies of a fixed size are single moves; what they write too much is overwritten by the next.
  constexpr Index wide = R <= 4 ? 4 : 8;
  const bool room = count == R && j + wide <= left.cols;
  const T* step = left.a + s0 / per_step * left.time_stride + j;
  Index n = s0 % per_step;
  for (Index s = 0; s < block; ++s, to += R) {
    const T* from = step + n * left.row_stride;
    if (room)
      __builtin_memcpy(to, from, wide * sizeof(T));
    else
      for (Index r = 0; r < count; ++r) to[r] = from[r];
    if (++n == per_step) {
      n = 0;
      step += left.time_stride;
    }
  }
}

/// Where the rows of a tile's columns lie: column r of sample k at a[k * step + r].
template <class T>
struct TileRows {
  const T* a;
  Index step;
};

/// The columns [j, j + R) as they are, when they are of one operand and its rows close together.
template <class T>
LN_INLINE TileRows<T> unpacked(const LeftPair<T>& left, Index per_step, Index s0, Index j, int R) {
  const Index border = left.first.cols;
  if (j < border && j + R > border) return {nullptr, 0};
  const GradientLeft<T>& of = j < border ? left.first : left.second;
  const bool even = of.time_stride == per_step * of.row_stride;
  if (!even || !close_rows<T>(of.row_stride)) return {nullptr, 0};
  return {of.a + s0 * of.row_stride + (j < border ? j : j - border), of.row_stride};
}

/// The block's rows of a, as the tiles of for_row_tiles read them: per tile (sample, row). Those
/// that can be read unpacked are left out.
template <class T>
LN_INLINE void pack_left(const LeftPair<T>& left, Index per_step, Index s0, Index block,
                         T* packed) {
  const Index border = left.first.cols;
  for_row_tiles<kMaxRows>(left.cols(), [&](auto size, Index j) __attribute__((always_inline)) {
    constexpr int R = decltype(size)::value;
    if (unpacked(left, per_step, s0, j, R).a) return;
    T* const to = packed + j * block;
    const Index of_first = j >= border ? 0 : border - j < R ? border - j : R;
    if (of_first > 0) pack_columns<T, R>(left.first, per_step, s0, block, j, of_first, to);
    if (of_first < R)
      pack_columns<T, R>(left.second, per_step, s0, block, j + of_first - border, R - of_first,
                         to + of_first);
  });
}

/// The block's columns of b: their sums, and with `pack` a copy.
template <class T, int V>
LN_INLINE void take_right(const GradientProductArgs<T>& p, Index s0, Index block, Index col,
                          Index valid, bool pack, T* packed) {
  constexpr Index L = kLanes<T>;
  Packet<T> sums[V];
  for (int v = 0; v < V; ++v) sums[v] = p.sums ? load(p.sums + col + v * L) : broadcast(T(0));
  for (Index s = 0; s < block; ++s) {
    const T* row = p.b + (s0 + s) * p.b_stride + col;
    for (int v = 0; v < V; ++v) {
      const Index rest = valid - v * L;
      const Packet<T> value = load_partial(row + v * L, rest < L ? rest : L);
      if (pack) store(packed + (s * V + v) * L, value);
      sums[v] = ei::padd(sums[v], value);
    }
  }
  if (p.sums)
    for (int v = 0; v < V; ++v) store(p.sums + col + v * L, sums[v]);
}

/// One block of samples into one panel of V vectors of columns.
template <class T, int V>
LN_INLINE void gradient_panel(const GradientProductArgs<T>& p, const LeftPair<T>* pairs, int count,
                              Index s0, Index block, Index col, Index valid, const T* packed_left,
                              T* packed_right) {
  constexpr Index L = kLanes<T>;
  const bool pack = valid < V * L || !close_rows<T>(p.b_stride);
  if (pack || p.sums) take_right<T, V>(p, s0, block, col, valid, pack, packed_right);
  const T* const right = pack ? packed_right : p.b + s0 * p.b_stride + col;
  const Index right_step = pack ? V * L : p.b_stride;
  for (int i = 0; i < count; ++i) {
    const Index rows = pairs[i].cols();
    for_row_tiles<kMaxRows>(rows, [&](auto size, Index j) __attribute__((always_inline)) {
      constexpr int R = decltype(size)::value;
      Tile<T, R, V> tile;
      T* out = pairs[i].first.out + j * p.out_stride + col;
      for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) tile.sum[r][v] = load(out + r * p.out_stride + v * L);
      // What the next tile begins with comes from afar while this one's sums run.
      if (rows >= kLargeGradient)
        for (int r = R; r < 2 * R; ++r)
          for (int v = 0; v < V; ++v) __builtin_prefetch(out + r * p.out_stride + v * L, 1);
      TileRows<T> left = unpacked(pairs[i], p.per_step, s0, j, R);
      if (!left.a) left = {packed_left + j * block, R};
      tile.multiply_add(block, left.a, 1, left.step, right, right_step);
      for (int r = 0; r < R; ++r)
        for (int v = 0; v < V; ++v) store(out + r * p.out_stride + v * L, tile.sum[r][v]);
    });
    packed_left += rows * block;
  }
}

template <class T>
void gradient_product(const GradientProductArgs<T>& p) {
  constexpr Index L = kLanes<T>, width = kPanelVectors * L;
  const GradientLeft<T>&a = p.left[0], &b = p.left[1];
  const bool together = a.cols > 0 && b.out == a.out + a.cols * p.out_stride;
  const LeftPair<T> pairs[2] = {{a, together ? b : GradientLeft<T>{}}, {b, {}}};
  const int count = together || b.cols == 0 ? 1 : 2;
  const Index most = gradient_block(a.cols + b.cols);
  T* right = p.scratch;
  T* left = p.scratch + (p.samples < most ? p.samples : most) * width;
  for (Index s0 = 0; s0 < p.samples; s0 += most) {
    const Index block = p.samples - s0 < most ? p.samples - s0 : most;
    T* to = left;
    for (int i = 0; i < count; to += pairs[i++].cols() * block)
      if (!p.packed_before) pack_left(pairs[i], p.per_step, s0, block, to);
    for (Index col = p.begin; col < p.end; col += width) {
      const Index valid = p.end - col < width ? p.end - col : width;
      switch ((valid + L - 1) / L) {
        case 1: gradient_panel<T, 1>(p, pairs, count, s0, block, col, valid, left, right); break;
        case 2: gradient_panel<T, 2>(p, pairs, count, s0, block, col, valid, left, right); break;
        case 3: gradient_panel<T, 3>(p, pairs, count, s0, block, col, valid, left, right); break;
        default: gradient_panel<T, 4>(p, pairs, count, s0, block, col, valid, left, right); break;
      }
    }
  }
}

/// Values of scratch that gradient_product needs.
template <class T>
Index gradient_scratch(Index samples, Index cols) {
  const Index most = gradient_block(cols), block = samples < most ? samples : most;
  return block * (kPanelVectors * kLanes<T> + cols);
}

template Index gradient_scratch<float>(Index, Index);
template Index gradient_scratch<double>(Index, Index);
template void product(const ProductArgs<float>&);
template void product(const ProductArgs<double>&);
template void gradient_product(const GradientProductArgs<float>&);
template void gradient_product(const GradientProductArgs<double>&);

}  // namespace LN_ISA
}  // namespace lstm_native
