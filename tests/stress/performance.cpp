#include <tests/stress/performance.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <cstring>
#include <list>
#include <new>
#include <system_error>
#include <thread>

#include <fmt/format.h>

#include <sigsafe/signal_set.hpp>

#include <tests/stress/source.hpp>

// As the other sanitizers do; a child ends by _exit, and what ThreadSanitizer has only printed
// would pass.
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "halt_on_error=1"; }

namespace stress {

void stage::violation(std::string_view text) noexcept {
  if (counts.has_violation.exchange(1) != 0) return;
  const std::size_t size = std::min(text.size(), sizeof(counts.violation) - 1);
  std::memcpy(counts.violation, text.data(), size);
  counts.violation[size] = '\0';
}

void stage::inside() noexcept {
  if (here.at.load(std::memory_order_relaxed) != position::inside || sending_stops()) return;
  for (const auto& each : sources_) each->inside(*this);
  // Others find the state as it is in the middle of a change, also when all share one processor.
  if (here.next_random() % 64 == 0) sched_yield();
}

namespace {

std::uint64_t nanoseconds(double seconds) noexcept {
  return static_cast<std::uint64_t>(seconds * 1e9);
}

/// Of the calling thread.
void set_mask(sigsafe::signal_set blocked) noexcept {
  const sigset_t mask = blocked.native();
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
}

}  // namespace

/// The child's part: workers, senders, handlers.
class performance {
 public:
  performance(stage& on, shared& with, scenario& what)
      : on_(on), shared_(with), scenario_(what), sources_(make_sources(on.of.source)) {}

  void run() {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      sources_[i]->use(shared_.channels[i]);
      sources_[i]->open(on_);
      handlers_.emplace_back(sources_[i]->signal(), arrival{&on_, &scenario_, sources_[i].get()});
    }
    on_.sources_ = sources_;

    start_workers();
    std::list<std::thread> senders;
    for (const auto& each : sources_)
      senders.emplace_back([this, from = each.get()] {
        here.random = on_.of.seed * 2 + 1;
        from->send(on_, workers_);
      });
    while (!on_.stopping()) rest();
    shared_.sending_stops = true;
    for (std::thread& each : senders) each.join();
    wait_for_all_workers();
    wait_for_what_is_on_the_way();
    workers_stop_ = true;
    for (std::thread& each : threads_) each.join();
    handlers_.clear();
    scenario_.finish(on_);
  }

 private:
  struct arrival {
    stage* on;
    scenario* what;
    source* from;

    void operator()(const sigsafe::signal_info& info) const noexcept {
      const position at = here.at.load(std::memory_order_relaxed);
      const std::uint64_t number = from->number_of(info);
      from->line().arrived();
      const std::uint64_t due = from->due(number);
      const std::uint64_t time = now();
      if (due != 0 && time > due) on->counts.delays.add(time - due);
      if (due == 0 && from->line().counts_each())
        on->violation("a queued signal came twice, or one that was never sent");
      on->counts.delivered.fetch_add(1, std::memory_order_relaxed);
      from->handled();
      if (from->ordered()) {
        const std::uint64_t ahead = (number - here.last_number) & source::largest_number;
        if (ahead == 0 || ahead > source::largest_number / 2)
          on->counts.disorder.fetch_add(1, std::memory_order_relaxed);
        here.last_number = number;
      }
      if (at == position::inside) return on->torn();  // a hold should have held it off
      if (at == position::ending) on->counts.deferred.fetch_add(1, std::memory_order_relaxed);
      what->interrupt(*on);
    }
  };

  static void rest() noexcept {
    constexpr timespec a_millisecond{0, 1'000'000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &a_millisecond, nullptr);
  }

  void start_workers() try {
    workers_.resize(on_.of.threads);
    for (unsigned i = 0; i < on_.of.threads; ++i) {
      threads_.emplace_back([this, i] {
        here.index = i;
        here.random = (on_.of.seed + i) * 2 + 1;
        workers_[i] = pthread_self();
        ++ready_;
        while (ready_.load() < on_.of.threads) std::this_thread::yield();
        set_mask({});
        while (!workers_stop_.load(std::memory_order_relaxed)) {
          scenario_.operate(on_);
          on_.counts.operations.fetch_add(1, std::memory_order_relaxed);
          if (!on_.sending_stops())
            for (const auto& each : sources_) each->between(on_);
          ++rounds_[i];
        }
        // A signal to a thread that has ended would be lost.
        set_mask(sigsafe::signal_set::all());
      });
    }
    while (ready_.load() < on_.of.threads) std::this_thread::yield();
  } catch (const std::system_error& error) {
    // Those that have started cannot be joined.
    on_.violation(
        fmt::format("not all {} threads could be started: {}", on_.of.threads, error.what()));
    _exit(0);
  }

  /// Until each has begun an operation after this: one that was just about to send has sent.
  void wait_for_all_workers() noexcept {
    std::array<std::uint64_t, most_workers> before{};
    for (unsigned i = 0; i < on_.of.threads; ++i) before[i] = rounds_[i];
    for (unsigned i = 0; i < on_.of.threads; ++i)
      while (rounds_[i] == before[i]) rest();
  }

  /// It comes while the workers go on; when nothing has come for a while, nothing will.
  void wait_for_what_is_on_the_way() const noexcept {
    std::uint64_t left = lost();
    std::uint64_t since = now();
    while (left != 0 && on_.counts.has_violation == 0 &&
           now() - since < nanoseconds(on_.of.patience) / 2) {
      rest();
      const std::uint64_t still = lost();
      if (still < left) since = now();
      left = still;
    }
  }

