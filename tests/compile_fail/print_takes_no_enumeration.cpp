// Versions of fmt differ in what they make of an enumeration.
// expect: this enumeration cannot be formatted in a handler. Cast it to a number
#include <sigsafe/format.hpp>

enum class color { red };

int main() {
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::print(1, "{}\n", color::red);
#else
  sigsafe::print(1, "{}\n", static_cast<int>(color::red));
#endif
}
