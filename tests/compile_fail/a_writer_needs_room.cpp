// The mark of a line that was cut must fit.
// expect: there must be room for a line, 64 bytes at least
#include <sigsafe/format.hpp>

int main() {
#if defined(SIGSAFE_COMPILE_FAIL)
  const sigsafe::writer<63> out{1};
#else
  const sigsafe::writer<64> out{1};
#endif
}
