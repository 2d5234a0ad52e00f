#include "core/network/stream.hpp"

#include "core/base/float_mode.hpp"
#include "core/base/message_text.hpp"
#include "core/network/handles.hpp"
#include "core/specs/limits.hpp"
#include "lstm_native/error.hpp"
#include "lstm_native/stream.hpp"

namespace lstm_native {

template <class T>
StreamStages<T>::StreamStages(const std::vector<std::shared_ptr<SequenceLayer<T>>>& layers,
                              Index rows)
    : rows_(rows) {
  OutputShape shape{1, 0};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const SequenceLayer<T>& layer = *layers[i];
    Stage stage;
    try {
      stage.run = layer.stream(rows);
      shape = layer.output_shape(shape.timesteps);
    } catch (const InvalidArgument& e) {
      throw InvalidArgument("layer " + std::to_string(i) + ": " + e.what());
    }
    stage.output_features = layer.output_features();
    if (i + 1 < layers.size())
      stage.output.resize(static_cast<std::size_t>(rows * stage.output_features));
    stages_.push_back(std::move(stage));
  }
}

template <class T>
void StreamStages<T>::step(Batch<T> x, T* y) noexcept {
  for (Stage& stage : stages_) {
    T* output = stage.output.empty() ? y : stage.output.data();
    stage.run->step(&x, &output);
    x = {output, nullptr, rows_, 1, stage.output_features};
  }
}

template <class T>
void StreamStages<T>::reset() noexcept {
  for (Stage& stage : stages_) stage.run->reset();
}

template <class T>
std::vector<StreamTensor<T>> StreamStages<T>::tensors(Index layer) const {
  const Stage& stage = stages_[static_cast<std::size_t>(layer)];
  std::vector<StreamTensor<T>> list;
  for (TensorInfo& info : stage.run->state())
    list.push_back({std::move(info), stage.run.get(), static_cast<Index>(list.size())});
  for (StreamTensor<T>& tensor : stage.run->inner_tensors()) {
    tensor.info.name.insert(0, "layers.");
    list.push_back(std::move(tensor));
  }
  return list;
}

template <class T>
std::vector<StreamTensor<T>> StreamStages<T>::tensors() const {
  std::vector<StreamTensor<T>> list;
  for (Index l = 0; l < size(); ++l)
    for (StreamTensor<T>& tensor : tensors(l)) {
      tensor.info.name = std::to_string(l) + "." + tensor.info.name;
      list.push_back(std::move(tensor));
    }
  return list;
}

namespace {

Index checked_batch(Index batch) {
  if (batch >= 1 && batch <= kMaxWidth) return batch;
  throw InvalidArgument("batch_size: expected 1 to " + std::to_string(kMaxWidth) + ", got " +
                        std::to_string(batch));
}

}  // namespace

template <class T>
StreamImpl<T>::StreamImpl(const std::vector<std::shared_ptr<SequenceLayer<T>>>& layers, Index batch)
    : batch_(checked_batch(batch)),
      input_features_(layers.front()->input_features()),
      takes_tokens_(layers.front()->takes_tokens()),
      stages_(layers, batch) {
  for (const auto& layer : layers) {
    if (layer->takes_tokens()) continue;  // looked up, not multiplied
    for (const Parameter<T>* p : layer->parameters())
      work_ += static_cast<double>(batch) * static_cast<double>(p->info.size());
  }
}

template <class T>
bool StreamImpl<T>::step(const T* x, T* y) noexcept {
  if (takes_tokens_) return false;
  const FloatMode mode;
  stages_.step({x, nullptr, batch_, 1, input_features_}, y);
  return true;
}

template <class T>
bool StreamImpl<T>::step(const std::int64_t* tokens, T* y) noexcept {
  const Batch<T> x{nullptr, tokens, batch_, 1, 0};
  if (!takes_tokens_ || !stages_.takes(x)) return false;
  const FloatMode mode;
  stages_.step(x, y);
  return true;
}

namespace {

template <class T>
StreamTensor<T> find_state(const StreamImpl<T>& stream, const std::string& name) {
  for (StreamTensor<T>& found : stream.tensors())
    if (found.info.name == name) return found;
  throw InvalidArgument("no state named '" + printable(name) + "'");
}

}  // namespace

template <class T>
Stream<T>::Stream(std::unique_ptr<StreamImpl<T>> impl) : impl_(std::move(impl)) {}
template <class T>
Stream<T>::Stream() noexcept = default;
template <class T>
Stream<T>::~Stream() = default;
template <class T>
Stream<T>::Stream(Stream&&) noexcept = default;
template <class T>
Stream<T>& Stream<T>::operator=(Stream&&) noexcept = default;

template <class T>
Index Stream<T>::batch_size() const {
  return Access::impl(*this).batch();
}

template <class T>
Index Stream<T>::input_features() const {
  return Access::impl(*this).input_features();
}

template <class T>
Index Stream<T>::output_features() const {
  return Access::impl(*this).output_features();
}

template <class T>
bool Stream<T>::takes_tokens() const {
  return Access::impl(*this).takes_tokens();
}

template <class T>
bool Stream<T>::step(const T* x, T* y) noexcept {
  return impl_ && impl_->step(x, y);
}

template <class T>
bool Stream<T>::step(const std::int64_t* tokens, T* y) noexcept {
  return impl_ && impl_->step(tokens, y);
}

template <class T>
void Stream<T>::reset() noexcept {
  if (impl_) impl_->reset();
}

template <class T>
std::vector<TensorInfo> Stream<T>::state() const {
  std::vector<TensorInfo> list;
  for (StreamTensor<T>& found : Access::impl(*this).tensors())
    list.push_back(std::move(found.info));
  return list;
}

template <class T>
std::vector<T> Stream<T>::get_state(const std::string& name) const {
  const StreamTensor<T> found = find_state(Access::impl(*this), name);
  std::vector<T> values(static_cast<std::size_t>(found.info.size()));
  found.run->get_state(found.index, values.data());
  return values;
}

template <class T>
void Stream<T>::get_state(const std::string& name, T* out, Index count) const {
  const StreamTensor<T> found = find_state(Access::impl(*this), name);
  check_count(name, found.info.size(), count);
  found.run->get_state(found.index, out);
}

template <class T>
void Stream<T>::set_state(const std::string& name, const T* values, Index count) {
  const StreamTensor<T> found = find_state(Access::impl(*this), name);
  check_count(name, found.info.size(), count);
  found.run->set_state(found.index, values);
}

template class StreamStages<float>;
template class StreamStages<double>;
template class StreamImpl<float>;
template class StreamImpl<double>;
template class Stream<float>;
template class Stream<double>;

}  // namespace lstm_native
