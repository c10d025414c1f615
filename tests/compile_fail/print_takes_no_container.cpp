// The formatter of another type may allocate, lock, throw or look at the locale.
// expect: this type cannot be formatted in a handler
// expect: sigsafe::has_safe_formatter
#include <sigsafe/format.hpp>

#include <vector>

const std::vector<int> values{1, 2};

int main() {
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::print(1, "{}\n", values);
#else
  sigsafe::print(1, "{}\n", values.size());
#endif
}
