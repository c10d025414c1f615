// checks PLUGIN WHAT: a handler calls the function WHAT of the plugin. While the plugin is loaded,
// a thread that it waits for formats a time, for the first time.
#include <sigsafe/handler.hpp>

#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>

#include <new>

int main(int, char** arguments) {
  ::operator delete(::operator new(1));
  void* const plugin = dlopen(arguments[1], RTLD_NOW);
  if (plugin == nullptr) return 1;
  const auto function = reinterpret_cast<void (*)()>(dlsym(plugin, arguments[2]));
  if (function == nullptr) return 1;
  function();
  const sigsafe::handler on_usr1{SIGUSR1, [&]() noexcept { function(); }};
  raise(SIGUSR1);
  return write(STDOUT_FILENO, "done\n", 5) == 5 ? 0 : 1;
}
