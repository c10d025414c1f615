// loads FIRST SECOND: two shared objects, loaded so that neither sees the symbols of the other.
#include <dlfcn.h>

#include "check.hpp"

static view load(const char* file, const char* name) {
  void* const object = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) {
    std::puts(dlerror());
    std::exit(1);
  }
  return reinterpret_cast<view (*)()>(dlsym(object, name))();
}

#if defined(LINKS_SIGSAFE)
extern "C" view own();
#endif

int main(int, char** argv) {
  const view first = load(argv[1], "first");
  const view second = load(argv[2], "second");
  check(first, second);
  check(second, first);
#if defined(LINKS_SIGSAFE)
  check(own(), first);
  check(second, own());
#endif
}
