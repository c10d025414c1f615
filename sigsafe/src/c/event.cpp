// Events.
#include <sigsafe/sigsafe.h>

#include <errno.h>

#include <cstddef>
#include <cstdint>

#include <sigsafe/detail/deadline.hpp>
#include <sigsafe/detail/event_state.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/src/c/failure.hpp>

namespace sigsafe::c {
namespace {

using detail::event_state;

static_assert(sizeof(sigsafe_event) == sizeof(event_state));
static_assert(alignof(sigsafe_event) == alignof(event_state));
static_assert(offsetof(sigsafe_event, word) == offsetof(event_state, word));
static_assert(offsetof(sigsafe_event, descriptor) == offsetof(event_state, descriptor));
static_assert(offsetof(sigsafe_event, waited_in) == offsetof(event_state, waited_in));
static_assert(offsetof(sigsafe_event, keeps) == offsetof(event_state, keeps));

// What C calls it: `counts` lies in the room behind its members.
event_state& state_of(sigsafe_event* event) noexcept {
  return reinterpret_cast<event_state&>(event->word);
}

int wait(sigsafe_event* event, std::int64_t deadline, std::uint32_t* times,
         location where) noexcept {
  std::uint32_t value = 0;
  const int failed =
      error_of([&] { value = detail::wait_for_event(state_of(event), deadline, where); });
  if (failed != 0) return failed;
  if (times != nullptr) *times = value;
  return value != 0 ? 0 : fail_by_time();
}

}  // namespace
}  // namespace sigsafe::c

void sigsafe_event_set(sigsafe_event* event) noexcept {
  sigsafe::c::state_of(event).add(event->counts ? UINT32_MAX : 1);
}

bool sigsafe_event_is_set(const sigsafe_event* event) noexcept {
  return sigsafe::detail::event_word::value(__atomic_load_n(&event->word, __ATOMIC_SEQ_CST)) != 0;
}

uint32_t sigsafe_event_reset(sigsafe_event* event) noexcept {
  return sigsafe::detail::take_event(sigsafe::c::state_of(event));
}

int sigsafe_event_wait_at(sigsafe_event* event, uint32_t* times, const char* file,
                          unsigned line) noexcept {
  return sigsafe::c::wait(event, sigsafe::detail::longest_time, times, {file, line});
}

int sigsafe_event_wait_until_at(sigsafe_event* event, int64_t deadline, uint32_t* times,
                                const char* file, unsigned line) noexcept {
  return sigsafe::c::wait(event, deadline, times, {file, line});
}

int sigsafe_event_fd(sigsafe_event* event, int* fd) noexcept {
  return sigsafe::c::error_of(
      [&] { *fd = sigsafe::detail::descriptor_of_event(sigsafe::c::state_of(event)); });
}

void sigsafe_event_destroy(sigsafe_event* event) noexcept {
  sigsafe::detail::destroy_event(sigsafe::c::state_of(event));
  // C may use it again, or destroy it twice: not the descriptor, which is another one's by then.
  event->word = 0;
  event->descriptor = 0;
  event->waited_in = 0;
}
