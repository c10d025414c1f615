#include <tests/benchmark/results.hpp>

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace benchmarked {
namespace {

std::string processor_name() {
  std::ifstream lines{"/proc/cpuinfo"};
  for (std::string line; std::getline(lines, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "an unknown processor";
}

}  // namespace

machine this_machine() {
  utsname names{};
  uname(&names);
  return {processor_name(), sysconf(_SC_NPROCESSORS_ONLN),
          std::string{names.sysname} + " " + names.release,
#ifdef __clang__
          __VERSION__};
#else
          "g++ " __VERSION__};
#endif
}

void write_json(const std::string& file, const nlohmann::json& what) {
  std::ofstream out{file};
  out << what.dump(2) << '\n';
  if (!out.flush()) throw std::runtime_error("cannot write " + file);
}

const char* verdict(const ratio& of) noexcept {
  if (of.limit == 0) return "";
  return of.value <= of.limit ? "within" : "OVER";
}

double quantile(std::vector<double> values, double part) {
  if (values.empty()) throw std::invalid_argument("a quantile of nothing");
  const auto nth =
      values.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

}  // namespace benchmarked
