#include <tests/stress/source.hpp>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <sigsafe/signal_set.hpp>

#include <tests/support/sanitizers.hpp>

namespace stress {
namespace {

void require(bool succeeded, const char* what) {
  if (!succeeded) throw std::system_error(errno, std::generic_category(), what);
}

std::uint64_t interval(const stage& on) noexcept { return 1'000'000'000U / on.of.rate; }

/// Between two signals of one sender: as the rate says, or, at full speed, until the last one has
/// come or a moment has passed, so that it goes on when handlers are held off, but no handler is
/// starved.
void pace(const stage& on, const channel& sent) noexcept {
  if (on.of.rate != 0) {
    const std::uint64_t pause = interval(on);
    const timespec time{static_cast<time_t>(pause / 1'000'000'000U),
                        static_cast<long>(pause % 1'000'000'000U)};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
  } else if (!sent.counts_each()) {
    constexpr std::uint64_t a_moment = 30'000;
    const std::uint64_t start = now();
    while (sent.lost() != 0 && now() - start < a_moment && !on.sending_stops()) {}
  }
  while (sent.full() && !on.sending_stops()) sched_yield();
}

/// Now and then, so that most sections are not interrupted.
bool sometimes(unsigned one_in) noexcept { return here.next_random() % one_in == 0; }

/// Sends to the calling worker. The kernel is asked before whether it will coalesce, and where
/// nothing is held nothing may be missing, so what was coalesced and what was lost is known of each
/// signal.
class synchronous : public source {
 public:
  explicit synchronous(int signal) : source(signal, account::own) {}

  void inside(stage& on) noexcept override { send_sometimes(on, 4); }
  void between(stage& on) noexcept override {
    send_sometimes(on, 16);
    per_worker& mine = workers_[here.index];
    if (mine.owed > mine.answered)
      on.violation("a signal was lost, or held off longer than until the last release");
    if (mine.owed < mine.answered) on.violation("a signal came twice");
  }
  std::uint64_t due(std::uint64_t) noexcept override {
    per_worker& mine = workers_[here.index];
    line().answers();
    const std::uint64_t number = mine.answered;
    mine.answered = number + 1;
    return mine.times[number % mine.times.size()];
  }

 protected:
  [[nodiscard]] virtual bool send_here() noexcept = 0;

 private:
  struct per_worker {
    std::uint64_t owed = 0;
    std::atomic<std::uint64_t> answered{0};
    std::array<std::uint64_t, 4> times{};  // two at most: one in a deferral, one pending
    std::uint64_t next = 0;                // when the rate allows it
  };

  void send_sometimes(const stage& on, unsigned one_in) noexcept {
    per_worker& mine = workers_[here.index];
    if (on.of.rate == 0) {
      if (!sometimes(one_in)) return;
    } else {
      const std::uint64_t time = now();
      if (time < mine.next) return;
      mine.next = time + interval(on);
    }
    send_counted(mine);
  }

  void send_counted(per_worker& mine) noexcept {
    const bool coalesces = sigsafe::signal_set::pending().contains(signal());
    const std::uint64_t due = now();
    if (!coalesces) {
      mine.times[mine.owed % mine.times.size()] = due;
      ++mine.owed;
      line().owes();
    }
    if (send_one([&](int) { return send_here(); }, due) || coalesces) return;
    --mine.owed;
    line().answers();
  }

  std::array<per_worker, most_workers> workers_{};
};

class raised : public synchronous {
 public:
  raised() : synchronous(SIGUSR1) {}

 protected:
  bool send_here() noexcept override { return ::raise(signal()) == 0; }
};

/// As a standard signal is answered by a later handler, but only by one on the same thread.
class thread_killed : public source {
 public:
  thread_killed() : source(SIGUSR2, account::own) {}
  void send(stage& on, const workers& to) override {
    for (; !on.sending_stops(); pace(on, line())) {
      const std::size_t which = here.next_random() % to.size();
      const std::uint64_t due = now();
      std::uint64_t none = 0;
      workers_[which].oldest.compare_exchange_strong(none, due);
      ++workers_[which].sent;
      line().owes();
      send_one([&](int) { return pthread_kill(to[which], signal()) == 0; }, due);
    }
  }
  std::uint64_t due(std::uint64_t) noexcept override {
    per_worker& mine = workers_[here.index];
    const std::uint64_t sent = mine.sent;
    line().answers(sent - mine.answered);
    mine.answered = sent;
    return mine.oldest.exchange(0);
  }

 private:
  struct per_worker {
    count sent{0};
    count oldest{0};
    std::uint64_t answered = 0;
  };
  std::array<per_worker, most_workers> workers_{};
};

/// Real-time signals to one thread each, numbered: they must come in order.
class thread_queued : public source {
 public:
  thread_queued() : source(SIGRTMIN + 2, account::each) {}
  void send(stage& on, const workers& to) override {
    for (; !on.sending_stops(); pace(on, line()))
      send_one([&](int number) {
        return pthread_sigqueue(to[here.next_random() % to.size()], signal(),
                                {.sival_int = number}) == 0;
      });
  }
  bool ordered() const noexcept override { return true; }
};

/// A process that sends to this one.
class other_process : public source {
 public:
  using source::source;
  void send(stage& on, const workers&) override {
    const pid_t target = getpid();
    const pid_t sender = fork();
    if (sender < 0) return on.violation("no process that sends could be forked");
    if (sender == 0) {
      end_with(target);
      for (; !on.sending_stops() && getppid() == target; pace(on, line()))
        send_one([&](int number) { return send_to(target, number); });
      _exit(0);
    }
    if (end_of(sender) != 0) on.violation("the process that sends did not end well");
  }

 protected:
  virtual bool send_to(pid_t target, int number) noexcept = 0;
};

class killed : public other_process {
 public:
  killed() : other_process(SIGHUP, account::latest) {}
  bool send_to(pid_t target, int) noexcept override { return kill(target, signal()) == 0; }
};

class queued : public other_process {
 public:
  queued() : other_process(SIGRTMIN + 1, account::each) {}
  bool send_to(pid_t target, int number) noexcept override {
    return sigqueue(target, signal(), {.sival_int = number}) == 0;
  }
};

/// To the process, by its own threads, also by one that holds: the kernel chooses a thread, be it
/// the same. One sends at a time; the rate is that of all of them.
class own_process : public source {
 public:
  using source::source;
  void inside(stage& on) noexcept override { send_sometimes(on, 4); }
  void between(stage& on) noexcept override { send_sometimes(on, 16); }

 protected:
  virtual bool send_to(pid_t process, int number) noexcept = 0;

 private:
  void send_sometimes(const stage& on, unsigned one_in) noexcept {
    if (on.of.rate == 0 && !sometimes(one_in)) return;
    if (sends_.test_and_set(std::memory_order_acquire)) return;
    const std::uint64_t time = now();
    if (time >= next_ && !line().full()) {
      if (on.of.rate != 0) next_ = time + interval(on);
      send_one([&](int number) { return send_to(getpid(), number); });
    }
    sends_.clear(std::memory_order_release);
  }

  std::atomic_flag sends_;
  std::uint64_t next_ = 0;  // when the rate allows it
};

class self_killed : public own_process {
 public:
  self_killed() : own_process(SIGPWR, account::latest) {}
  bool send_to(pid_t process, int) noexcept override { return kill(process, signal()) == 0; }
};

class self_queued : public own_process {
 public:
  self_queued() : own_process(SIGRTMIN + 4, account::each) {}
  bool send_to(pid_t process, int number) noexcept override {
    return sigqueue(process, signal(), {.sival_int = number}) == 0;
  }
};

std::uint64_t timer_delay(const stage& on) noexcept {
  return on.of.rate != 0 ? interval(on) : 50'000 + here.next_random() % 200'000;
}

/// One shot after the other, set by worker 0 when the last one has come: never faster than handlers
/// run.
class interval_timer : public source {
 public:
  interval_timer(__itimer_which which, int signal)
      : source(signal, account::latest), which_(which) {}
  void between(stage& on) noexcept override {
    if (here.index != 0 || running_.load(std::memory_order_relaxed)) return;
    constexpr std::uint64_t longest = 100'000'000;  // of processor time, which may pass slowly
    const std::uint64_t delay = std::min(timer_delay(on), longest) / 1000 + 1;
    running_ = true;
    // Those that count the processor's time come when it has passed, and nobody knows when.
    line().sending(which_ == ITIMER_REAL ? now() + delay * 1000 : 0);
    const itimerval once{
        {0, 0},
        {static_cast<time_t>(delay / 1'000'000), static_cast<suseconds_t>(delay % 1'000'000)}};
    setitimer(which_, &once, nullptr);
  }
  void handled() noexcept override { running_ = false; }

 private:
  const __itimer_which which_;
  std::atomic<bool> running_{false};
};

/// A timer for each worker, which sets it again when it has gone off.
class thread_timer : public source {
 public:
  thread_timer() : source(SIGRTMIN + 3, account::own) {}
  ~thread_timer() override {
    for (const per_worker& each : timers_)
      if (each.created) timer_delete(each.timer);
  }
  void between(stage& on) noexcept override {
    per_worker& mine = timers_[here.index];
    if (mine.running.load(std::memory_order_relaxed)) return;
    if (!mine.created) {
      sigevent event{};
      event.sigev_notify = SIGEV_THREAD_ID;
      event.sigev_signo = signal();
      event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
      if (timer_create(CLOCK_MONOTONIC, &event, &mine.timer) != 0) return;
      mine.created = true;
    }
    const std::uint64_t delay = timer_delay(on);
    mine.running = true;
    mine.due = now() + delay;
    line().owes();
    line().sending(mine.due);
    const itimerspec once{
        {0, 0},
        {static_cast<time_t>(delay / 1'000'000'000U), static_cast<long>(delay % 1'000'000'000U)}};
    timer_settime(mine.timer, 0, &once, nullptr);
  }
  std::uint64_t due(std::uint64_t) noexcept override {
    line().answers();
    return timers_[here.index].due;
  }
  void handled() noexcept override { timers_[here.index].running = false; }

 private:
  struct per_worker {
    timer_t timer;
    bool created = false;
    std::atomic<bool> running{false};
    std::uint64_t due = 0;
  };
  std::array<per_worker, most_workers> timers_{};
};

class child_exit : public source {
 public:
  child_exit() : source(SIGCHLD, account::own) {}
  void send(stage& on, const workers&) override {
    for (; !on.sending_stops(); pace(on, line()))
      if (send_one([&](int) { return fork_one(); })) line().owes();
  }
  void handled() noexcept override {
    while (waitpid(-1, nullptr, WNOHANG) > 0) line().answers();
  }

 private:
  static bool fork_one() noexcept {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    return child > 0;
  }
};

class broken_pipe : public synchronous {
 public:
  broken_pipe() : synchronous(SIGPIPE) {}
  ~broken_pipe() override { close(end_); }
  void open(stage&) override {
    int ends[2];
    require(pipe(ends) == 0, "pipe");
    close(ends[0]);
    end_ = ends[1];
  }

 protected:
  bool send_here() noexcept override { return write(end_, "", 1) < 0 && errno == EPIPE; }

 private:
  int end_ = -1;
};

/// A descriptor that says by a signal that there is something to read.
class ready_descriptor : public source {
 public:
  ready_descriptor() : source(SIGIO, account::own) {}
  ~ready_descriptor() override {
    close(ends_[0]);
    close(ends_[1]);
  }
  void open(stage&) override {
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_) == 0, "socketpair");
    require(fcntl(ends_[0], F_SETOWN, getpid()) == 0, "F_SETOWN");
    require(fcntl(ends_[0], F_SETFL, O_ASYNC | O_NONBLOCK) == 0, "O_ASYNC");
  }
  void send(stage& on, const workers&) override {
    for (; !on.sending_stops(); pace(on, line()))
      if (send_one([&](int) { return write(ends_[1], "x", 1) == 1; })) line().owes();
  }
  void handled() noexcept override {
    char bytes[256];
    for (ssize_t size; (size = read(ends_[0], bytes, sizeof(bytes))) > 0;)
      line().answers(static_cast<std::uint64_t>(size));
  }

 private:
  int ends_[2] = {-1, -1};
};

/// A terminal whose window changes its size.
class window : public source {
 public:
  window() : source(SIGWINCH, account::latest) {}
  ~window() override {
    close(slave_);
    close(master_);
  }
  void open(stage&) override {
    require(setsid() >= 0, "setsid");
    master_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    require(master_ >= 0, "posix_openpt");
    char name[64];
    require(grantpt(master_) == 0 && unlockpt(master_) == 0 &&
                ptsname_r(master_, name, sizeof(name)) == 0,
            "ptsname");
    // The first terminal that a session's leader opens controls the session.
    slave_ = ::open(name, O_RDWR | O_CLOEXEC);
    require(slave_ >= 0, name);
    require(tcsetpgrp(slave_, getpgrp()) == 0, "tcsetpgrp");
  }
  void send(stage& on, const workers&) override {
    winsize size{24, 80, 0, 0};
    for (; !on.sending_stops(); pace(on, line())) {
      size.ws_row = static_cast<unsigned short>(size.ws_row % 100 + 1);
      send_one([&](int) { return ioctl(master_, TIOCSWINSZ, &size) == 0; });
    }
  }

 private:
  int master_ = -1, slave_ = -1;
};

using maker = std::unique_ptr<source> (*)();

template <class Source, auto... Arguments>
std::unique_ptr<source> make() {
  return std::make_unique<Source>(Arguments...);
}

struct named {
  const char* name;
  maker make;
};

constexpr named all[] = {
    {"raise", make<raised>},
    {"pthread_kill", make<thread_killed>},
    {"real_time", make<thread_queued>},
    {"kill", make<killed>},
    {"sigqueue", make<queued>},
    {"self_kill", make<self_killed>},
    {"self_sigqueue", make<self_queued>},
    {"itimer_real", make<interval_timer, ITIMER_REAL, SIGALRM>},
    {"itimer_virtual", make<interval_timer, ITIMER_VIRTUAL, SIGVTALRM>},
    {"itimer_prof", make<interval_timer, ITIMER_PROF, SIGPROF>},
    {"timer", make<thread_timer>},
    {"child", make<child_exit>},
    {"pipe", make<broken_pipe>},
    {"io", make<ready_descriptor>},
    {"window", make<window>},
};

bool is_synchronous(std::string_view name) noexcept {
  return name == "raise" || name == "pipe" || name == "mixed";
}

// Not those that fork or need a terminal.
bool is_mixed(std::string_view name) noexcept {
  constexpr std::string_view all_mixed[] = {
      "raise", "real_time", "self_kill", "self_sigqueue", "itimer_real", "timer", "pipe", "io"};
  return std::find(std::begin(all_mixed), std::end(all_mixed), name) != std::end(all_mixed);
}

}  // namespace

const std::vector<std::string>& source_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const named& each : all) list.emplace_back(each.name);
    list.emplace_back("mixed");
    return list;
  }();
  return names;
}

std::string why_unavailable(std::string_view name) {
  if (test::under_thread_sanitizer && !is_synchronous(name))
    return "ThreadSanitizer delivers late what a thread does not send to itself, and not each";
  if (name != "window") return {};
  // A container may have no terminals.
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0) return std::string{"no terminal can be opened: "} + std::strerror(errno);
  close(terminal);
  return {};
}

std::vector<std::unique_ptr<source>> make_sources(std::string_view name) {
  std::vector<std::unique_ptr<source>> made;
  for (const named& each : all) {
    const bool wanted = name == "mixed" ? is_mixed(each.name) && why_unavailable(each.name).empty()
                                        : name == each.name;
    if (wanted) made.push_back(each.make());
  }
  return made;
}

}  // namespace stress
