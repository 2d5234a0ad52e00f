// One time step of the LSTM, forward and backward, of every instruction set.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "core/numeric/packing.hpp"
#include "isa_helpers.hpp"
#include "kernels/cell_kinds.hpp"
#include "kernels/product_args.hpp"
#include "kernels/step_args.hpp"
#include "numeric_helpers.hpp"
#include "reference_cell.hpp"

using namespace lstm_native;

namespace {

// Above the roundings of a sum of up to 40 terms near 1 and of the cell behind it.
template <class T>
constexpr double kTolerance = sizeof(T) == 4 ? 2e-6 : 4e-15;

template <class T>
const CellKernels<T>& lstm() {
  return cell_kernels(kernels<T>(), CellKind::lstm);
}

/// One step for some rows: what goes in, in PyTorch's layout, and in the kernels'.
template <class T>
struct StepCase {
  Index rows, hidden, padded, columns, y_stride;
  GateOrder order;
  std::vector<T> projected, h, c;     // rows x 4H, rows x H
  std::vector<T> weights, recurrent;  // (4H, H), packed

  StepCase(Index n, Index H)
      : rows(n),
        hidden(H),
        padded(round_up(H, kGateBlock<T>)),
        columns(4 * padded),
        y_stride(H + 3),
        order{4, H, kGateBlock<T>} {
    const auto seed = static_cast<std::uint64_t>(H);
    projected = random_values<T>(rows * 4 * H, seed, 2.0);
    h = random_values<T>(rows * H, seed + 1);
    c = random_values<T>(rows * H, seed + 2, 2.0);
    weights = random_values<T>(4 * H * H, seed + 3, 0.5);
    const Index lanes = kernels<T>().lanes;
    recurrent.resize(static_cast<std::size_t>(4 * round_up(H, lanes) * H));
    pack_step(kernels<T>(), order, H, weights.data(), recurrent.data());
  }

  std::vector<T> in_gate_order(const std::vector<T>& plain, Index first, Index count) const {
    std::vector<T> out(static_cast<std::size_t>(count * columns));
    order.for_each([&](Index g, Index u, Index column) {
      for (Index r = 0; r < count; ++r)
        out[r * columns + column] = plain[((first + r) * 4 + g) * hidden + u];
    });
    return out;
  }

  std::vector<T> with_padding(const std::vector<T>& plain, Index first, Index count) const {
    std::vector<T> out(static_cast<std::size_t>(count * padded));
    for (Index r = 0; r < count; ++r)
      std::copy_n(&plain[(first + r) * hidden], hidden, &out[r * padded]);
    return out;
  }

  struct Result {
    std::vector<T> gates, h, c, y;
  };

  /// Rows [first, first + count). In place: c over the old c. `call` receives the arguments and
  /// runs the kernel on them.
  template <class Call>
  Result run(Index first, Index count, bool remember, bool in_place, const Call& call) const {
    const std::vector<T> h_prev = with_padding(h, first, count);
    std::vector<T> c_prev = with_padding(c, first, count);
    Result result{in_gate_order(projected, first, count), h_prev, c_prev,
                  std::vector<T>((count - 1) * y_stride + hidden, T(-9))};
    StepArgs<T> step;
    step.rows = count;
    step.hidden_size = hidden;
    step.unit_end = hidden;
    step.depth = hidden;
    step.h_stride = padded;
    step.recurrent = recurrent.data();
    step.gates = result.gates.data();
    step.remember = remember;
    step.h_prev = h_prev.data();
    step.c_prev = in_place ? result.c.data() : c_prev.data();
    step.h = result.h.data();
    step.c = result.c.data();
    step.y = result.y.data();
    step.y_stride = y_stride;
    call(step);
    return result;
  }

  Result run(Index first, Index count, bool remember, bool in_place) const {
    return run(first, count, remember, in_place,
               [](const StepArgs<T>& step) { lstm<T>().step(step); });
  }

  /// One step of the plain cell: a layer without input whose bias is the projection.
  reference::LstmTrace wanted(Index row) const {
    reference::Lstm w;
    w.hidden = static_cast<std::size_t>(hidden);
    w.recurrent = to_double(weights);
    w.bias_input = to_double(
        std::vector<T>(&projected[row * 4 * hidden], &projected[row * 4 * hidden] + 4 * hidden));
    w.bias_recurrent.resize(w.bias_input.size());
    const auto of = [&](const std::vector<T>& v) {
      return to_double(std::vector<T>(&v[row * hidden], &v[row * hidden] + hidden));
    };
    return reference::lstm_forward(w, 1, 1, {0.0}, of(h), of(c));
  }
};

}  // namespace

