// Children that crash, and what they say.
#pragma once

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <sigsafe/signal_set.hpp>

#include <tests/support/child.hpp>

namespace test {

/// A child in which nobody has a handler for crashes: sanitizers have.
template <class F>
child_end in_clean_child(F&& function, int seconds = 10) {
  return in_child(
      [&] {
        for (int signal : sigsafe::signal_set::faults()) ::signal(signal, SIG_DFL);
        std::forward<F>(function)();
      },
      seconds);
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t start = 0;
  for (std::size_t end; (end = text.find('\n', start)) != std::string::npos; start = end + 1)
    lines.push_back(text.substr(start, end - start));
  if (start != text.size()) lines.push_back(text.substr(start));
  return lines;
}

/// One instruction that writes there, always the same.
__attribute__((noinline, no_sanitize("undefined", "address"))) inline void crash_at(char* where) {
  *static_cast<volatile char*>(where) = 1;
}

/// A call of what is no code.
__attribute__((noinline, no_sanitize("undefined", "address"))) inline void call_nowhere() {
  void (*volatile nowhere)() = nullptr;
  nowhere();
  asm volatile("");  // no tail call
}

inline constexpr std::size_t page_size = 4096;

inline char* new_page(int protection) {
  void* const page = mmap(nullptr, page_size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHILD_REQUIRE(page != MAP_FAILED);
  return static_cast<char*>(page);
}

inline void protect(void* page, int protection) {
  CHILD_REQUIRE(mprotect(page, page_size, protection) == 0);
}

/// A file that has no content behind its mapping.
inline char* new_page_of_file() {
  const int file = memfd_create("test", 0);
  void* const page = mmap(nullptr, page_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  CHILD_REQUIRE(page != MAP_FAILED);
  return static_cast<char*>(page);
}

}  // namespace test
