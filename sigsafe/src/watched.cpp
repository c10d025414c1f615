// The rule of Linux's lock validator, for handlers in the place of interrupts.
//
// A handler that waits for a lock waits for ever when it has interrupted the holder. So each lock
// remembers of which signals handlers wait for it, and with which signals enabled it was held: none
// may be among both. It need not be the same lock. Somebody who holds the lock A of a handler and
// waits for B waits for the holder of B; if the handler interrupts that one, all three wait. So
// what is known of A's handlers is passed on to B, along the orders in which locks are waited for.
// Nothing is ever forgotten, so both uses may lie far apart. Those who share a lock do not wait for
// each other, which can break such a chain at each of its locks.
#include <sigsafe/detail/watched.hpp>

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include <sigsafe/backend/posix.hpp>
#include <sigsafe/detail/relaxed.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/backoff.hpp>
#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/src/line.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/running.hpp>
#include <sigsafe/src/signal_text.hpp>
#include <sigsafe/src/table.hpp>
#include <sigsafe/src/undeferrable.hpp>
#include <sigsafe/src/watched.hpp>
#include <sigsafe/thread_id.hpp>

namespace sigsafe::detail {
namespace {

// Where and how this thread uses a lock now.
struct lock_context {
  const thread_state* thread = &current_thread();
  const running_handler* frame = current_thread().running.load();
  signal_set handled = frame != nullptr ? signal_set{std::abs(frame->signal)} : signal_set{};
  signal_set enabled = enabled_signals();

  // Those that have handlers, and would run them now.
  static signal_set enabled_signals() noexcept {
    signal_set enabled;
    for (const int signal : signal_set::all())
      if (table.slots[signal].newest.load(std::memory_order_relaxed) != nullptr)
        enabled.insert(signal);
    if (!current_thread().idle()) enabled -= closed_signals();
    return enabled.empty() ? enabled : enabled - signal_set::blocked();
  }

  // Those that are only passed on to another thread do not wait here.
  // Pre:      signals are off
  void leave_out_what_is_passed_on() noexcept {
    for (const int signal : enabled) {
      const thread_id target = target_of(table.slots[signal], process_generation());
      if (target != thread_id{} && target != thread_id::current()) enabled.erase(signal);
    }
  }
};

// What must not be; the panic waits until the tables are free again.
struct lock_report {
  enum { nothing, inverted, ordered } kind = nothing;
  int signal = 0;
  location where{nullptr, 0};
  location other{nullptr, 0};
  location through{nullptr, 0};
};

// The tables, for this thread alone, with signals off. Not before the first handler, when no lock
// is used wrongly; not when a handler that nothing holds off has interrupted this thread in here.
class watching {
 public:
  explicit watching(lock_context& now) noexcept : watching() {
    if (page_ != nullptr) now.leave_out_what_is_passed_on();
  }
  watching() noexcept : page_(this_process.page.load(std::memory_order_acquire)) {
    if (page_ == nullptr) return;
    backend::posix::enter();
    const thread_state* owner = nullptr;
    for (backoff wait; !tables().owner.compare_exchange_strong(owner, &current_thread(),
                                                               std::memory_order_acquire);
         owner = nullptr) {
      if (owner == &current_thread()) {
        backend::posix::leave();
        page_ = nullptr;
        return;
      }
      wait.pause();
    }
  }
  watching(const watching&) = delete;
  watching& operator=(const watching&) = delete;
  ~watching() {
    if (page_ == nullptr) return;
    tables().owner.store(nullptr, std::memory_order_release);
    backend::posix::leave();
  }
  explicit operator bool() const noexcept { return page_ != nullptr; }
  watch_tables& tables() const noexcept { return page_->watched; }