TEST_CASE_TEMPLATE("lstm step: any hidden size, and no row sees its neighbours", T, float, double) {
  for_each_set([](const std::string&) {
    for (const Index H : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 33, 40}) {
      const StepCase<T> step(13, H);
      const auto all = step.run(0, step.rows, true, false);
      CAPTURE(H);
      double error = 0;
      for (Index r = 0; r < step.rows; ++r) {
        const auto wanted = step.wanted(r);
        for (Index u = 0; u < H; ++u) {
          const auto differ = [&](T got, double want) {
            error = std::max(error, std::abs(static_cast<double>(got) - want));
          };
          differ(all.h[r * step.padded + u], wanted.h[H + u]);
          differ(all.c[r * step.padded + u], wanted.c[H + u]);
          for (Index g = 0; g < 4; ++g)
            differ(all.gates[r * step.columns + step.order.column(g, u)], wanted.gates[g * H + u]);
        }
        // Padding holds zeros as far as kernels read it, and y has none.
        for (Index u = H; u < round_up(H, kernels<T>().lanes); ++u) {
          REQUIRE(all.h[r * step.padded + u] == 0);
          REQUIRE(all.c[r * step.padded + u] == 0);
        }
        REQUIRE(same_bits(&all.y[r * step.y_stride], &all.h[r * step.padded], H));
        for (Index u = H; u < step.y_stride && r + 1 < step.rows; ++u)
          REQUIRE(all.y[r * step.y_stride + u] == T(-9));
      }
      CHECK(error < kTolerance<T>);
      for (Index rows = 1; rows <= step.rows; ++rows) {
        const Index first = step.rows - rows;
        const auto few = step.run(first, rows, rows % 2 == 0, true);
        REQUIRE(same_bits(few.h.data(), &all.h[first * step.padded], rows * step.padded));
        REQUIRE(same_bits(few.c.data(), &all.c[first * step.padded], rows * step.padded));
        if (rows % 2 == 0)
          REQUIRE(
              same_bits(few.gates.data(), &all.gates[first * step.columns], rows * step.columns));
      }
    }
  });
}

TEST_CASE_TEMPLATE("lstm step: units in slices or last first, the same bits", T, float, double) {
  for_each_set([](const std::string&) {
    const Index block = kGateBlock<T>;
    for (const Index rows : {1, 7})
      for (const Index H : {block - 1, 2 * block, 4 * block + 3}) {
        const StepCase<T> step(rows, H);
        const auto whole = step.run(0, rows, true, false);
        const auto check = [&](const auto& call) {
          const auto result = step.run(0, rows, true, false, call);
          CHECK(same_bits(result.h, whole.h));
          CHECK(same_bits(result.c, whole.c));
          CHECK(same_bits(result.gates, whole.gates));
          CHECK(same_bits(result.y, whole.y));
        };
        check([](StepArgs<T> args) {
          args.last_first = true;
          lstm<T>().step(args);
        });
        check([&](StepArgs<T> args) {
          for (Index begin = 0; begin < H; begin += block) {
            args.unit_begin = begin;
            args.unit_end = std::min(begin + block, H);
            args.last_first = !args.last_first;
            lstm<T>().step(args);
          }
        });
      }
  });
}

