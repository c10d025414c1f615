// Handlers whose memory is the caller's.
#include <sigsafe/sigsafe.h>

#include <errno.h>
#include <signal.h>

#include <new>

#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/detail/signal_name.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/signal_info.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/c/failure.hpp>
#include <sigsafe/src/c/object.hpp>
#include <sigsafe/thread_id.hpp>

namespace sigsafe::c {
namespace {

class registered_handler : public detail::handler_base {
 public:
  registered_handler(signal_set signals, handler_options options,
                     sigsafe_handler_function* function, void* data, location where)
      : handler_base(signals, &call, options, where), function_(function), data_(data) {
    detail::register_handler(*this);
  }
  registered_handler(const registered_handler&) = delete;
  registered_handler& operator=(const registered_handler&) = delete;
  ~registered_handler() { detail::unregister_handler(*this); }

 private:
  static void call(handler_base& base, const signal_info& info) noexcept {
    const auto& handler = static_cast<registered_handler&>(base);
    const sigsafe_signal signal{info.number(), &info.native(), info.context()};
    handler.function_(&signal, handler.data_);
  }

  sigsafe_handler_function* function_;
  void* data_;
};

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
      [&] { memory.make(detail::catchable(signals), options_of(options), function, data, where); });
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
  sigsafe::c::object<sigsafe::c::registered_handler, sigsafe_handler> memory{handler};
  if (!memory.exists())
    return sigsafe::c::fail(EINVAL, "sigsafe: this sigsafe_handler is not registered");
  memory.destroy();
  return 0;
}

bool sigsafe_handler_active(const sigsafe_handler* handler) noexcept {
  const auto* const base = sigsafe::c::existing<sigsafe::c::registered_handler>(handler);
  return base != nullptr && sigsafe::detail::is_active(*base);
}

bool sigsafe_handler_in_force(const sigsafe_handler* handler) noexcept {
  const auto* const base = sigsafe::c::existing<sigsafe::c::registered_handler>(handler);
  return base != nullptr && sigsafe::detail::is_in_force(*base);
}

int sigsafe_handler_reinstall(sigsafe_handler* handler) noexcept {
  const auto* const base = sigsafe::c::existing<sigsafe::c::registered_handler>(handler);
  if (base == nullptr)
    return sigsafe::c::fail(EINVAL, "sigsafe: this sigsafe_handler is not registered");
  return sigsafe::c::error_of([&] { sigsafe::detail::reinstall_handler(*base); });
}

const char* sigsafe_signal_name(int signal) noexcept {
  return sigsafe::detail::signal_name(signal);
}

void sigsafe_take_default(const sigsafe_signal* signal) noexcept {
  sigsafe::signal_info{*signal->info, signal->context}.take_default();
}
