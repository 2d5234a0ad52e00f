// The definition of what is tested, in double precision and plain loops. It includes nothing of
// the library, so that a mistake there cannot hide here.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace reference {

using Values = std::vector<double>;
using Size = std::size_t;

inline double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

/// One layer: input (4H, F), recurrent (4H, H), two biases (4H); gates in the order i, f, g, o.
struct Lstm {
  Size inputs = 0, hidden = 0;
  Values input, recurrent, bias_input, bias_recurrent;
};

/// Everything a forward pass saw.
struct LstmTrace {
  Values gates;  // N, T, 4, H: activated
  Values h, c;   // N, T + 1, H: step 0 is the initial state

  /// N, T, H: the outputs.
  Values outputs(Size samples, Size steps, Size hidden) const {
    Values y;
    for (Size n = 0; n < samples; ++n)
      y.insert(y.end(), h.begin() + static_cast<std::ptrdiff_t>((n * (steps + 1) + 1) * hidden),
               h.begin() + static_cast<std::ptrdiff_t>((n + 1) * (steps + 1) * hidden));
    return y;
  }

  /// N, H: the state after step t of h or c.
  static Values state(const Values& of, Size samples, Size steps, Size hidden, Size t) {
    Values out;
    for (Size n = 0; n < samples; ++n)
      for (Size u = 0; u < hidden; ++u) out.push_back(of[(n * (steps + 1) + t) * hidden + u]);
    return out;
  }
};

/// Hochreiter & Schmidhuber 1997, forget gate of Gers et al. 2000.
///   i, f, o = sigmoid(W x + b + U h + b')   g = tanh(...)   c' = f c + i g   h' = o tanh(c')
/// x: N, T, F; h0 and c0: N, H.
inline LstmTrace lstm_forward(const Lstm& w, Size samples, Size steps, const Values& x,
                              const Values& h0, const Values& c0) {
  const Size F = w.inputs, H = w.hidden;
  LstmTrace trace;
  trace.gates.resize(samples * steps * 4 * H);
  trace.h.resize(samples * (steps + 1) * H);
  trace.c.resize(samples * (steps + 1) * H);
  for (Size n = 0; n < samples; ++n) {
    double* h = &trace.h[n * (steps + 1) * H];
    double* c = &trace.c[n * (steps + 1) * H];
    std::copy_n(&h0[n * H], H, h);
    std::copy_n(&c0[n * H], H, c);
    for (Size t = 0; t < steps; ++t, h += H, c += H) {
      double* gate = &trace.gates[(n * steps + t) * 4 * H];
      for (Size row = 0; row < 4 * H; ++row) {
        double sum = w.bias_input[row] + w.bias_recurrent[row];
        for (Size k = 0; k < F; ++k) sum += w.input[row * F + k] * x[(n * steps + t) * F + k];
        for (Size k = 0; k < H; ++k) sum += w.recurrent[row * H + k] * h[k];
        gate[row] = row / H == 2 ? std::tanh(sum) : sigmoid(sum);
      }
      for (Size u = 0; u < H; ++u) {
        c[H + u] = gate[H + u] * c[u] + gate[u] * gate[2 * H + u];
        h[H + u] = gate[3 * H + u] * std::tanh(c[H + u]);
      }
    }
  }
  return trace;
}

struct LstmGradients {
  Values x, h0, c0;  // N, T, F and N, H
  Lstm weights;      // the two biases have the same gradient
};

