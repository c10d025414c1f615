// Handlers whose memory is the caller's.
#include <sigsafe/sigsafe.h>

#include <errno.h>
#include <signal.h>

#include <sigsafe/detail/signal_name.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/src/c/failure.hpp>
#include <sigsafe/src/c/object.hpp>
#include <sigsafe/thread_id.hpp>

namespace sigsafe::c {
namespace {

struct handler_call {
  sigsafe_handler_function* function;
  void* data;

  void operator()(const signal_info& info) const noexcept {
    const sigsafe_signal signal{info.number(), &info.native(), info.context()};
    function(&signal, data);
  }
};

using registered_handler = handler<handler_call>;

constexpr unsigned all_options = (SIGSAFE_THIS_THREAD << 1) - 1;

handler_options options_of(unsigned bits) noexcept {
  return {.alternate_stack = (bits & SIGSAFE_ALTERNATE_STACK) != 0,
          .at_end = (bits & SIGSAFE_IGNORE_AT_END) != 0 ? at_end::ignore : at_end::restore,
          .chain = (bits & SIGSAFE_CHAIN) != 0,
          .deferrable = (bits & SIGSAFE_NOT_DEFERRABLE) == 0,
          .in_child = (bits & SIGSAFE_NOT_IN_CHILD) == 0,
          .once = (bits & SIGSAFE_ONCE) != 0,
          .respect_ignored = (bits & SIGSAFE_RESPECT_IGNORED) != 0,
          .restart = (bits & SIGSAFE_RESTART) != 0,
          .thread = (bits & SIGSAFE_THIS_THREAD) != 0 ? thread_id::current() : thread_id{}};
}

template <class Signals>
int register_for(sigsafe_handler* handler, Signals signals, unsigned options,
                 sigsafe_handler_function* function, void* data, location where) noexcept {
  object<registered_handler, sigsafe_handler> memory{handler};
  if (memory.exists())
    return fail(EBUSY, "sigsafe: this sigsafe_handler is registered already; unregister it first");
  if (function == nullptr)
    return fail(EINVAL, "sigsafe: a handler needs a function, and this one is null");
  if ((options & ~all_options) != 0)
    return fail(EINVAL,
                "sigsafe: these options of a handler have a bit that means nothing; use "
                "those of enum sigsafe_handler_option");
  return error_of(
      [&] { memory.make(signals, handler_call{function, data}, options_of(options), where); });
}

}  // namespace
}  // namespace sigsafe::c

int sigsafe_handler_register_at(sigsafe_handler* handler, int signal, unsigned options,
                                sigsafe_handler_function* function, void* data, const char* file,
                                unsigned line) noexcept {
  return sigsafe::c::register_for(handler, signal, options, function, data, {file, line});
}

int sigsafe_handler_register_set_at(sigsafe_handler* handler, const sigset_t* signals,
                                    unsigned options, sigsafe_handler_function* function,
                                    void* data, const char* file, unsigned line) noexcept {
  return sigsafe::c::register_for(handler, sigsafe::c::set_of(signals), options, function, data,
                                  {file, line});
}

int sigsafe_handler_unregister(sigsafe_handler* handler) noexcept {
  return sigsafe::c::object<sigsafe::c::registered_handler, sigsafe_handler>{handler}.end(
      "sigsafe: this sigsafe_handler is not registered");
}

bool sigsafe_handler_active(const sigsafe_handler* handler) noexcept {
  const auto* const registered = sigsafe::c::existing<sigsafe::c::registered_handler>(handler);
  return registered != nullptr && registered->active();
}

bool sigsafe_handler_in_force(const sigsafe_handler* handler) noexcept {
  const auto* const registered = sigsafe::c::existing<sigsafe::c::registered_handler>(handler);
  return registered != nullptr && registered->in_force();
}

int sigsafe_handler_reinstall(sigsafe_handler* handler) noexcept {
  auto* const registered = sigsafe::c::existing<sigsafe::c::registered_handler>(handler);
  if (registered == nullptr)
    return sigsafe::c::fail(EINVAL, "sigsafe: this sigsafe_handler is not registered");
  return sigsafe::c::error_of([&] { registered->reinstall(); });
}

const char* sigsafe_signal_name(int signal) noexcept {
  return sigsafe::detail::signal_name(signal);
}

void sigsafe_take_default(const sigsafe_signal* signal) noexcept {
  sigsafe::signal_info{*signal->info, signal->context}.take_default();
}
