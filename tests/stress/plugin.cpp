// A shared object that contains the library, for the scenario plugins to load and to unload.
#include <tests/stress/plugin.hpp>

#include <exception>

#include <sigsafe/guard.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>

namespace {

using stress::plugin;

void within(plugin::hold with, void (*function)(void*), void* of) {
  if (with == plugin::hold::lazy) {
    const sigsafe::lazy::guard off;
    function(of);
  } else if (with == plugin::hold::eager) {
    const sigsafe::guard off;
    function(of);
  } else {
    function(of);
  }
}

struct call {
  void (*function)(void*) noexcept;
  void* of;
  void operator()() const noexcept { function(of); }
};
using handler = sigsafe::handler<call>;

void* begin(int signal, void (*function)(void*) noexcept, void* of) try {
  return new handler{signal, call{function, of}};
} catch (const std::exception&) {
  return nullptr;
}

void end(void* of) { delete static_cast<handler*>(of); }

}  // namespace

extern "C" __attribute__((visibility("default")))
const plugin sigsafe_stress_plugin{&within, &begin, &end};