/// Back-propagation through time. dy: N, T, H; dh and dc: N, H, of the final state.
inline LstmGradients lstm_backward(const Lstm& w, Size samples, Size steps, const Values& x,
                                   const LstmTrace& trace, const Values& dy, const Values& dh,
                                   const Values& dc) {
  const Size F = w.inputs, H = w.hidden;
  LstmGradients out;
  out.x.assign(samples * steps * F, 0.0);
  out.weights = w;
  for (Values* v : {&out.weights.input, &out.weights.recurrent, &out.weights.bias_input,
                    &out.weights.bias_recurrent})
    std::fill(v->begin(), v->end(), 0.0);
  for (Size n = 0; n < samples; ++n) {
    Values h_gradient(&dh[n * H], &dh[n * H] + H), c_gradient(&dc[n * H], &dc[n * H] + H);
    for (Size t = steps; t-- > 0;) {
      const double* gate = &trace.gates[(n * steps + t) * 4 * H];
      const double* h_before = &trace.h[(n * (steps + 1) + t) * H];
      const double* c_before = &trace.c[(n * (steps + 1) + t) * H];
      Values before(4 * H);  // gradients of the gates before activation
      for (Size u = 0; u < H; ++u) {
        const double i = gate[u], f = gate[H + u], g = gate[2 * H + u], o = gate[3 * H + u];
        const double tanh_c = std::tanh(c_before[H + u]);
        const double d_h = h_gradient[u] + dy[(n * steps + t) * H + u];
        const double d_c = c_gradient[u] + d_h * o * (1 - tanh_c * tanh_c);
        before[u] = d_c * g * i * (1 - i);
        before[H + u] = d_c * c_before[u] * f * (1 - f);
        before[2 * H + u] = d_c * i * (1 - g * g);
        before[3 * H + u] = d_h * tanh_c * o * (1 - o);
        c_gradient[u] = d_c * f;
      }
      std::fill(h_gradient.begin(), h_gradient.end(), 0.0);
      for (Size row = 0; row < 4 * H; ++row) {
        out.weights.bias_input[row] += before[row];
        out.weights.bias_recurrent[row] += before[row];
        for (Size k = 0; k < F; ++k) {
          out.weights.input[row * F + k] += before[row] * x[(n * steps + t) * F + k];
          out.x[(n * steps + t) * F + k] += before[row] * w.input[row * F + k];
        }
        for (Size k = 0; k < H; ++k) {
          out.weights.recurrent[row * H + k] += before[row] * h_before[k];
          h_gradient[k] += before[row] * w.recurrent[row * H + k];
        }
      }
    }
    out.h0.insert(out.h0.end(), h_gradient.begin(), h_gradient.end());
    out.c0.insert(out.c0.end(), c_gradient.begin(), c_gradient.end());
  }
  return out;
}

/// Rows of x W^T + b; W (outputs, inputs).
inline Values linear(Size rows, Size inputs, Size outputs, const Values& x, const Values& w,
                     const Values& b) {
  Values y(rows * outputs);
  for (Size r = 0; r < rows; ++r)
    for (Size o = 0; o < outputs; ++o) {
      double sum = b.empty() ? 0.0 : b[o];
      for (Size k = 0; k < inputs; ++k) sum += x[r * inputs + k] * w[o * inputs + k];
      y[r * outputs + o] = sum;
    }
  return y;
}

inline void softmax_rows(Size rows, Size features, Values& x) {
  for (Size r = 0; r < rows; ++r) {
    double* row = &x[r * features];
    const double top = *std::max_element(row, row + features);
    double sum = 0;
    for (Size i = 0; i < features; ++i) sum += row[i] = std::exp(row[i] - top);
    for (Size i = 0; i < features; ++i) row[i] /= sum;
  }
}

/// (x - mean) / sqrt(variance + epsilon) * weight + bias (Ba et al. 2016).
inline Values layer_norm(Size rows, Size features, const Values& x, const Values& weight,
                         const Values& bias, double epsilon) {
  Values y(rows * features);
  for (Size r = 0; r < rows; ++r) {
    const double* row = &x[r * features];
    double mean = 0, variance = 0;
    for (Size i = 0; i < features; ++i) mean += row[i] / static_cast<double>(features);
    for (Size i = 0; i < features; ++i)
      variance += (row[i] - mean) * (row[i] - mean) / static_cast<double>(features);
    for (Size i = 0; i < features; ++i)
      y[r * features + i] = (row[i] - mean) / std::sqrt(variance + epsilon) * weight[i] + bias[i];
  }
  return y;
}

}  // namespace reference
