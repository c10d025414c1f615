// What sigsafe-shield adds to malloc and free: the same loop in processes with and without it, by
// turns.
//
//   benchmark_shield LIBRARY
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <system_error>
#include <vector>

#include <fmt/format.h>

extern "C" char** environ;

namespace {

constexpr int rounds = 21;
constexpr double budget = 1.3;

double nanoseconds_of_a_pair() {
  constexpr int pairs = 1'000'000;
  double least = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    for (int pair = 0; pair < pairs; ++pair) {
      void* volatile memory = std::malloc(32);
      std::free(memory);
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    least = std::min(least, took.count() / pairs);
  }
  return least;
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// In a process of its own, which prints what it measured.
double measure(const char* self, const char* library) {
  int ends[2];
  if (pipe(ends) != 0) fail("pipe");
  if (library != nullptr)
    setenv("LD_PRELOAD", library, 1);
  else
    unsetenv("LD_PRELOAD");
  posix_spawn_file_actions_t output;
  posix_spawn_file_actions_init(&output);
  posix_spawn_file_actions_adddup2(&output, ends[1], STDOUT_FILENO);
  char* const words[] = {const_cast<char*>(self), nullptr};
  pid_t process = 0;
  errno = posix_spawn(&process, self, &output, nullptr, words, environ);
  posix_spawn_file_actions_destroy(&output);
  if (errno != 0) fail(self);
  close(ends[1]);
  char text[64]{};
  if (read(ends[0], text, sizeof(text) - 1) <= 0) fail("nothing was measured");
  close(ends[0]);
  waitpid(process, nullptr, 0);
  return std::strtod(text, nullptr);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    fmt::print("{}\n", nanoseconds_of_a_pair());
    return 0;
  }
  std::vector<double> plain, shielded, ratios;
  for (int i = 0; i < rounds; ++i) {
    plain.push_back(measure("/proc/self/exe", nullptr));
    shielded.push_back(measure("/proc/self/exe", arguments[1]));
    ratios.push_back(shielded.back() / plain.back());
  }
  const double ratio = median(ratios);
  fmt::print("\nmalloc and free                  {:8.2f} ns\n", median(plain));
  fmt::print("the same behind sigsafe-shield   {:8.2f} ns\n", median(shielded));
  fmt::print("ratio                            {:8.2f}, budget {:.2f}: {}\n", ratio, budget,
             ratio <= budget ? "within" : "OVER");
  return 0;
}
