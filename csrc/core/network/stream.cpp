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
StreamImpl<T>::StreamImpl(std::shared_ptr<const Graph<T>> owner, Index batch, const Batch<T>* held)
    : batch_(checked_batch(batch)),
      run_(std::move(owner), batch, held),
      answers_(graph().outputs(), nullptr) {
  for (const auto& layer : graph().layers()) {
    if (layer->inputs().front().kind == Port::Kind::tokens) continue;  // looked up, not multiplied
    for (const Parameter<T>* p : layer->parameters())
      work_ += static_cast<double>(batch) * static_cast<double>(p->info.size());
  }
  for (std::size_t i = 0; i < graph().inputs(); ++i) {
    now_.push_back({nullptr, nullptr, batch, 1, graph().input_features(i)});
    if (!run_.is_held(i)) inputs_.push_back(i);
  }
  for (std::size_t k = 0; k < graph().outputs(); ++k)
    if (run_.is_stepped(graph().structure().outputs[k].source)) outputs_.push_back(k);
}

template <class T>
bool StreamImpl<T>::takes(std::size_t input, const Batch<T>& x) const noexcept {
  if (!graph().takes_tokens(input)) return x.values != nullptr;
  const Index vocabulary = graph().structure().inputs[input].vocabulary;
  return x.tokens && std::all_of(x.tokens, x.tokens + batch_, [&](std::int64_t token) {
           return token >= 0 && token < vocabulary;
         });
}

template <class T>
bool StreamImpl<T>::step(const T* x, T* y) noexcept {
  if (!x || !is_single() || graph().takes_tokens(inputs_.front())) return false;
  now_[inputs_.front()].values = x;
  answers_[outputs_.front()] = y;
  const FloatMode mode;
  run_.step(now_.data(), answers_.data());
  return true;
}

template <class T>
bool StreamImpl<T>::step(const std::int64_t* tokens, T* y) noexcept {
  if (!is_single()) return false;
  Batch<T>& x = now_[inputs_.front()];
  x.tokens = tokens;
  if (!takes(inputs_.front(), x)) return false;
  answers_[outputs_.front()] = y;
  const FloatMode mode;
  run_.step(now_.data(), answers_.data());
  return true;
}

template <class T>
bool StreamImpl<T>::step(const Batch<T>* x, T* const* y) noexcept {
  for (const std::size_t i : inputs_) {
    if (!takes(i, x[i])) return false;
    now_[i].values = x[i].values;
    now_[i].tokens = x[i].tokens;
  }
  const FloatMode mode;
  run_.step(now_.data(), y);
  return true;
}

template <class T>
bool StreamImpl<T>::reorder(const Index* from) noexcept {
  if (!std::all_of(from, from + batch_, [&](Index row) { return row >= 0 && row < batch_; }))
    return false;
  run_.reorder(from);
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
Index Stream<T>::inputs() const {
  return static_cast<Index>(Access::impl(*this).inputs().size());
}

template <class T>
Index Stream<T>::outputs() const {
  return static_cast<Index>(Access::impl(*this).outputs().size());
}

namespace {

std::size_t nth(const std::vector<std::size_t>& stepped, Index which, const char* what) {
  if (which >= 0 && which < static_cast<Index>(stepped.size()))
    return stepped[static_cast<std::size_t>(which)];
  throw InvalidArgument(std::string(what) + ": expected 0 to " +
                        std::to_string(static_cast<Index>(stepped.size()) - 1) + ", got " +
                        std::to_string(which));
}

}  // namespace

template <class T>
Index Stream<T>::input_features(Index input) const {
  const StreamImpl<T>& impl = Access::impl(*this);
  return impl.graph().input_features(nth(impl.inputs(), input, "input"));
}

template <class T>
Index Stream<T>::output_features(Index output) const {
  const StreamImpl<T>& impl = Access::impl(*this);
  return impl.graph().output_features(nth(impl.outputs(), output, "output"));
}

template <class T>
bool Stream<T>::takes_tokens(Index input) const {
  const StreamImpl<T>& impl = Access::impl(*this);
  return impl.graph().takes_tokens(nth(impl.inputs(), input, "input"));
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
bool Stream<T>::step(const Batch<T>* x, T* const* y) noexcept {
  return impl_ && impl_->step(x, y);
}

template <class T>
bool Stream<T>::reorder(const Index* from) noexcept {
  return impl_ && impl_->reorder(from);
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