TEST_CASE_TEMPLATE("lstm step: a projection made ahead has the bits of the product", T, float,
                   double) {
  for_each_set([](const std::string&) {
    const KernelTable<T>& k = kernels<T>();
    if (const Index rows = lstm<T>().ahead_rows; rows > 0)
      for (const Index inputs : {1, 3, 17, 90})
        for (const Index H : {3, 17, 40}) {
          const StepCase<T> step(1, H);
          const auto alone = step.run(0, 1, true, false);
          const auto w = random_values<T>(4 * H * inputs, 5),
                     x = random_values<T>(rows * inputs, 6);
          std::vector<T> packed(static_cast<std::size_t>(step.columns * inputs));
          pack_gates(k, step.order, inputs, w.data(), packed.data());
          const auto bias = step.in_gate_order(random_values<T>(4 * H, 7), 0, 1);
          std::vector<T> wanted(static_cast<std::size_t>(rows * step.columns)), got = wanted;
          ProductArgs<T> product;
          product.rows = rows;
          product.depth = inputs;
          product.cols = step.columns;
          product.a = x.data();
          product.a_stride = inputs;
          product.packed = packed.data();
          product.bias = bias.data();
          product.out = wanted.data();
          product.out_stride = step.columns;
          k.product(product);
          product.out = got.data();
          // In three parts, as over three time steps.
          const Index width = lstm<T>().ahead_columns, groups = (step.columns + width - 1) / width;
          for (Index part = 0; part < 3; ++part) {
            const auto result = step.run(0, 1, true, false, [&](StepArgs<T> args) {
              args.ahead = product;
              args.ahead_begin = groups * part / 3;
              args.ahead_share = groups * (part + 1) / 3 - args.ahead_begin;
              args.ahead_end = groups;
              args.last_first = part == 1;
              lstm<T>().step(args);
            });
            REQUIRE(same_bits(result.h, alone.h));
            REQUIRE(same_bits(result.gates, alone.gates));
          }
          const Index used = round_up(H, k.lanes) == step.padded ? step.columns : 0;
          for (Index r = 0; r < rows; ++r) {
            if (used) REQUIRE(same_bits(&got[r * used], &wanted[r * used], used));
            step.order.for_each([&](Index, Index, Index column) {
              REQUIRE(got[r * step.columns + column] == wanted[r * step.columns + column]);
            });
          }
        }
  });
}

TEST_CASE_TEMPLATE("lstm step backward: the pointwise half, with and without dy", T, float,
                   double) {
  for_each_set([](const std::string&) {
    for (const Index H : {1, 3, 4, 8, 15, 16, 17, 33})
      for (const bool with_dy : {true, false}) {
        const Index rows = 5;
        const StepCase<T> step(rows, H);
        const auto forward = step.run(0, rows, true, false);
        const auto dh = random_values<T>(rows * H, 11), dc = random_values<T>(rows * H, 12);
        const auto dy = random_values<T>((rows - 1) * step.y_stride + H, 13);
        const auto c_prev = step.with_padding(step.c, 0, rows);
        auto padded_dh = step.with_padding(dh, 0, rows), got_dc = step.with_padding(dc, 0, rows);
        auto gates = forward.gates;
        // Units of padding beyond the panels in use hold the zeros of the projection.
        StepBackwardArgs<T> args;
        args.rows = rows;
        args.hidden_size = H;
        args.unit_end = H;
        args.c_prev = c_prev.data();
        args.c = forward.c.data();
        args.dh = padded_dh.data();
        args.dy = with_dy ? dy.data() : nullptr;
        args.dy_stride = step.y_stride;
        args.dc = got_dc.data();
        args.gates = gates.data();
        lstm<T>().step_backward(args);

        double error = 0;
        for (Index r = 0; r < rows; ++r)
          for (Index u = 0; u < H; ++u) {
            const auto gate = [&](const std::vector<T>& of, Index g) {
              return static_cast<double>(of[r * step.columns + step.order.column(g, u)]);
            };
            const double i = gate(forward.gates, 0), f = gate(forward.gates, 1),
                         g = gate(forward.gates, 2), o = gate(forward.gates, 3);
            const double tanh_c = std::tanh(static_cast<double>(forward.c[r * step.padded + u]));
            const double d_h = static_cast<double>(dh[r * H + u]) +
                               (with_dy ? static_cast<double>(dy[r * step.y_stride + u]) : 0.0);
            const double d_c = static_cast<double>(dc[r * H + u]) + d_h * o * (1 - tanh_c * tanh_c);
            const double wanted[] = {d_c * g * i * (1 - i),
                                     d_c * static_cast<double>(step.c[r * H + u]) * f * (1 - f),
                                     d_c * i * (1 - g * g), d_h * tanh_c * o * (1 - o)};
            for (Index k = 0; k < 4; ++k)
              error = std::max(error, std::abs(gate(gates, k) - wanted[k]));
            error = std::max(error,
                             std::abs(static_cast<double>(got_dc[r * step.padded + u]) - d_c * f));
          }
        CAPTURE(H);
        CAPTURE(with_dy);
        CHECK(error < kTolerance<T>);
        // Nothing may flow into padding: the products behind this step read it.
        int leaks = 0;
        for (Index r = 0; r < rows; ++r)
          for (Index u = H; u < step.padded; ++u) {
            if (got_dc[r * step.padded + u] != 0) ++leaks;
            const GateOrder all{4, step.padded, kGateBlock<T>};
            for (Index k = 0; k < 4; ++k)
              if (gates[r * step.columns + all.column(k, u)] != 0) ++leaks;
          }
        CHECK(leaks == 0);
      }
  });
}
