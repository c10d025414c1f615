// host HOW PLUGIN...: loads plug-ins that each contain a copy of the library. All that are loaded,
// and the copy of this program if it has one, must share one state. HOW is local, deepbind or
// dlmopen; or panic_function, when the state that matters is that function.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "../once_per_process/check.hpp"

#if defined(LINKS_SIGSAFE)
extern "C" view own();
#endif

static void* load(const char* how, const char* file) {
  if (std::strcmp(how, "dlmopen") == 0) return dlmopen(LM_ID_NEWLM, file, RTLD_NOW);
  const bool deep = std::strcmp(how, "deepbind") == 0;
  return dlopen(file, RTLD_NOW | RTLD_LOCAL | (deep ? RTLD_DEEPBIND : 0));
}

int main(int, char** argv) {
  std::vector<view> views;
#if defined(LINKS_SIGSAFE)
  views.push_back(own());
#endif
  for (char** file = argv + 2; *file != nullptr; ++file) {
    void* const object = load(argv[1], *file);
    if (const char* const error = dlerror(); error != nullptr || object == nullptr) {
      std::puts(error != nullptr ? error : "it is not loaded");
      return 1;
    }
    views.push_back(reinterpret_cast<view (*)()>(dlsym(object, "plugin"))());
  }
  const bool panic_function = std::strcmp(argv[1], "panic_function") == 0;
  for (const view& one : views)
    for (const view& other : views)
      if (&one != &other) (panic_function ? check_panic_function : check)(one, other);
  std::puts("they share one state");
}
