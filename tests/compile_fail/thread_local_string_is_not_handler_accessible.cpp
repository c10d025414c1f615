// expect: a handler may touch it first
#include <string>
#include <sigsafe/ref_cell.hpp>

template <class T>
struct shared_with_handlers {
  static_assert(sigsafe::handler_accessible<T>, "a handler may touch it first");
};

int main() {
  [[maybe_unused]] const shared_with_handlers<int> good;
  [[maybe_unused]] const shared_with_handlers<sigsafe::ref_cell<int>> also_good;
#if defined(SIGSAFE_COMPILE_FAIL)
  [[maybe_unused]] const shared_with_handlers<sigsafe::ref_cell<std::string>> bad;
#endif
}
