// A text that came from elsewhere is no format.
// expect: constant expression
#include <sigsafe/format.hpp>

const char* text = "text";

int main() {
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::print(1, text);
#else
  sigsafe::print(1, "{}", text);
#endif
}
