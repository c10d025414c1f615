// An exception would leave a file behind.
// expect: the function must be callable with (sigsafe::writer<4096>&) and noexcept
#include <sigsafe/format.hpp>

int main() {
#if defined(SIGSAFE_COMPILE_FAIL)
  return sigsafe::replace_file("file", 0644, [](auto& out) { out.print("text"); });
#else
  return sigsafe::replace_file("file", 0644, [](auto& out) noexcept { out.print("text"); });
#endif
}
