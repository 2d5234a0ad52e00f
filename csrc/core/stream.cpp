#include "core/stream.hpp"

#include "core/spec_checks.hpp"
#include "lstm_native/error.hpp"
#include "lstm_native/stream.hpp"

namespace lstm_native {

template <class T>
StreamImpl<T>::StreamImpl(const std::vector<std::shared_ptr<Layer<T>>>& layers, Index batch)
    : batch_(batch),
      input_features_(layers.front()->input_features()),
      takes_tokens_(layers.front()->takes_tokens()) {
  if (batch < 1 || batch > kMaxWidth)
    throw InvalidArgument("batch_size: expected 1 to " + std::to_string(kMaxWidth) + ", got " +
                          std::to_string(batch));
  OutputShape shape{1, 0};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    Layer<T>& layer = *layers[i];
    Stage stage;
    try {
      stage.run = layer.stream(batch);
      shape = layer.output_shape(shape.timesteps);
    } catch (const InvalidArgument& e) {
      throw InvalidArgument("layer " + std::to_string(i) + ": " + e.what());
    }
    stage.state = layer.state_shape();
    stage.output_features = layer.output_features();
    if (i + 1 < layers.size())
      stage.output.resize(static_cast<std::size_t>(batch * stage.output_features));
    layers_.push_back(std::move(stage));
    if (layer.takes_tokens()) continue;  // looked up, not multiplied
    for (const Parameter<T>* p : layer.parameters())
      work_ += static_cast<double>(batch) * static_cast<double>(p->info.size());
  }
}

template <class T>
bool StreamImpl<T>::step(Batch<T> x, T* y) noexcept {
  if (!layers_.front().run->takes(x)) return false;
  for (Stage& stage : layers_) {
    T* output = stage.output.empty() ? y : stage.output.data();
    stage.run->step(x, output);
    x.values = output;
  }
  return true;
}

template <class T>
bool StreamImpl<T>::step(const T* x, T* y) noexcept {
  return !takes_tokens_ && step(Batch<T>{x, nullptr, batch_, 1, input_features_}, y);
}

template <class T>
bool StreamImpl<T>::step(const std::int64_t* tokens, T* y) noexcept {
  return takes_tokens_ && step(Batch<T>{nullptr, tokens, batch_, 1, 0}, y);
}

template <class T>
void StreamImpl<T>::reset() noexcept {
  for (Stage& stage : layers_) stage.run->reset();
}

namespace {

struct StateTensor {
  Index layer, tensor;
  TensorInfo info;
};

/// All state tensors of a stream, named: h and c, in this order, for each layer that has state.
template <class T>
std::vector<StateTensor> state_tensors(const StreamImpl<T>& stream) {
  static const char* const names[] = {"h", "c"};
  std::vector<StateTensor> list;
  for (Index l = 0; l < stream.layers(); ++l) {
    const StateShape shape = stream.state_shape(l);
    for (Index i = 0; i < shape.count; ++i)
      list.push_back(
          {l,
           i,
           {std::to_string(l) + "." + names[i], {shape.layers, stream.batch(), shape.features(i)}}});
  }
  return list;
}

template <class T>
StateTensor find_state(const StreamImpl<T>& stream, const std::string& name) {
  for (StateTensor& found : state_tensors(stream))
    if (found.info.name == name) return found;
  throw InvalidArgument("no state named '" + name + "'");
}

}  // namespace

template <class T>
Stream<T>::Stream(std::unique_ptr<StreamImpl<T>> impl) : impl_(std::move(impl)) {}
template <class T>
Stream<T>::~Stream() = default;
template <class T>
Stream<T>::Stream(Stream&&) noexcept = default;
template <class T>
Stream<T>& Stream<T>::operator=(Stream&&) noexcept = default;

template <class T>
Index Stream<T>::batch_size() const {
  return impl_->batch();
}

template <class T>
Index Stream<T>::input_features() const {
  return impl_->input_features();
}

template <class T>
Index Stream<T>::output_features() const {
  return impl_->output_features();
}

template <class T>
bool Stream<T>::takes_tokens() const {
  return impl_->takes_tokens();
}

template <class T>
bool Stream<T>::step(const T* x, T* y) noexcept {
  return impl_->step(x, y);
}

template <class T>
bool Stream<T>::step(const std::int64_t* tokens, T* y) noexcept {
  return impl_->step(tokens, y);
}

template <class T>
void Stream<T>::reset() noexcept {
  impl_->reset();
}

template <class T>
std::vector<TensorInfo> Stream<T>::state() const {
  std::vector<TensorInfo> list;
  for (StateTensor& found : state_tensors(*impl_)) list.push_back(std::move(found.info));
  return list;
}

template <class T>
void Stream<T>::get_state(const std::string& name, T* out) const {
  const StateTensor found = find_state(*impl_, name);
  impl_->get_state(found.layer, found.tensor, out);
}

template <class T>
void Stream<T>::set_state(const std::string& name, const T* values, Index count) {
  const StateTensor found = find_state(*impl_, name);
  if (count != found.info.size())
    throw InvalidArgument("'" + name + "': expected " + std::to_string(found.info.size()) +
                          " values, got " + std::to_string(count));
  impl_->set_state(found.layer, found.tensor, values);
}

template class StreamImpl<float>;
template class StreamImpl<double>;
template class Stream<float>;
template class Stream<double>;

}  // namespace lstm_native
