#include "core/layers/convolution.hpp"

#include "core/layers/activation.hpp"
#include "core/layers/layer_stream.hpp"
#include "core/layers/past_steps.hpp"
#include "core/layers/sequence_rows.hpp"
#include "core/layers/true_steps.hpp"
#include "core/numeric/activations.hpp"
#include "core/numeric/initialisers.hpp"
#include "core/numeric/packing.hpp"
#include "core/runtime/threads.hpp"
#include "kernels/dispatch.hpp"

namespace lstm_native {
namespace {

/// Rows that are worked on at once: about as many values as a cache of the second level holds well.
Index chunk_of(Index depth) {
  constexpr Index values = Index{1} << 15;
  return std::clamp<Index>(values / depth, 16, 512);
}

/// Rows of a matrix, each made of `width` values for every tap: at(sample) gives a function that
/// says where they stand for (step, tap), or null for zeros. The rows are the steps of `rows` from
/// `begin` on.
template <class T, class At>
void gather(const SequenceRows& rows, Index begin, Index end, Index first_tap, Index taps,
            Index width, const At& at, T* to) {
  rows.for_each_run(begin, end, [&](Index sample, Index first, Index, Index steps) {
    const auto at_tap = at(sample);
    for (Index step = first; step < first + steps; ++step)
      for (Index tap = first_tap; tap < first_tap + taps; ++tap, to += width) {
        if (const T* from = at_tap(step, tap))
          copy_row(from, width, to);
        else
          std::fill_n(to, width, T(0));
      }
  });
}

/// out (rows x cols) = gathered rows x packed weights + bias, which may be null.
template <class T, class At>
void multiply(const KernelTable<T>& k, const SequenceRows& rows, Index taps, Index width,
              const At& at, const T* packed, const T* bias, Index cols, T* out,
              Workspace& workspace) {
  const Index depth = taps * width, chunk = chunk_of(depth);
  if (rows.rows() == 0) return;
  const double work = static_cast<double>(rows.rows() * depth) * static_cast<double>(cols);
  const Index parts = parallel_parts(rows.rows(), work);
  const Workspace::Scope scope(workspace);
  T* patches = workspace.take<T>(parts * chunk * depth);
  run_parts(parts, rows.rows(), [&](Index part, Index begin, Index end) {
    T* own = patches + part * chunk * depth;
    for (Index row = begin; row < end; row += chunk) {
      ProductArgs<T> args;
      args.rows = std::min(chunk, end - row);
      gather(rows, row, row + args.rows, 0, taps, width, at, own);
      args.depth = args.a_stride = depth;
      args.cols = args.out_stride = cols;
      args.a = own;
      args.packed = packed;
      args.bias = bias;
      args.out = out + row * cols;
      k.product(args);
    }
  });
}

/// sums ((tap, input) x padded filters) and bias sums of gathered rows x dz. The parts are taps:
/// each value is summed by one thread, row by row.
template <class T, class At>
void sum_gradient(const KernelTable<T>& k, const SequenceRows& rows, Index taps, Index width,
                  const At& at, const T* dz, Index filters, T* sums, T* bias_sums,
                  Workspace& workspace) {
  if (rows.rows() == 0) return;
  const Index padded = round_up(filters, k.lanes), panel_width = 4 * k.lanes;
  const Index panels = (padded + panel_width - 1) / panel_width;
  const Index depth = taps * width, chunk = chunk_of(depth);
  const double work = static_cast<double>(rows.rows() * depth) * static_cast<double>(filters);
  const Index parts = parallel_parts(panels * taps, work);
  const Index size = chunk * depth + k.gradient_scratch(chunk, depth);
  const Workspace::Scope scope(workspace);
  T* memory = workspace.take<T>(parts * size);
  run_parts(parts, panels * taps, [&](Index part, Index begin, Index end) {
    T* patches = memory + part * size;
    for (Index panel = begin / taps; panel * taps < end; ++panel) {
      const Index first = std::max(begin - panel * taps, Index{0});
      const Index count = std::min(end - panel * taps, taps) - first;
      for (Index row = 0; row < rows.rows(); row += chunk) {
        GradientProductArgs<T> args;
        args.samples = args.per_step = std::min(chunk, rows.rows() - row);
        gather(rows, row, row + args.samples, first, count, width, at, patches);
        args.left[0] = {count * width, patches, 0, count * width, sums + first * width * padded};
        args.b = dz + row * filters;
        args.b_stride = filters;
        args.begin = panel * panel_width;
        args.end = std::min(args.begin + panel_width, filters);
        args.out_stride = padded;
        args.sums = first == 0 ? bias_sums : nullptr;
        args.scratch = patches + chunk * depth;
        k.gradient_product(args);
      }
    }
  });
}

/// What the windows of a batch see, as `gather` wants it.
template <class T>
auto seen_by(const StepWindows& w, const Batch<T>& x, const SequenceRows& in) {
  return [&w, &x, &in](Index sample) {
    const Index steps = in.length(sample), before = w.before(steps);
    const T* values = x.values + sample * x.timesteps * x.features;
    return [&w, &x, steps, before, values](Index window, Index tap) -> const T* {
      const Index step = window * w.stride - before + tap * w.dilation;
      return step >= 0 && step < steps ? values + step * x.features : nullptr;
    };
  };
}

/// Those gradients of the windows that have seen a step, as `gather` wants it: dz has a row for
/// each row of `out`.
template <class T>
auto seen_from(const StepWindows& w, const SequenceRows& in, const SequenceRows& out, const T* dz,
               Index filters) {
  return [&w, &in, &out, dz, filters](Index sample) {
    const Index before = w.before(in.length(sample)), windows = out.length(sample);
    const T* values = dz + out.first(sample) * filters;
    return [&w, filters, windows, before, values](Index step, Index tap) -> const T* {
      Index window = step + before - tap * w.dilation;
      if (w.stride > 1) {
        if (window % w.stride != 0) return nullptr;
        window /= w.stride;
      }
      return window >= 0 && window < windows ? values + window * filters : nullptr;
    };
  };
}

}  // namespace

template <class T>
Conv1DLayer<T>::Conv1DLayer(const Conv1DSpec& spec, Index inputs, WeightSeed seed)
    : spec_(spec),
      inputs_(inputs),
      windows_{spec.kernel_size, spec.stride, spec.dilation, spec.padding} {
  const Index size = spec.kernel_size;
  weight_ = make_parameter<T>("weight", {spec.filters, inputs, size});
  bias_ = make_parameter<T>("bias", {spec.filters});
  glorot_uniform(inputs * size, spec.filters * size, seed, weight_.info.size(),
                 weight_.value.data());
}

template <class T>
std::vector<Parameter<T>*> Conv1DLayer<T>::parameters() {
  if (!spec_.bias) return {&weight_};
  return {&weight_, &bias_};
}

template <class T>
OutputShape Conv1DLayer<T>::output_shape(Index timesteps) const {
  return {windows_.checked_count("Conv1D", timesteps), spec_.filters};
}

template <class T>
const Index* Conv1DLayer<T>::output_lengths(std::size_t, const Batch<T>* in,
                                            Workspace& workspace) const {
  return windows_.counts(in[0].samples, in[0].lengths, workspace);
}

template <class T>
std::shared_ptr<const typename Conv1DLayer<T>::Packed> Conv1DLayer<T>::packed() const {
  const KernelTable<T>& k = kernels<T>();
  return packed_.get(&k, [&](Packed& p) {
    const Index taps = spec_.kernel_size, depth = taps * inputs_, filters = spec_.filters;
    const T* w = weight_.value.data();
    p.kernels = &k;
    p.weight.resize(static_cast<std::size_t>(packed_size(filters, depth, k.lanes)));
    pack_columns(
        depth, filters, k.lanes,
        [&](Index i, Index filter) {
          return w[(filter * inputs_ + i % inputs_) * taps + i / inputs_];
        },
        p.weight.data());
    p.bias.assign(static_cast<std::size_t>(round_up(filters, k.lanes)), T(0));
    std::copy(bias_.value.begin(), bias_.value.end(), p.bias.begin());
  });
}

template <class T>
std::shared_ptr<const typename Conv1DLayer<T>::Packed> Conv1DLayer<T>::packed_for_gradient() const {
  const KernelTable<T>& k = kernels<T>();
  return packed_for_gradient_.get(&k, [&](Packed& p) {
    const Index taps = spec_.kernel_size, filters = spec_.filters, depth = taps * filters;
    const T* w = weight_.value.data();
    p.kernels = &k;
    p.weight.resize(static_cast<std::size_t>(packed_size(inputs_, depth, k.lanes)));
    pack_columns(
        depth, inputs_, k.lanes,
        [&](Index i, Index input) {
          return w[(i % filters * inputs_ + input) * taps + i / filters];
        },
        p.weight.data());
  });
}

template <class T>
class Conv1DLayer<T>::ConvTape final : public SequenceTape<T> {
 public:
  /// y: the output's true steps, one behind the other.
  ConvTape(const Conv1DLayer& layer, Activation activation, const Batch<T>& x, const T* y,
           const SequenceRows& in, const SequenceRows& out, const TrueSteps& out_steps)
      : layer_(layer),
        activation_(activation),
        x_(x),
        y_(y),
        in_(in),
        out_(out),
        out_steps_(out_steps) {}

