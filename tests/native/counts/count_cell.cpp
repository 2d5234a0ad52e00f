// Runs one small cell, so that valgrind can count the instructions of `counted_call` alone:
//   count_cell [graph-]inference|[graph-]training <batch> <timesteps> <features> <hidden>
// Without arguments it prints the compiler. See tests/structure/test_instruction_counts.py.
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <vector>

#include "lstm_native/lstm_native.hpp"

namespace ln = lstm_native;

// A name that callgrind can be told, and a body that is not inlined into main.
extern "C" __attribute__((noinline)) void counted_call(const std::function<void()>& call) {
  call();
}

namespace {

std::vector<float> values(ln::Index count) {
  std::vector<float> found(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < found.size(); ++i)
    found[i] = 0.25f * static_cast<float>(static_cast<int>(i * 7 % 11) - 5);
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) {
    std::cout << ln::build_info().compiler << " " << ln::build_info().build_type << "\n";
    return 0;
  }
  if (argc != 6) return 2;
  const bool training = std::strstr(argv[1], "training") != nullptr;
  const bool graph = std::strncmp(argv[1], "graph-", 6) == 0;
  const ln::Index batch = std::atoi(argv[2]), timesteps = std::atoi(argv[3]);
  const ln::Index features = std::atoi(argv[4]), hidden = std::atoi(argv[5]);

  ln::set_num_threads(1);
  ln::LSTMSpec lstm;
  lstm.hidden_size = hidden;
  ln::GraphBuilder net;
  net.output("y", net.add("lstm", lstm, {net.input("x", features)}));
  ln::Network<float> network = graph ? ln::Network<float>(net.spec(), 1)
                                     : ln::Network<float>({ln::LayerSpec{lstm}}, features, 1);
  const std::vector<float> data = values(batch * timesteps * features);
  const std::vector<float> target = values(batch * timesteps * hidden);
  std::vector<float> y(target.size());
  ln::Batch<float> x;
  x.values = data.data();
  x.samples = batch;
  x.timesteps = timesteps;
  x.features = features;
  ln::Targets<float> wanted;
  wanted.values = target.data();
  ln::Trainer<float> trainer(network, ln::LossSpec{}, ln::OptimizerSpec{});

  const std::function<void()> call = [&] {
    if (training)
      trainer.step(x, wanted, nullptr, batch, 0);
    else
      network.predict(x, y.data());
  };
  call();  // allocates, packs the weights
  counted_call(call);
  return 0;
}
