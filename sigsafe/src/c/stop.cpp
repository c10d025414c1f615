// Stopping gracefully.
#include <sigsafe/sigsafe.h>

#include <errno.h>
#include <signal.h>

#include <cstdint>

#include <sigsafe/detail/hosted_backend.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/c/failure.hpp>
#include <sigsafe/src/c/object.hpp>
#include <sigsafe/stop.hpp>

namespace sigsafe::c {
namespace {

struct event_setter {
  sigsafe_event* event;
  void set() noexcept {
    if (event != nullptr) sigsafe_event_set(event);
  }
};

class stop {
 public:
  stop(signal_set signals, unsigned options, std::int64_t grace, sigsafe_event* event)
      : event_{event}, signal_(signals, options_of(options, grace, event_)) {}

  [[nodiscard]] int requested() const noexcept { return signal_.number(); }

 private:
  static stop_options options_of(unsigned bits, std::int64_t grace, event_setter& event) {
    stop_options wanted;
    if ((bits & SIGSAFE_IGNORE_AT_END) != 0) wanted.at_end = at_end::ignore;
    wanted.respect_ignored = (bits & SIGSAFE_EVEN_IGNORED) == 0;
    wanted.restart = (bits & SIGSAFE_RESTART) != 0;
    if (grace != SIGSAFE_FOREVER) wanted.deadline = detail::hosted_backend::duration{grace};
    wanted.event = event;
    return wanted;
  }

  event_setter event_;
  stop_signal signal_;
};

}  // namespace
}  // namespace sigsafe::c

int sigsafe_stop_begin(sigsafe_stop* stop, const sigset_t* signals, unsigned options, int64_t grace,
                       sigsafe_event* event) noexcept {
  sigsafe::c::object<sigsafe::c::stop, sigsafe_stop> memory{stop};
  if (memory.exists())
    return sigsafe::c::fail(EBUSY, "sigsafe: this sigsafe_stop has begun already; end it first");
  if ((options & ~unsigned{SIGSAFE_EVEN_IGNORED | SIGSAFE_IGNORE_AT_END | SIGSAFE_RESTART}) != 0)
    return sigsafe::c::fail(EINVAL,
                            "sigsafe: the options of a sigsafe_stop are SIGSAFE_EVEN_IGNORED, "
                            "SIGSAFE_IGNORE_AT_END and SIGSAFE_RESTART");
  if (grace < 0)
    return sigsafe::c::fail(EINVAL,
                            "sigsafe: the grace of a sigsafe_stop is negative; 0 ends the program "
                            "at the first signal, SIGSAFE_FOREVER never");
  return sigsafe::c::error_of(
      [&] { memory.make(sigsafe::c::set_of(signals), options, grace, event); });
}

int sigsafe_stop_requested(const sigsafe_stop* stop) noexcept {
  const auto* const begun = sigsafe::c::existing<sigsafe::c::stop>(stop);
  return begun != nullptr ? begun->requested() : 0;
}

int sigsafe_stop_end(sigsafe_stop* stop) noexcept {
  return sigsafe::c::object<sigsafe::c::stop, sigsafe_stop>{stop}.end(
      "sigsafe: this sigsafe_stop has not begun");
}
