// Timers.
#include <sigsafe/sigsafe.h>

#include <errno.h>

#include <cstdint>

#include <sigsafe/detail/hosted_backend.hpp>
#include <sigsafe/src/c/failure.hpp>
#include <sigsafe/src/c/object.hpp>
#include <sigsafe/timer.hpp>

namespace sigsafe::c {
namespace {

struct timer_call {
  sigsafe_timer_function* function;
  void* data;
  void operator()(std::uint64_t elapsed) const noexcept { function(elapsed, data); }
};

/// Both kinds in one: which it is, a start says.
class timer : private detail::timer_function<timer_call>, public detail::timer_base {
 public:
  timer(sigsafe_timer_function* function, void* data)
      : detail::timer_function<timer_call>{{function, data}},
        detail::timer_base(kind::repeated, &forward, {}, {nullptr, 0}) {}

  void start(std::int64_t first, std::int64_t interval) { start_in(first, interval); }
  void stop() noexcept { stop_now(); }

 private:
  static void forward(detail::timer_base& base, std::uint64_t elapsed) noexcept {
    static_cast<timer&>(base).call(elapsed);
  }
};

int no_timer() noexcept {
  return fail(EINVAL, "sigsafe: this sigsafe_timer does not exist; create it first");
}

}  // namespace
}  // namespace sigsafe::c

int sigsafe_timer_create(sigsafe_timer* timer, sigsafe_timer_function* function,
                         void* data) noexcept {
  sigsafe::c::object<sigsafe::c::timer, sigsafe_timer> memory{timer};
  if (memory.exists())
    return sigsafe::c::fail(EBUSY, "sigsafe: this sigsafe_timer exists already; destroy it first");
  if (function == nullptr)
    return sigsafe::c::fail(EINVAL, "sigsafe: a timer needs a function, and this one is null");
  return sigsafe::c::error_of([&] { memory.make(function, data); });
}

int sigsafe_timer_start(sigsafe_timer* timer, int64_t first, int64_t interval) noexcept {
  auto* const made = sigsafe::c::existing<sigsafe::c::timer>(timer);
  if (made == nullptr) return sigsafe::c::no_timer();
  if (first < 0 || interval < 0)
    return sigsafe::c::fail(EINVAL, "sigsafe: a timer cannot be started with a negative time");
  return sigsafe::c::error_of([&] { made->start(first, interval); });
}

int sigsafe_timer_stop(sigsafe_timer* timer) noexcept {
  auto* const made = sigsafe::c::existing<sigsafe::c::timer>(timer);
  if (made == nullptr) return sigsafe::c::no_timer();
  made->stop();
  return 0;
}

int sigsafe_timer_destroy(sigsafe_timer* timer) noexcept {
  sigsafe::c::object<sigsafe::c::timer, sigsafe_timer> memory{timer};
  if (!memory.exists()) return sigsafe::c::no_timer();
  memory.destroy();
  return 0;
}
