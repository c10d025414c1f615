// One subject under the injector: its traces, its runs, and what must hold after each.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include <sigsafe/detail/thread_state.hpp>

#include <tests/injection/injector.hpp>
#include <tests/injection/subject.hpp>

namespace injection {

/// What is injected, by name.
struct variant {
  const char* name;
  std::vector<burst::arrival> arrivals;
  bool wakes;                 ///< an operation that sleeps
  bool undeferrable = false;  ///< only for those that want it
  turn other = turn::never;   ///< only for those that have another thread
  [[nodiscard]] burst what() const noexcept { return {arrivals, other}; }
};
/// The last one is the second signal of pairs.
const std::vector<variant>& variants();

/// A process has one, on its first thread. Functions that return text return null when all is well,
/// else what is wrong; then the process is not good for another run.
class trial {
 public:
  /// Takes over the dispositions of the process.
  explicit trial(const entry& what);

  /// Learns the instructions of a run without a signal, or, of an operation that sleeps, with the
  /// one that wakes it.
  const char* learn();
  [[nodiscard]] std::uint32_t size() const noexcept { return whole_.size(); }
  [[nodiscard]] address at(std::uint32_t index) const noexcept { return whole_[index]; }
  /// The first instruction at which this may be injected: nothing else wakes an operation from a
  /// signal without a handler.
  [[nodiscard]] std::uint32_t first_for(const variant& what) const noexcept {
    if ((what.other != turn::never) != wants_.other_thread) return size();
    if (what.undeferrable && !gets_undeferrable()) return size();
    if (what.other == turn::when_asleep)
      return slept_ < 0 ? size() : static_cast<std::uint32_t>(slept_);
    return what.wakes || slept_ < 0 ? 0 : static_cast<std::uint32_t>(slept_) + 1;
  }
  /// Behind the last instruction for this.
  [[nodiscard]] std::uint32_t end_for(const variant& what) const noexcept {
    return what.other == turn::when_asleep ? static_cast<std::uint32_t>(slept_ + 1) : size();
  }
  /// The index at which the operation sleeps, or -1.
  [[nodiscard]] std::int64_t sleeps_at() const noexcept { return slept_; }

  /// Whether this does the same at this instruction as at the next one: it only becomes pending.
  [[nodiscard]] bool is_as_the_next(std::uint32_t index, const burst& what) const noexcept {
    return whole_.is_as_the_next(index) && injector_.is_later(what);
  }

  const char* run(std::uint32_t index, const burst& what);

  /// Learns what is executed behind a burst; the instruction of the burst has the index 0.
  const char* learn_behind(std::uint32_t index, const burst& what);
  [[nodiscard]] std::uint32_t size_behind() const noexcept { return behind_.size(); }
  [[nodiscard]] address at_behind(std::uint32_t index) const noexcept { return behind_[index]; }
  [[nodiscard]] bool behind_is_as_the_next(std::uint32_t index, const burst& then) const noexcept {
    return behind_.is_as_the_next(index) && injector_.is_later(then);
  }
  /// A second burst behind the one that was learned.
  const char* run(std::uint32_t index, const burst& what, std::uint32_t second, const burst& then);

  /// A run in which somebody else sends the burst, or nobody when it is null.
  const char* run_bare(const burst* expected);

 private:
  [[nodiscard]] bool gets_undeferrable() const noexcept {
    return wants_.core || wants_.undeferrable;
  }

  friend void end_child() noexcept;
  friend bool first_thread_is_asleep() noexcept;

  /// What a child that the operation forked leaves to this process, in memory that both share.
  struct child_report {
    bool ended;
    int reached;
    const char* wrong;
    std::uint32_t steps;
  };

  static void operate(void* self);
  static void act();
  const char* act_first() noexcept;
  [[nodiscard]] const burst& waker() const noexcept;
  static child_report* make_child_report() noexcept;
  static const char* check_thread(int error) noexcept;
  void prepare() noexcept;
  const char* run(std::span<const injector::aimed> shots);
  const char* learn(const trace* before, const shot* at, injector::learned& result);
  const char* check() noexcept;

  traits wants_;
  injector injector_;
  subject& subject_;
  trace whole_;
  trace behind_sleep_;
  trace behind_;
  std::int64_t slept_ = -1;
  int error_ = 0;
  child_report* child_;
  std::optional<other_thread> other_;
  sigsafe::detail::thread_state* state_there_ = nullptr;
  const char* wrong_there_ = nullptr;
};

}  // namespace injection
