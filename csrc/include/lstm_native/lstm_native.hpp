// Everything: networks, training, model files, build information.
#pragma once

#include "lstm_native/decoding.hpp"
#include "lstm_native/error.hpp"
#include "lstm_native/layers.hpp"
#include "lstm_native/losses.hpp"
#include "lstm_native/network.hpp"
#include "lstm_native/runtime.hpp"
#include "lstm_native/stream.hpp"
#include "lstm_native/training.hpp"
#include "lstm_native/types.hpp"
#include "lstm_native/weight_average.hpp"