  void backward(const T* dy, T* dx, const StateGradients<T>&, T* const* gradients,
                Workspace& workspace) override {
    const Index filters = layer_.spec_.filters, rows = out_.rows();
    const Workspace::Scope scope(workspace);
    if (out_steps_.lengths) dy = out_steps_.gather(dy, filters, workspace);
    if (activation_ != Activation::linear) {
      T* dz = workspace.take<T>(rows * filters);
      activate_backward(activation_, rows, filters, y_, dy, dz);
      dy = dz;
    }
    add_gradients(dy, gradients, workspace);
    if (dx) write_input_gradient(dy, dx, workspace);
  }

 private:
  void add_gradients(const T* dz, T* const* gradients, Workspace& workspace) const {
    const KernelTable<T>& k = kernels<T>();
    const Index filters = layer_.spec_.filters, taps = layer_.spec_.kernel_size;
    const Index inputs = layer_.inputs_, padded = round_up(filters, k.lanes);
    T* sums = workspace.take_zeros<T>(taps * inputs * padded);
    T* bias_sums = workspace.take_zeros<T>(padded);
    sum_gradient(k, out_, taps, inputs, seen_by(layer_.windows_, x_, in_), dz, filters, sums,
                 bias_sums, workspace);
    for (Index filter = 0; filter < filters; ++filter)
      for (Index input = 0; input < inputs; ++input)
        for (Index tap = 0; tap < taps; ++tap)
          gradients[0][(filter * inputs + input) * taps + tap] +=
              sums[(tap * inputs + input) * padded + filter];
    if (layer_.spec_.bias)
      for (Index filter = 0; filter < filters; ++filter) gradients[1][filter] += bias_sums[filter];
  }

