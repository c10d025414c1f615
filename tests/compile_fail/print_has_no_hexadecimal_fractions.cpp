// fmt 9 calls snprintf for them.
// expect: error_a_floating_point_number_has_only_the_types_e_f_and_g
#include <sigsafe/format.hpp>

int main() {
#if defined(SIGSAFE_COMPILE_FAIL)
  sigsafe::print(1, "{:a}\n", 1.5);
#else
  sigsafe::print(1, "{:e}\n", 1.5);
#endif
}
