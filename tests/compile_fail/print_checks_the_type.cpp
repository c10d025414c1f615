// The format is checked when it is compiled.
// expect-gcc: on_error|throw_format_error|report_error
// expect-clang: invalid type specifier|invalid format specifier
#include <sigsafe/format.hpp>

int main() {
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::print(1, "{:d}\n", "text");
#else
  sigsafe::print(1, "{:s}\n", "text");
#endif
}
