// flags: -std=c++17
// expect: sigsafe needs C\+\+20: compile with -std=c\+\+20 or newer
#if defined(SIGSAFE_COMPILE_FAIL)
#include <sigsafe/sigsafe.hpp>
#endif

int main() { return 0; }
