// The names of activation functions, in files and messages.
#pragma once

#include "core/specs/ranges.hpp"
#include "lstm_native/activation.hpp"
#include "lstm_native/cell_function.hpp"

namespace lstm_native {

inline constexpr NamedValue<Activation> kActivations[] = {{"linear", Activation::linear},
                                                          {"relu", Activation::relu},
                                                          {"sigmoid", Activation::sigmoid},
                                                          {"tanh", Activation::tanh},
                                                          {"softmax", Activation::softmax}};
static_assert(in_order(kActivations));

inline constexpr NamedValue<CellFunction> kCellFunctions[] = {
    {"linear", CellFunction::linear},
    {"relu", CellFunction::relu},
    {"tanh", CellFunction::tanh},
    {"sigmoid", CellFunction::sigmoid},
    {"affine", CellFunction::affine},
    {"leaky_relu", CellFunction::leaky_relu},
    {"thresholded_relu", CellFunction::thresholded_relu},
    {"scaled_tanh", CellFunction::scaled_tanh},
    {"hard_sigmoid", CellFunction::hard_sigmoid},
    {"elu", CellFunction::elu},
    {"softsign", CellFunction::softsign},
    {"softplus", CellFunction::softplus}};
static_assert(in_order(kCellFunctions));

}  // namespace lstm_native
