#include <tests/injection/trial.hpp>

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>

#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/src/sleepers.hpp>
#include <sigsafe/src/trampoline.hpp>
#include <sigsafe/subset_guard.hpp>

namespace injection {

namespace {

using sigsafe::signal_set;

constexpr int errno_before = 4711;
constexpr burst::arrival own_arrival[] = {{own_signal, 0}};
constexpr burst waking{own_arrival};
constexpr burst turn_to_wake{{}, turn::at_once};

trial* the_trial = nullptr;
subject* the_subject = nullptr;
traits the_wants;

struct in_handlers {
  void operator()(const sigsafe::signal_info& info) const noexcept {
    seen.note_handled(info.native());
    if (info.number() == fault_signal || info.number() == undeferrable_signal) {
      // It may have interrupted anything, and holds of its own must not change that.
      const sigsafe::basic_guard<lazy> soft;
      const sigsafe::basic_guard<eager> off;
    }
    if (info.number() != undeferrable_signal) the_subject->in_handler(info);
    errno = info.number();
  }
};

struct standing_handler : sigsafe::handler<in_handlers> {
  explicit standing_handler(int signal)
      : handler(signal, {}, {.deferrable = signal != undeferrable_signal, .in_child = true}) {}
};

template <class B>
void foreign(int, siginfo_t* info, void*) {
  enter_foreign_handler(*info);
  if (the_wants.owns_first)
    send(first_signal);
  else
    send_in_guard<B>(first_signal);
}

void foreign_without_signal(int, siginfo_t* info, void*) {
  enter_foreign_handler(*info);
  { const sigsafe::basic_guard<eager> off; }
  const sigsafe::basic_guard<lazy> soft;
}

void foreign_crossed(int, siginfo_t* info, void*) {
  enter_foreign_handler(*info);
  std::optional<sigsafe::basic_guard<lazy>> soft;
  soft.emplace();
  const sigsafe::basic_guard<eager> off;
  if (!the_wants.owns_first) send_in_guard<lazy>(first_signal);
  soft.reset();
}

injector* entries_of = nullptr;

std::uint64_t bits_of(const signal_set& signals) noexcept {
  std::uint64_t bits;
  const sigset_t native = signals.native();
  static_assert(sizeof(native) >= sizeof(bits));
  std::memcpy(&bits, &native, sizeof(bits));
  return bits;
}

void note_sent(const burst& what) noexcept {
  for (const burst::arrival& each : what.arrivals) seen.note_sent(each.signal);
}

}  // namespace

void enter_foreign_handler(const siginfo_t& info) noexcept {
  seen.note_handled(info);
  if (signal_set::maskable().contains(info.si_signo)) the_subject->in_foreign_handler();
}

void install_foreign(int signal, void (*function)(int, siginfo_t*, void*)) {
  struct sigaction action{};
  action.sa_sigaction = function;
  action.sa_flags = SA_SIGINFO;
  sigaction(signal, &action, nullptr);
  entries_of->add_entry(reinterpret_cast<address>(function));
}

const std::vector<variant>& variants() {
  const int queued = real_time_signal();
  static const std::vector<variant> all{
      {"standard", {{first_signal, 0}}, true},
      {"real-time", {{queued, 1}, {queued, 2}, {queued, 3}}, true},
      {"both", {{queued, 1}, {first_signal, 0}}, true},
      {"ignored", {{ignored_signal, 0}}, false},
      {"fault", {{fault_signal, 0}}, false},
      {"foreign-eager", {{foreign_eager_signal, 0}}, true},
      {"foreign-lazy", {{foreign_lazy_signal, 0}}, true},
      {"abort", {{abort_signal, 0}}, false},
      {"abort-eager", {{abort_eager_signal, 0}}, true},
      {"abort-lazy", {{abort_lazy_signal, 0}}, true},
      {"abort-crossed", {{abort_crossed_signal, 0}}, false},
      {"undeferrable", {{undeferrable_signal, 0}}, false, true},
      {"other-thread", {}, true, false, turn::at_once},
      {"other-thread-when-asleep", {}, true, false, turn::when_asleep},
      {"second", {{second_signal, 0}}, true},  // the last one: for pairs only
  };
  return all;
}

signal_set everything_blockable() noexcept {
  static const signal_set blockable = [] {
    const sigset_t maskable = (signal_set::maskable() - signal_set{undeferrable_signal}).native();
    sigset_t before;
    sigprocmask(SIG_BLOCK, &maskable, &before);
    const signal_set found = signal_set::blocked();
    sigprocmask(SIG_SETMASK, &before, nullptr);
    return found;
  }();
  return blockable;
}

// Behind the report there is room for a trace.
trial::child_report* trial::make_child_report() noexcept {
  constexpr std::size_t size = sizeof(child_report) + sizeof(step) * injector::most_steps;
  void* const memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  return ::new (memory) child_report{};
}

trial::trial(const entry& what)
    : wants_(what.wants),
      subject_((entries_of = &injector_, what.make())),
      child_(make_child_report()) {
  the_trial = this;
  the_subject = &subject_;
  the_wants = wants_;
  injector_.add_entry(reinterpret_cast<address>(&sigsafe::detail::sigsafe_abi1_trampoline));

  const sigset_t blocked = signal_set{user_blocked_signal}.native();
  sigprocmask(SIG_SETMASK, &blocked, nullptr);
  everything_blockable();
  struct sigaction ignoring{};
  ignoring.sa_handler = SIG_IGN;
  sigaction(ignored_signal, &ignoring, nullptr);
  install_foreign(foreign_eager_signal, &foreign<eager>);
  install_foreign(foreign_lazy_signal, &foreign<lazy>);
  install_foreign(abort_signal, &foreign_without_signal);
  install_foreign(abort_eager_signal, &foreign<eager>);
  install_foreign(abort_lazy_signal, &foreign<lazy>);
  install_foreign(abort_crossed_signal, &foreign_crossed);
  // They live as long as the process.
  for (const int number :
       {first_signal, second_signal, own_signal, other_signal, fault_signal, real_time_signal()})
    if (number != first_signal || !wants_.owns_first) new standing_handler{number};
  if (gets_undeferrable()) {
    new standing_handler{undeferrable_signal};
    send(undeferrable_signal);
  }
  injector_.set_later(bits_of(everything_blockable()) & ~bits_of({undeferrable_signal}));
  // The first call of a handler takes another path than those behind it.
  for (const int number :
       {first_signal, second_signal, own_signal, other_signal, fault_signal, real_time_signal(),
        foreign_eager_signal, foreign_lazy_signal, abort_signal, abort_eager_signal,
        abort_lazy_signal, abort_crossed_signal})
    send(number);
  // The first sleep makes what later ones use.
  sigsafe::basic_guard<eager>{}.wait_for(std::chrono::nanoseconds{0});
  if (!wants_.other_thread) return;
  other_.emplace(&act);
  other_->let_through(turn::at_once);
  other_->join();
  injector_.set_other(&*other_);
}

void trial::operate(void* self) {
  auto& mine = *static_cast<trial*>(self);
  errno = errno_before;
  mine.subject_.operation();
  mine.error_ = errno;
}

// On the other thread.
void trial::act() {
  trial& mine = *the_trial;
  if (mine.state_there_ == nullptr) {  // its first turn, which the constructor gives it
    mine.state_there_ = &sigsafe::detail::current_thread();
    return;
  }
  errno = errno_before;
  mine.subject_.in_other_thread();
  if (const char* const wrong = check_thread(errno)) mine.wrong_there_ = wrong;
}

bool first_thread_is_asleep() noexcept { return the_trial->other_->first_is_asleep(); }

const burst& trial::waker() const noexcept { return wants_.other_thread ? turn_to_wake : waking; }

// As it was before the first operation of the process, so that nothing can creep in.
const char* trial::check_thread(int error) noexcept {
  const auto& thread = sigsafe::detail::current_thread();
  if (signal_set::blocked() != signal_set{user_blocked_signal})
    return "the signal mask has changed";
  if (error != errno_before) return "errno has changed";
  if (thread.held.load() != 0) return "held has changed";
  if (thread.eager.load() != 0) return "eager has changed";
  if (thread.has_deferred()) return "a signal is still deferred";
  if (thread.resumed.load() != 0) return "resumed has changed";
  if (thread.added.load() != 0) return "added has changed";
  if (thread.named.load() != 0) return "named has changed";
  if (thread.called.load() != 0) return "called has changed";
  if (thread.running.load() != nullptr)
    return "a handler that returned is still entered as running";
  return signal_set::pending().empty() ? nullptr : "a signal is still pending";
}

void trial::prepare() noexcept {
  send(other_signal);  // the fault of an earlier run was not this thread's last signal
  seen.reset();
  child_->ended = false;
  // What the handlers of an earlier run did is no news to a wait of this one.
  sigsafe::detail::current_thread().seen.store(sigsafe::detail::arrivals());
  if (state_there_ != nullptr) state_there_->seen.store(sigsafe::detail::arrivals());
  wrong_there_ = nullptr;
  subject_.reset();
}

const char* trial::check() noexcept {
  if (other_) other_->join();
  if (wrong_there_ != nullptr) {
    static char text[128];
    std::snprintf(text, sizeof(text), "on the other thread: %s", wrong_there_);
    return text;
  }
  if (const char* const wrong = check_thread(error_)) return wrong;
  if (const char* const wrong = seen.compare(!wants_.unordered)) return wrong;
  return subject_.check();
}

const char* trial::learn(const trace* before, const shot* at, injector::learned& result) {
  prepare();
  result = injector_.learn(&operate, this, before, at);
  if (child_->ended) {
    if (child_->wrong != nullptr) return child_->wrong;
    const auto* const steps = reinterpret_cast<const step*>(child_ + 1);
    result.steps.assign({steps, child_->steps});
    result.fits = child_->steps < injector::most_steps;
  }
  if (!result.reached) return "the operation did not come to the instruction";
  if (!result.fits) return "the operation is too long";
  if (child_->ended) return nullptr;
  if (at != nullptr) note_sent(*at->what);
  if (result.slept >= 0) note_sent(waker());
  return check();
}

// The first time it makes what later ones use, and takes paths that they do not take.
const char* trial::act_first() noexcept {
  if (!other_) return nullptr;
  prepare();
  other_->let_through(turn::at_once);
  operate(this);
  return check();
}

const char* trial::learn() {
  if (const char* const wrong = act_first()) return wrong;
  injector_.set_waker(wants_.sleeps ? &waker() : nullptr);
  injector::learned learned;
  // The first run resolves symbols and takes paths that are not taken again.
  for (int i = 0; i < 3; ++i) {
    const std::vector<address> before = learned.steps.steps();
    if (const char* const wrong = learn(nullptr, nullptr, learned)) return wrong;
    if (wants_.sleeps && learned.slept < 0) return "the operation did not sleep";
    if (i == 2 && before != learned.steps.steps())
      return "the operation does not execute the same instructions each time";
  }
  whole_ = std::move(learned.steps);
  slept_ = learned.slept;
  if (slept_ < 0) return nullptr;
  const shot wake{static_cast<std::uint32_t>(slept_), &waker()};
  const char* const wrong = learn(&whole_, &wake, learned);
  behind_sleep_ = std::move(learned.steps);
  return wrong;
}

const char* trial::run(std::uint32_t index, const burst& what) {
  if (slept_ < 0 || index <= slept_) {
    const injector::aimed shots[] = {{&whole_, {index, &what}}};
    return run(shots);
  }
  const auto slept = static_cast<std::uint32_t>(slept_);
  const injector::aimed shots[] = {{&whole_, {slept, &waker()}},
                                   {&behind_sleep_, {index - slept, &what}}};
  return run(shots);
}

const char* trial::learn_behind(std::uint32_t index, const burst& what) {
  const shot first{index, &what};
  injector::learned learned;
  const char* const wrong = learn(&whole_, &first, learned);
  behind_ = std::move(learned.steps);
  return wrong;
}

const char* trial::run(std::uint32_t index, const burst& what, std::uint32_t second,
                       const burst& then) {
  const injector::aimed shots[] = {{&whole_, {index, &what}}, {&behind_, {second, &then}}};
  return run(shots);
}

const char* trial::run(std::span<const injector::aimed> shots) {
  prepare();
  int reached = injector_.run(&operate, this, shots);
  if (child_->ended) {
    reached = child_->reached;
    if (child_->wrong != nullptr) return child_->wrong;
  } else {
    for (const injector::aimed& each : shots.first(static_cast<std::size_t>(reached)))
      note_sent(*each.what.what);
    if (const char* const wrong = check()) return wrong;
  }
  return reached == static_cast<int>(shots.size())
             ? nullptr
             : "the operation did not come to the instruction";
}

const char* trial::run_bare(const burst* expected) {
  if (const char* const wrong = act_first()) return wrong;
  prepare();
  injector::call(&operate, this);
  if (child_->ended) return child_->wrong;
  if (expected != nullptr) note_sent(*expected);
  return check();
}

// Its subject says what must have been handled: in the counts there is also what its parent got.
void end_child() noexcept {
  const int error = errno;
  injector::mark_end();
  trial& mine = *the_trial;
  trial::child_report& report = *mine.child_;
  report.reached = mine.injector_.finish();
  const std::span<const step> steps = mine.injector_.recorded();
  auto* const copy = reinterpret_cast<step*>(&report + 1);
  for (std::size_t i = 0; i < steps.size(); ++i) copy[i] = steps[i];
  report.steps = static_cast<std::uint32_t>(steps.size());
  report.wrong = trial::check_thread(error);
  if (report.wrong == nullptr) report.wrong = mine.subject_.check();
  report.ended = true;
  _exit(0);
}

}  // namespace injection
