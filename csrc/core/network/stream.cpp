#include "core/network/stream.hpp"

#include <algorithm>

#include "core/base/float_mode.hpp"
#include "core/base/message_text.hpp"
#include "core/network/handles.hpp"
#include "core/specs/limits.hpp"
#include "lstm_native/error.hpp"
#include "lstm_native/stream.hpp"

namespace lstm_native {

namespace {

Index checked_batch(Index batch) {
  if (batch >= 1 && batch <= kMaxWidth) return batch;
  throw InvalidArgument("batch_size: expected 1 to " + std::to_string(kMaxWidth) + ", got " +
                        std::to_string(batch));
}

}  // namespace

template <class T>
StreamImpl<T>::StreamImpl(std::shared_ptr<const Graph<T>> graph, Index batch, const Batch<T>* held)
    : batch_(checked_batch(batch)), run_(std::move(graph), batch, held) {
  for (const auto& layer : this->graph().layers()) {
    if (layer->inputs().front().kind == Port::Kind::tokens) continue;  // looked up, not multiplied
    for (const Parameter<T>* p : layer->parameters())
      work_ += static_cast<double>(batch) * static_cast<double>(p->info.size());
  }
}

template <class T>
bool StreamImpl<T>::takes_tokens(std::size_t input, const std::int64_t* tokens) const noexcept {
  const Index vocabulary = graph().structure().inputs[input].vocabulary;
  return std::all_of(tokens, tokens + batch_,
                     [&](std::int64_t token) { return token >= 0 && token < vocabulary; });
}

template <class T>
bool StreamImpl<T>::step(const T* x, T* y) noexcept {
  const Batch<T> batch{x, nullptr, batch_, 1, graph().input_features(0)};
  return graph().inputs() == 1 && graph().outputs() == 1 && step(&batch, &y);
}

template <class T>
bool StreamImpl<T>::step(const std::int64_t* tokens, T* y) noexcept {
  const Batch<T> batch{nullptr, tokens, batch_, 1, 0};
  return graph().inputs() == 1 && graph().outputs() == 1 && step(&batch, &y);
}

template <class T>
bool StreamImpl<T>::step(const Batch<T>* x, T* const* y) noexcept {
  for (std::size_t i = 0; i < graph().inputs(); ++i) {
    if (run_.is_held(i)) continue;
    const bool fits = graph().takes_tokens(i) ? x[i].tokens && takes_tokens(i, x[i].tokens)
                                              : x[i].values != nullptr;
    if (!fits) return false;
  }
  const FloatMode mode;
  run_.step(x, y);
  return true;
}

namespace {

template <class T>
StreamTensor<T> find_state(const StreamImpl<T>& stream, const std::string& name) {
  for (StreamTensor<T>& found : stream.run().tensors())
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
  return Access::impl(*this).graph().input_features(0);
}

template <class T>
Index Stream<T>::output_features() const {
  return Access::impl(*this).graph().output_features(0);
}

template <class T>
bool Stream<T>::takes_tokens() const {
  return Access::impl(*this).graph().takes_tokens(0);
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
  if (impl_) impl_->run().reset();
}

template <class T>
std::vector<TensorInfo> Stream<T>::state() const {
  std::vector<TensorInfo> list;
  for (StreamTensor<T>& found : Access::impl(*this).run().tensors())
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

template class StreamImpl<float>;
template class StreamImpl<double>;
template class Stream<float>;
template class Stream<double>;

}  // namespace lstm_native
