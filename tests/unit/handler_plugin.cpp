// A shared object that uses sigsafe, for handler_process.cpp to load and to unload.
#include <sigsafe/handler.hpp>
#include <sigsafe/lazy.hpp>

#include <optional>

#include <tests/unit/handler_plugin.hpp>

namespace {

// What is still registered when the object is unloaded is removed then.
std::optional<sigsafe::handler<void (*)() noexcept>> handler;

void begin(int signal, void (*function)() noexcept) { handler.emplace(signal, function); }

void end() { handler.reset(); }

void within_guard(void (*function)()) {
  const sigsafe::lazy::guard off;
  function();
}

const void* thread_state() { return &sigsafe::detail::this_thread; }

}  // namespace

extern "C" __attribute__((visibility("default")))
const handler_plugin sigsafe_handler_plugin{&begin, &end, &within_guard, &thread_state};
