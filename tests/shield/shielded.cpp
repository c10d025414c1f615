// A test program that links this runs behind the shield: before main it is started again, with the
// library that the variable SHIELD_LIBRARY names in front of its own.
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cstdio>

namespace {

[[gnu::constructor]] void run_behind_the_shield(int, char** arguments) {
  const char* const library = getenv("SHIELD_LIBRARY");
  const char* const preloaded = getenv("LD_PRELOAD");
  if (library == nullptr) {
    std::fputs("set SHIELD_LIBRARY to the path of libsigsafe-shield.so\n", stderr);
    _exit(2);
  }
  if (preloaded != nullptr && strstr(preloaded, library) != nullptr) {
    if (dlsym(RTLD_DEFAULT, "sigsafe_shield_version") != nullptr) return;
    std::fputs("the library that SHIELD_LIBRARY names is no shield, or could not be loaded\n",
               stderr);
    _exit(127);
  }
  setenv("LD_PRELOAD", library, 1);
  execv("/proc/self/exe", arguments);
  std::perror("the test could not be started behind the shield");
  _exit(2);
}

}  // namespace
