// predict MODEL INPUT SAMPLES TIMESTEPS FEATURES OUTPUT
// Loads a model file and writes its predictions; input and output are raw float32, row-major.
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <lstm_native/lstm_native.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using lstm_native::Index;

std::vector<float> read(const std::string& path, Index count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  std::ifstream file(path, std::ios::binary);
  const auto bytes = static_cast<std::streamsize>(values.size() * sizeof(float));
  if (!file.read(reinterpret_cast<char*>(values.data()), bytes))
    throw std::runtime_error("cannot read " + std::to_string(bytes) + " bytes of " + path);
  return values;
}

void run(char** argv) {
  const auto model = lstm_native::Model::load(argv[1]);

  lstm_native::Batch<float> x;
  x.samples = std::atoll(argv[3]);
  x.timesteps = std::atoll(argv[4]);
  x.features = std::atoll(argv[5]);
  const std::vector<float> input = read(argv[2], x.samples * x.timesteps * x.features);
  x.values = input.data();

  const Index row = model.network.output_shape(x.timesteps).row_size();
  std::vector<float> output(static_cast<std::size_t>(x.samples * row));
  model.predict(x, output.data());

  std::ofstream file(argv[6], std::ios::binary);
  file.write(reinterpret_cast<const char*>(output.data()),
             static_cast<std::streamsize>(output.size() * sizeof(float)));
  if (!file.flush()) throw std::runtime_error(std::string("cannot write ") + argv[6]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::cerr << "usage: predict MODEL INPUT SAMPLES TIMESTEPS FEATURES OUTPUT\n";
    return 2;
  }
  try {
    run(argv);
  } catch (const std::exception& error) {
    std::cerr << "predict: " << error.what() << '\n';
    return 1;
  }
}