  /// Each step's gradient is one sum over the windows that have seen it.
  void write_input_gradient(const T* dz, T* dx, Workspace& workspace) const {
    const StepWindows& w = layer_.windows_;
    const Index filters = layer_.spec_.filters, inputs = layer_.inputs_;
    const auto weights = layer_.packed_for_gradient();
    T* to = x_.lengths ? workspace.take<T>(std::max<Index>(in_.rows(), 1) * inputs) : dx;
    multiply<T>(*weights->kernels, in_, w.size, filters, seen_from(w, in_, out_, dz, filters),
                weights->weight.data(), nullptr, inputs, to, workspace);
    if (x_.lengths) TrueSteps{x_.samples, x_.timesteps, x_.lengths}.scatter(to, inputs, dx);
  }

  const Conv1DLayer& layer_;
  Activation activation_;
  Batch<T> x_;
  const T* y_;
  SequenceRows in_, out_;
  TrueSteps out_steps_;
};

template <class T>
std::unique_ptr<SequenceTape<T>> Conv1DLayer<T>::forward(const Batch<T>& x, T* y, const States<T>&,
                                                         const Pass& pass) const {
  Workspace& workspace = pass.workspace;
  const Index filters = spec_.filters, timesteps = windows_.count(x.timesteps);
  const TrueSteps out_steps{x.samples, timesteps, windows_.counts(x.samples, x.lengths, workspace)};
  const SequenceRows in(x.samples, x.timesteps, x.lengths, workspace);
  const SequenceRows out(x.samples, timesteps, out_steps.lengths, workspace);
  const auto weights = packed();
  T* table = out_steps.lengths ? workspace.take<T>(out_steps.rows() * filters) : y;
  multiply(*weights->kernels, out, windows_.size, inputs_, seen_by(windows_, x, in),
           weights->weight.data(), weights->bias.data(), filters, table, workspace);
  const Activation activation = applied(spec_.activation, pass);
  activate(activation, out.rows(), filters, table);
  if (out_steps.lengths) out_steps.scatter(table, filters, y);
  if (!pass.remember) return nullptr;
  return std::make_unique<ConvTape>(*this, activation, x, table, in, out, out_steps);
}

/// Keeps the steps that later windows look at again, in a ring.
template <class T>
class Conv1DLayer<T>::ConvStream final : public SequenceStream<T> {
 public:
  ConvStream(const Conv1DLayer& layer, Index rows)
      : weights_(layer.packed()),
        activation_(layer.spec_.activation),
        windows_(layer.windows_),
        past_(layer.windows_.span() - 1, rows, layer.inputs_),
        patches_(static_cast<std::size_t>(rows * layer.windows_.size * layer.inputs_)) {
    product_.rows = rows;
    product_.depth = product_.a_stride = layer.windows_.size * layer.inputs_;
    product_.cols = product_.out_stride = layer.spec_.filters;
    product_.a = patches_.data();
    product_.packed = weights_->weight.data();
    product_.bias = weights_->bias.data();
  }

