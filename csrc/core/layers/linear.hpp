// y = x W^T + b and its gradients: the product that Dense and Highway share.
#pragma once

#include "core/base/aligned.hpp"
#include "core/base/packed_cache.hpp"
#include "core/base/rows.hpp"
#include "core/layers/layer.hpp"
#include "kernels/kernel_table.hpp"

namespace lstm_native {

template <class T>
class Linear {
 public:
  Linear(Index inputs, Index outputs, bool bias, WeightSeed seed);
  /// Without a weight of its own: `borrow` must be called before anything else.
  Linear(Index inputs, Index outputs, bool bias);

  /// The weight is another's from now on, (outputs, inputs) and alive as long as this is used.
  void borrow(Parameter<T>* weight) {
    weight_ = weight;
    parameters_changed();
  }
  const Parameter<T>* weight() const { return weight_; }  // null: none yet

  Index inputs() const { return inputs_; }
  Index outputs() const { return outputs_; }
  std::vector<Parameter<T>*> parameters();
  void parameters_changed() {
    packed_.invalidate();
    packed_for_little_.invalidate();
    transposed_.invalidate();
  }

  struct Packed {
    const KernelTable<T>* kernels = nullptr;  // packed for these, to be run by these
    AlignedVector<T> weight, bias;
  };
  /// For products with so many rows.
  std::shared_ptr<const Packed> packed(Index rows) const;
  std::shared_ptr<const Packed> packed_transposed() const;  // without bias

  /// y = x W^T + b; accumulate: y += x W^T + b.
  void forward(Index rows, Rows<const T> x, Rows<T> y, bool accumulate) const;

  /// dx (may be null) = dy W, or += when accumulating; gradients: of weight, then of bias.
  void backward(Index rows, Rows<const T> x, Rows<const T> dy, Rows<T> dx, bool accumulate,
                T* const* gradients, Workspace& workspace) const;

 private:
  Index inputs_, outputs_;
  bool has_bias_;
  Parameter<T> own_weight_, bias_;
  Parameter<T>* weight_ = &own_weight_;
  PackedCache<Packed> packed_, packed_for_little_, transposed_;
};

}  // namespace lstm_native
