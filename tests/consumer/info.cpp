// info
// How the library was built and what it runs on, a line each.
#include <iostream>
#include <lstm_native/lstm_native.hpp>

int main() {
  const lstm_native::BuildInfo info = lstm_native::build_info();
  std::cout << "version " << info.version << "\nbuild_type " << info.build_type
            << "\nisas_compiled";
  for (const std::string& isa : info.isas_compiled) std::cout << ' ' << isa;
  std::cout << "\nisa " << info.isa << '\n';
}