  void step(const Batch<T>& x, T* y) noexcept override {
    const Index features = past_.features();
    T* to = patches_.data();
    for (Index row = 0; row < product_.rows; ++row) {
      for (Index tap = 0; tap + 1 < windows_.size; ++tap, to += features)
        copy_row(past_.at(tap * windows_.dilation, row), features, to);
      copy_row(x.values + row * features, features, to);
      to += features;
    }
    past_.push(x.values);
    product_.out = y;
    weights_->kernels->product(product_);
    activate_rows(*weights_->kernels, activation_, product_.rows, product_.cols, y);
  }

  std::vector<TensorInfo> state() const override { return past_.state(); }
  void reset() noexcept override { past_.reset(); }
  void get_state(Index, T* out) const noexcept override { past_.get(out); }
  void set_state(Index, const T* values) noexcept override { past_.set(values); }

 private:
  std::shared_ptr<const Packed> weights_;
  Activation activation_;
  StepWindows windows_;
  PastSteps<T> past_;
  AlignedVector<T> patches_;
  ProductArgs<T> product_;
};

template <class T>
std::unique_ptr<LayerStream<T>> Conv1DLayer<T>::stream(Index rows) const {
  windows_.check_streams("Conv1D");
  return std::make_unique<ConvStream>(*this, rows);
}

template class Conv1DLayer<float>;
template class Conv1DLayer<double>;

}  // namespace lstm_native