 private:
  process_page* page_;
};

void say_that_it_is_full(watch_tables& tables, std::uint32_t which,
                         std::string_view what) noexcept {
  if ((tables.full.fetch_or(which, std::memory_order_relaxed) & which) != 0) return;
  line<256> out;
  out.append("sigsafe: ");
  out.append(what);
  out.append(": those that come now are not watched");
  const std::string_view text = out.end();
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

// False when all of its signals were known.
bool add_use(lock_use (&uses)[lock_watch::most], lock_use more) noexcept {
  for (lock_use& known : uses) {
    more.signals &= ~known.signals;
    if (more.signals == 0) return false;
    if (known.signals == 0) {
      known = more;
      return true;
    }
  }
  uses[lock_watch::most - 1].signals |= more.signals;
  return true;
}

// Does one use wait for the other?
bool excludes(unsigned shared, unsigned other_shared) noexcept {
  return shared == 0 || other_shared == 0;
}

void check_uses(const lock_use& handler, const lock_use& holder, lock_report& report) noexcept {
  const signal_set both = signal_set::from_bits(handler.signals & holder.signals);
  if (both.empty() || report.kind != lock_report::nothing) return;
  report = {lock_report::inverted, *both.begin(), holder.where, handler.where, handler.through};
}

void check(const lock_watch& lock, lock_report& report) noexcept {
  for (unsigned waits = 0; waits < 2; ++waits)
    for (unsigned holds = 0; holds < 2; ++holds)
      if (excludes(waits, holds))
        for (const lock_use& handler : lock.handlers[waits])
          for (const lock_use& holder : lock.holders[holds]) check_uses(handler, holder, report);
}

void spread(const watch_tables& tables, lock_watch& lock, lock_report& report) noexcept;

void spread_along(const watch_tables& tables, const watched_order& order,
                  lock_report& report) noexcept {
  bool grown = false;
  for (unsigned waits = 0; waits < 2; ++waits)
    if (excludes(waits, order.held_shared))
      for (const lock_use& handler : order.held->handlers[waits])
        if (add_use(order.wanted->handlers[order.wanted_shared],
                    {handler.signals, handler.where, {order.file, order.line}}))
          grown = true;
  if (grown) spread(tables, *order.wanted, report);
}

// It ends, because it goes on only where something has grown.
void spread(const watch_tables& tables, lock_watch& lock, lock_report& report) noexcept {
  check(lock, report);
  for (const watched_order& order : tables.orders) {
    if (order.held == nullptr) break;
    if (order.held == &lock) spread_along(tables, order, report);
  }
}

// Whether who waits for the one may wait, by way of others, for who holds the other: the last order
// on such a way.
const watched_order* find_way(const watch_tables& tables, const watched_order& from) noexcept {
  bool reached[watch_tables::most_orders]{};
  const auto follows = [](const watched_order& first, const watched_order& second) {
    return first.wanted == second.held && excludes(first.wanted_shared, second.held_shared);
  };
  const auto is_reached = [&](const watched_order& order) {
    if (follows(from, order)) return true;
    for (int i = 0; i < watch_tables::most_orders; ++i)
      if (reached[i] && follows(tables.orders[i], order)) return true;
    return false;
  };
  for (bool grown = true; grown;) {
    grown = false;
    for (int i = 0; i < watch_tables::most_orders; ++i) {
      const watched_order& order = tables.orders[i];
      if (order.held == nullptr) break;
      if (reached[i] || !is_reached(order)) continue;
      if (follows(order, from)) return &order;
      reached[i] = grown = true;
    }
  }
  return nullptr;
}

bool is_same(const watched_order& a, const watched_order& b) noexcept {
  return a.held == b.held && a.wanted == b.wanted && a.held_shared == b.held_shared &&
         a.wanted_shared == b.wanted_shared;
}

void add_order(watch_tables& tables, const watched_order& order, lock_report& report) noexcept {
  for (watched_order& known : tables.orders) {
    if (known.held != nullptr && is_same(known, order)) return;
    if (known.held != nullptr) continue;
    if (const watched_order* const way = find_way(tables, order); way != nullptr)
      report = {lock_report::ordered, 0, {order.file, order.line}, {way->file, way->line}, {}};
    known = order;
    spread_along(tables, order, report);
    return;
  }
  say_that_it_is_full(tables, 1, "more than 72 orders of watched locks");
}

void note_holder(lock_watch& lock, signal_set enabled, location where, unsigned shared,
                 lock_report& report) noexcept {
  if (add_use(lock.holders[shared], {enabled.bits(), where, {}})) check(lock, report);
}

// Those that this thread holds, with the signals that are enabled now; or, if this is a handler
// that has interrupted their holder, that were.
void note_holds(watch_tables& tables, const lock_context& now, lock_report& report) noexcept {
  for (const watched_hold& hold : tables.holds)
    if (hold.lock != nullptr && hold.thread == now.thread)
      note_holder(*hold.lock, hold.frame == now.frame ? now.enabled : now.handled,
                  {hold.file, hold.line}, hold.shared, report);
}

void note_orders(watch_tables& tables, const lock_context& now, const watched_order& wanted,
                 lock_report& report) noexcept {
  const auto is_mine = [&](const watched_hold& hold) {
    return hold.lock != nullptr && hold.thread == now.thread && hold.frame == now.frame;
  };
  for (const watched_hold& hold : tables.holds)
    if (is_mine(hold) && hold.lock == wanted.wanted) return;  // a recursive one
  for (const watched_hold& hold : tables.holds) {
    if (!is_mine(hold)) continue;
    watched_order order = wanted;
    order.held = hold.lock;
    order.held_shared = static_cast<std::uint16_t>(hold.shared);
    add_order(tables, order, report);
  }
}

void note_hold(watch_tables& tables, const watched_hold& taken) noexcept {
  for (watched_hold& hold : tables.holds) {
    if (hold.lock != nullptr) continue;
    hold = taken;
    return;
  }
  say_that_it_is_full(tables, 2, "more than 24 watched locks are held at once");
}

// By this thread; one that is held exclusively may have been handed to it.
void forget_hold(watch_tables& tables, const lock_watch& lock, const thread_state* thread,
                 unsigned shared) noexcept {
  for (watched_hold& hold : tables.holds)
    if (hold.lock == &lock && hold.shared == shared && (shared == 0 || hold.thread == thread)) {
      hold = {};
      return;
    }
}

void forget_orders(watch_tables& tables, const lock_watch& lock) noexcept {
  watched_order* kept = tables.orders;
  for (watched_order& order : tables.orders)
    if (order.held != &lock && order.wanted != &lock) *kept++ = order;
  while (kept != std::end(tables.orders)) *kept++ = {};
}

void append_advice(line<1024>& out, int signal) noexcept {
  out.append(is_deferrable(signal)
                 ? "; hold the signal off wherever the lock is held, with a guard or a mutex"
                 : ", and nothing holds it off; use atomics in the handler, or try_lock");
}

[[noreturn]] void panic_inverted(const lock_report& report) noexcept {
  line<1024> out;
  out.append("a lock is held here with ");
  append_signal(out, report.signal);
  out.append(" enabled, and a handler of this signal waits for ");
  if (report.through.file == nullptr) {
    out.append("it: it would wait for the thread that it has interrupted");
  } else {
    out.append("a lock whose holder waits, at ");
    out.append(report.through.file);
    out.append(":");
    out.append_number(report.through.line);
    out.append(", for this one: all would wait for the thread that the handler has interrupted");
  }
  append_advice(out, report.signal);
  panic({out.c_str(), report.where, "the handler locks at", report.other});
}

void panic_if(const lock_report& report) noexcept {
  if (report.kind == lock_report::inverted) panic_inverted(report);
  if (report.kind == lock_report::ordered)
    panic(
        {"locks are waited for in two orders, and two threads could wait for each other; take "
         "them in one order, or together with std::scoped_lock",
         report.where, "the other order is at", report.other});
}

}  // namespace

void watch_wait(lock_watch& lock, location where, bool shared) noexcept {
  const errno_saver saver;
  lock_context now;
  lock_report report;
  if (const watching here{now}; here) {
    watch_tables& tables = here.tables();
    note_holds(tables, now, report);
    note_holder(lock, now.enabled, where, shared, report);
    if (add_use(lock.handlers[shared], {now.handled.bits(), where, {}}))
      spread(tables, lock, report);
    note_orders(tables, now, {nullptr, &lock, where.file, where.line, 0, shared}, report);
  }
  panic_if(report);
}

void watch_taken(lock_watch& lock, location where, bool shared) noexcept {
  const errno_saver saver;
  lock_context now;
  lock_report report;
  if (const watching here{now}; here) {
    note_holder(lock, now.enabled, where, shared, report);
    note_hold(here.tables(), {&lock, now.thread, now.frame, where.file, where.line, shared});
  }
  panic_if(report);
}

void watch_release(lock_watch& lock, bool shared) noexcept {
  const errno_saver saver;
  lock_context now;
  lock_report report;
  if (const watching here{now}; here) {
    note_holds(here.tables(), now, report);
    forget_hold(here.tables(), lock, now.thread, shared);
  }
  panic_if(report);
}

void watch_end(lock_watch& lock) noexcept {
  const errno_saver saver;
  if (const watching here; here) {
    for (watched_hold& hold : here.tables().holds)
      if (hold.lock == &lock) hold = {};
    forget_orders(here.tables(), lock);
  }
}

}  // namespace sigsafe::detail
