// The parts of an event that are not in line. Two orders are what nothing is lost by:
//
//   taking:      the descriptor is drained, and then the value is read and taken. A set that comes
//                between is taken too; one that comes behind makes the descriptor readable again.
//   publishing:  the descriptor is there before the word says so, and what was set before that
//                makes it readable.
#include <sigsafe/detail/event_state.hpp>

#include <cstdint>
#include <system_error>

#include <sigsafe/detail/futex.hpp>
#include <sigsafe/detail/wait.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {
namespace {

// The half of the word that is the value; a futex has 32 bits.
const std::uint32_t* futex_of(const event_state& event) noexcept {
  static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
  return reinterpret_cast<const std::uint32_t*>(&event.word);
}

constexpr std::uint64_t packed(std::uint32_t generation, int descriptor) noexcept {
  return std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(descriptor);
}

// What a fork has copied is the parent's: it is neither written to nor closed here, where the
// number may be another file's by now.
int own_descriptor(const event_state& event) noexcept {
  const std::uint64_t known = __atomic_load_n(&event.descriptor, __ATOMIC_SEQ_CST);
  if (known == 0 || static_cast<std::uint32_t>(known >> 32) != process_generation()) return -1;
  return static_cast<int>(static_cast<std::uint32_t>(known));
}

// A count that a fork copied stays: the thread that forked may sleep here itself. It costs a system
// call where nobody sleeps.
class sleeping_scope {
 public:
  explicit sleeping_scope(event_state& event) noexcept : event_(event) {
    std::uint32_t nobody = 0;
    __atomic_compare_exchange_n(&event.waited_in, &nobody, process_generation(), false,
                                __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    __atomic_fetch_add(&event.word, event_word::sleeper, __ATOMIC_SEQ_CST);
  }
  sleeping_scope(const sleeping_scope&) = delete;
  sleeping_scope& operator=(const sleeping_scope&) = delete;
  ~sleeping_scope() { __atomic_fetch_sub(&event_.word, event_word::sleeper, __ATOMIC_SEQ_CST); }

 private:
  event_state& event_;
};

std::uint32_t look(event_state& event) noexcept {
  return event.keeps ? event_word::value(event.load()) : take_event(event);
}

/// Returns 0 or the error; nothing has changed then.
int make_descriptor(event_state& event) noexcept {
  std::uint64_t known = __atomic_load_n(&event.descriptor, __ATOMIC_SEQ_CST);
  const std::uint32_t generation = process_generation();
  int made = -1;
  if (const int error = system::make_wake_descriptor(made); error != 0) return error;
  do {
    if (known != 0 && static_cast<std::uint32_t>(known >> 32) == generation) {
      system::close_descriptor(made);  // another thread was faster
      break;
    }
  } while (!__atomic_compare_exchange_n(&event.descriptor, &known, packed(generation, made), false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
  return 0;
}

void publish_descriptor(event_state& event, int descriptor) noexcept {
  const std::uint64_t before =
      __atomic_fetch_or(&event.word, event_word::described, __ATOMIC_SEQ_CST);
  if (event_word::value(before) != 0) system::make_readable(descriptor);
}

[[noreturn]] void throw_no_descriptor(int error) {
  throw std::system_error(error, std::generic_category(),
                          "sigsafe: no descriptor for an event; close some, or raise RLIMIT_NOFILE "
                          "(ulimit -n)");
}

}  // namespace

void wake_event(event_state& event, std::uint64_t before) noexcept {
  constexpr std::uint64_t sleepers = ~(event_word::value_mask | event_word::described);
  // The descriptor first: who is woken may destroy the event, if it has none.
  if ((before & event_word::described) != 0)
    if (const int descriptor = own_descriptor(event); descriptor >= 0)
      system::make_readable(descriptor);
  // All, because the one that it woke might be held up by a handler of its own.
  if ((before & sleepers) != 0) futex_wake(futex_of(event));
}

std::uint32_t take_event(event_state& event) noexcept {
  std::uint64_t before = event.load();
  if ((before & event_word::described) != 0) {
    if (const int descriptor = own_descriptor(event); descriptor >= 0)
      system::make_unreadable(descriptor);
    before = event.load();
  }
  do
    if (event_word::value(before) == 0) return 0;
  while (!event.change(before, before & ~event_word::value_mask));
  return event_word::value(before);
}

std::uint32_t wait_for_event(event_state& event, std::int64_t deadline, location where) {
  require_no_hold(where);
  if (const std::uint32_t value = look(event)) return value;
  ensure_page();
  const sleeping_scope sleeping{event};
  for (;;) {
    if (const std::uint32_t value = look(event)) return value;
    if (!futex_wait_until(futex_of(event), 0, deadline)) return look(event);
  }
}

int descriptor_of_event(event_state& event) {
  ensure_page();
  int descriptor = own_descriptor(event);
  if (descriptor >= 0 && (event.load() & event_word::described) != 0) return descriptor;
  if (descriptor < 0) {
    if (const int error = make_descriptor(event); error != 0) throw_no_descriptor(error);
    descriptor = own_descriptor(event);
  }
  publish_descriptor(event, descriptor);
  return descriptor;
}

void destroy_event(event_state& event) noexcept {
  const std::uint64_t word = event.load();
  if (event.waited_in == 0 && event.descriptor == 0) return;
  if ((word & ~(event_word::value_mask | event_word::described)) != 0 &&
      event.waited_in == process_generation()) {
    // Threads that exit(3) does not end go on to the end of the process.
    if (system::find_exit(nullptr).frame != nullptr) return;
    panic("an event was destroyed while a thread waits for it; set it and join the thread first",
          {nullptr, 0});
  }
  if (const int descriptor = own_descriptor(event); descriptor >= 0)
    system::close_descriptor(descriptor);
}

}  // namespace sigsafe::detail
