#include "core/attention/attending_layer.hpp"

#include <cmath>

#include "core/numeric/initialisers.hpp"
#include "core/specs/attention_kinds.hpp"
#include "core/specs/layer_kinds.hpp"
#include "kernels/dispatch.hpp"
#include "lstm_native/error.hpp"

namespace lstm_native {
namespace {

constexpr std::uint64_t kInputSeed = 0, kRecurrentSeed = 4, kScoreSeed = 8, kHeadSeed = 9;

const AttentionRecurrentOptions& options_of(const LayerSpec& layer) {
  if (const auto* spec = std::get_if<AttentionLSTMSpec>(&layer.options)) return *spec;
  return std::get<AttentionGRUSpec>(layer.options);
}

CellPlan plan_in(const LayerSpec& layer) {
  if (const auto* spec = std::get_if<AttentionLSTMSpec>(&layer.options)) return plan_of(*spec);
  return plan_of(std::get<AttentionGRUSpec>(layer.options));
}

/// A window has no scores: those of "dot" have no weights.
template <class T>
AttentionWeights<T> score_of(const AttentionRecurrentOptions& options, Index memory,
                             WeightSeed seed) {
  const Index H = options.hidden_size;
  if (options.attention == StepAttention::window)
    return {AttentionScore::dot, 0, 1, false, memory, memory, seed};
  return {options.score, options.units ? options.units : H, 1, false, H, memory, seed};
}

}  // namespace

template <class T>
AttendingLayer<T>::AttendingLayer(const LayerSpec& spec, const InputFeatures& features,
                                  WeightSeed seed)
    : spec_(spec),
      options_(options_of(spec)),
      plan_(plan_in(spec)),
      x_(features[0]),
      memory_(lstm_native::memory_features(features)),
      fed_(lstm_native::fed_features(options_, memory_)),
      score_(score_of<T>(options_, memory_, derive_seed(seed, kScoreSeed))) {
  score_count_ = score_.parameters().size();
  draw_cell(seed);
  const Index H = plan_.hidden_size;
  const WeightSeed head_seed = derive_seed(seed, kHeadSeed);
  if (luong()) head_ = std::make_unique<Linear<T>>(memory_ + H, fed_, false, head_seed);
  if (window()) head_ = std::make_unique<Linear<T>>(H, 3 * options_.components, true, head_seed);
  if (!head_) return;
  const std::vector<Parameter<T>*> own = head_->parameters();
  own[0]->info.name = luong() ? "output_weight" : "window_weight";
  if (!window()) return;
  own[1]->info.name = "window_bias";
  // exp(bias) is how far it moves. One that runs past the end of the memory sees nothing any more,
  // and learns nothing.
  const Index K = options_.components;
  std::fill_n(own[1]->value.data() + 2 * K, K, static_cast<T>(std::log(options_.window_step)));
}

template <class T>
void AttendingLayer<T>::draw_cell(WeightSeed seed) {
  DirectionParameters<T> p;
  for_each_parameter(
      plan_, x_ + fed_, p, [&](const std::string& name, std::vector<Index> shape, T*& field) {
        cell_parameters_.push_back(make_parameter<T>(name + "_l0", std::move(shape)));
        field = cell_parameters_.back().value.data();
      });
  const Index H = plan_.hidden_size, inputs = x_ + fed_;
  for (Index g = 0; g < plan_.gates; ++g) {
    const auto gate = static_cast<std::uint64_t>(g);
    glorot_uniform(inputs, H, derive_seed(seed, kInputSeed + gate), H * inputs,
                   p.input + g * H * inputs);
    orthogonal(H, derive_seed(seed, kRecurrentSeed + gate), p.recurrent + g * H * H);
  }
  if (plan_.forget_gate >= 0)
    std::fill_n(p.bias_input + plan_.forget_gate * H, H, static_cast<T>(plan_.forget_bias));
}

template <class T>
std::vector<Port> AttendingLayer<T>::states() const {
  const auto state = [](const char* name, Index features) {
    return Port{name, features, Port::Kind::state};
  };
  std::vector<Port> list{state("h", plan_.hidden_size)};
  if (plan_.cell_state) list.push_back(state("c", plan_.hidden_size));
  if (!bahdanau()) list.push_back(state("context", fed_));
  if (window()) list.push_back(state("kappa", options_.components));
  return list;
}

template <class T>
std::vector<Port> AttendingLayer<T>::inputs() const {
  std::vector<Port> ports{{"x", x_}, {"memory", memory_}};
  for (Port state : states()) {
    state.optional = true;
    ports.push_back(state);
  }
  return ports;
}

template <class T>
std::vector<Port> AttendingLayer<T>::outputs() const {
  std::vector<Port> ports{{"y", output_features()}};
  for (const Port& state : states()) ports.push_back(state);
  ports.push_back({"contexts", memory_});
  ports.push_back({"weights", kAnyFeatures});
  return ports;
}

template <class T>
OutputShape AttendingLayer<T>::output_shape(std::size_t port, const OutputShape* in) const {
  if (in[0].timesteps == 0) throw InvalidArgument("input 'x': expected a time axis, got none");
  if (in[1].timesteps == 0) throw InvalidArgument("input 'memory': expected a time axis, got none");
  const std::vector<Port> ports = outputs();
  if (ports[port].kind == Port::Kind::state) return {0, ports[port].features};
  const bool weights = port + 1 == ports.size();
  return {in[0].timesteps, weights ? in[1].timesteps : ports[port].features};
}

template <class T>
std::vector<Parameter<T>*> AttendingLayer<T>::parameters() {
  std::vector<Parameter<T>*> list;
  for (Parameter<T>& p : cell_parameters_) list.push_back(&p);
  for (Parameter<T>* p : score_.parameters()) list.push_back(p);
  if (head_)
    for (Parameter<T>* p : head_->parameters()) list.push_back(p);
  return list;
}

template <class T>
void AttendingLayer<T>::drop_packed() {
  packed_.invalidate();
  score_.parameters_changed();
  if (head_) head_->parameters_changed();
}

template <class T>
DirectionParameters<T> AttendingLayer<T>::of_cell(T* const* all) const {
  DirectionParameters<T> p;
  T* const* next = all;
  for_each_parameter(
      plan_, 0, p, [&](const char*, std::initializer_list<Index>, T*& field) { field = *next++; });
  return p;
}

template <class T>
std::shared_ptr<const AttendingCell<T>> AttendingLayer<T>::cell() const {
  const KernelTable<T>& k = kernels<T>();
  return packed_.get(&k, [&](AttendingCell<T>& packed) {
    DirectionParameters<const T> p;
    auto next = cell_parameters_.begin();
    for_each_parameter(plan_, 0, p,
                       [&](const char*, std::initializer_list<Index>, const T*& field) {
                         field = (next++)->value.data();
                       });
    const Index rows = plan_.gates * plan_.hidden_size, inputs = x_ + fed_;
    std::vector<T> of_x(static_cast<std::size_t>(rows * x_));
    std::vector<T> of_fed(static_cast<std::size_t>(rows * fed_));
    for (Index r = 0; r < rows; ++r) {
      std::copy_n(p.input + r * inputs, x_, of_x.data() + r * x_);
      std::copy_n(p.input + r * inputs + x_, fed_, of_fed.data() + r * fed_);
    }
    p.input = of_x.data();
    packed.cell.pack(plan_, x_, k, p);
    packed.cell.inputs = inputs;
    const GateOrder& order = packed.cell.order;
    packed.fed.resize(static_cast<std::size_t>(order.columns() * fed_));
    packed.fed_transposed.resize(
        static_cast<std::size_t>(packed_size(fed_, order.columns(), k.lanes)));
    pack_gates(k, order, fed_, of_fed.data(), packed.fed.data());
    pack_gates_transposed(k, order, fed_, of_fed.data(), packed.fed_transposed.data());
  });
}

template <class T>
std::unique_ptr<Tape<T>> AttendingLayer<T>::forward(const Batch<T>* in, T* const* out,
                                                    const Pass& pass) const {
  return run_attending(*this, in, out, pass);
}

template <class T>
std::unique_ptr<LayerStream<T>> AttendingLayer<T>::stream(Index rows) const {
  return make_attending_stream(*this, rows);
}

template class AttendingLayer<float>;
template class AttendingLayer<double>;

}  // namespace lstm_native