  [[nodiscard]] std::uint64_t lost() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& each : sources_) sum += each->line().lost();
    return sum;
  }

  stage& on_;
  shared& shared_;
  scenario& scenario_;
  std::vector<std::unique_ptr<source>> sources_;
  std::list<sigsafe::handler<arrival>> handlers_;
  workers workers_;
  std::list<std::thread> threads_;
  std::array<count, most_workers> rounds_{};
  std::atomic<unsigned> ready_{0};
  std::atomic<bool> workers_stop_{false};
};

namespace {

class mapped {
 public:
  mapped()
      : at_(mmap(nullptr, sizeof(shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                 0)) {
    if (at_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    new (at_) shared;
  }
  mapped(const mapped&) = delete;
  mapped& operator=(const mapped&) = delete;
  ~mapped() { munmap(at_, sizeof(shared)); }
  shared& operator*() const noexcept { return *static_cast<shared*>(at_); }

 private:
  void* at_;
};

[[noreturn]] void perform(const cell& what, const factory& make, shared& with, pid_t parent) {
  end_with(parent);
  // An end that is asked for at the terminal reaches the whole group; the parent deals with it.
  for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGHUP}) ::signal(signal, SIG_IGN);
  set_mask(sigsafe::signal_set::all());
  stage on{what, with};
  try {
    if (make.alone) {
      set_mask({});
      make.alone()->run(on);
    } else {
      const auto played = make.with_workers();
      performance{on, with, *played}.run();
    }
  } catch (const std::exception& error) {
    on.violation(error.what());
  }
  _exit(0);
}

result summary(const cell& what, const shared& with) {
  const counters& from = with.counts;
  result end;
  end.of = what;
  end.operations = from.operations;
  end.sent = from.sent;
  end.delivered = from.delivered;
  end.deferred = from.deferred;
  end.lost = from.lost;
  for (const channel& each : with.channels) {
    end.sent += each.sent();
    end.coalesced += each.coalesced();
    end.lost += each.lost();
  }
  end.torn = from.torn;
  end.disorder = from.disorder;
  end.most = from.delays.most();
  for (std::size_t i = 0; i < histogram::size; ++i) end.delays.push_back(from.delays.of(i));
  return end;
}

std::string violation_of(const result& end, const shared& with, int status, bool hung) {
  const counters& from = with.counts;
  std::uint64_t spurious = 0;
  for (const channel& each : with.channels) spurious += each.spurious();
  if (from.has_violation != 0) return from.violation;
  if (end.torn != 0)
    return fmt::format("{} times a handler ran inside a section, or a state was torn", end.torn);
  if (hung)
    return fmt::format(
        "no progress for {} s, or no end after {} s: a deadlock, or a wake-up was lost",
        end.of.patience, 3 * end.of.patience);
  if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
    return fmt::format(
        "ended with status {}, as sanitizers end a program; what they say stands on standard error",
        WEXITSTATUS(status));
  if (WIFSIGNALED(status))
    return fmt::format("killed by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  if (end.lost != 0) return fmt::format("{} signals were lost", end.lost);
  if (end.disorder != 0) return fmt::format("{} real-time signals came out of order", end.disorder);
  if (spurious != 0) return fmt::format("{} more signals came than were sent", spurious);
  if (end.ended == verdict::interrupted) return {};
  if (end.operations == 0) return "nothing was done";
  if (end.sent == 0)
    return "no signal was sent; a limit may be too low, such as RLIMIT_SIGPENDING (ulimit -i)";
  return {};
}

}  // namespace

result run_cell(const cell& what, const factory& make,
                const std::function<bool(const counters&)>& idle) {
  const mapped memory;
  shared& with = *memory;
  const std::uint64_t start = now();
  std::fflush(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) perform(what, make, with, parent);

  // Without a descriptor, on a kernel before 5.3, the end is noticed a little later.
  pollfd ended{static_cast<int>(syscall(SYS_pidfd_open, child, 0)), POLLIN, 0};
  bool interrupted = false;
  bool hung = false;
  std::uint64_t progress = 0;
  std::uint64_t since = start;
  std::uint64_t stopped = 0;
  int status = 0;
  for (;;) {
    poll(&ended, 1, 20);
    const pid_t done = waitpid(child, &status, WNOHANG);
    if (done == child) break;
    if (done < 0 && errno != EINTR)
      throw std::system_error(errno, std::generic_category(), "waitpid");
    const std::uint64_t time = now();
    const std::uint64_t so_far = with.counts.operations + with.counts.delivered;
    if (so_far != progress) since = time;
    progress = so_far;
    if (!idle(with.counts)) interrupted = true;
    const bool wrong = with.counts.torn != 0 || with.counts.has_violation != 0;
    if (interrupted || wrong || time - start > nanoseconds(what.seconds)) {
      with.stop = true;
      if (stopped == 0) stopped = time;
    }
    // What is wrong already may never come to its end, and while one worker hangs, others may go
    // on.
    const std::uint64_t patience = nanoseconds(wrong ? what.patience / 20 : what.patience);
    if (time - since > patience || (stopped != 0 && time - stopped > 3 * patience)) {
      hung = true;
      kill(child, SIGKILL);
    }
  }
  close(ended.fd);
  result end = summary(what, with);
  end.seconds = static_cast<double>(now() - start) / 1e9;
  end.ended = interrupted ? verdict::interrupted : verdict::passed;
  end.violation = violation_of(end, with, status, hung);
  if (!end.violation.empty()) end.ended = verdict::violated;
  return end;
}

}  // namespace stress
