// A statsd daemon: it takes metrics over UDP on loopback and reports them by and by.
//
// Its signal handlers do real work on the state that the receiving loop changes all the time:
//
//   a timer          ends the interval: reports it and clears it; so does SIGALRM
//   SIGUSR1          writes a snapshot of the interval so far, and renames it into place
//   SIGHUP           reads the configuration again
//   SIGCHLD          reaps the helper that was started after a snapshot
//
// They may, because all of the state is in one mutex of the library: no handler runs while the loop
// holds it. A handler that came meanwhile runs when the loop unlocks, that is, between two updates,
// and then locks the mutex itself. What is left to care for is that handlers call nothing that is
// not async-signal-safe; so nothing below the line "in handlers" allocates or uses stdio.
//
// SIGTERM and SIGINT belong to a stop_signal: what is queued is still taken, and the last interval
// reported. A second one, or ten seconds, end the daemon in any case.
//
// There is one thread, beside that of the stop_signal. The mutex would also keep a second one out.
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <sigsafe/handler.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/replace_file.hpp>
#include <sigsafe/stop.hpp>
#include <sigsafe/timer.hpp>
#include <sigsafe/writer.hpp>

#include "config.hpp"
#include "metrics.hpp"
#include "options.hpp"
#include "protection.hpp"
#include "protocol.hpp"
#include "receiver.hpp"
#include "report.hpp"

namespace statsd {
namespace {

using steady = std::chrono::steady_clock;

struct state {
  config settings;
  metrics interval;
  steady::time_point interval_began{};

  // What handlers ask of the loop.
  bool settings_changed = false;
  bool helper_wanted = false;
  bool helper_runs = false;

  // Since the start.
  std::uint64_t packets = 0;
  std::uint64_t updates = 0;
  std::uint64_t torn = 0;  // how often a handler found the metrics half changed
  std::uint64_t reports = 0;
  std::uint64_t snapshots = 0;
  std::uint64_t reloads = 0;
  std::uint64_t rejected = 0;
  std::uint64_t children = 0;  // SIGCHLD
  std::uint64_t helpers = 0;
  std::uint64_t reaped = 0;

  [[nodiscard]] bool wants_attention() const noexcept {
    return settings_changed || (helper_wanted && !helper_runs);
  }
};

// Static: it is large. A constant initialiser, so that it is there before any handler.
constinit protection::mutex<state> shared;

// ---------------------------------------------------------------------------- in handlers

void complain(std::string_view subject, std::string_view what) noexcept {
  // There is nowhere to say that nothing can be said.
  sigsafe::print(STDERR_FILENO, "statsd: {}: {}\n", subject, what);
}

void write_report(writer& out, const state& s) noexcept {
  const std::chrono::duration<double> length = steady::now() - s.interval_began;
  interval_report{out, s.settings, length.count()}.write(s.interval);
}

void end_interval(state& s, int fd) noexcept {
  if (!s.interval.consistent()) ++s.torn;
  writer out{fd};
  write_report(out, s);
  if (out.flush() != 0)
    complain("report", "cannot be written; the metrics of one interval are lost");
  s.packets += s.interval.packets;
  s.updates += s.interval.updates;
  ++s.reports;
  s.interval.clear();
  s.interval_began = steady::now();
}

/// What the timer does.
struct flush {
  int reports;
  void operator()() const noexcept { end_interval(*shared.lock(), reports); }
};

// Readers find the old snapshot or the new one, never a part.
void take_snapshot(state& s, const options& paths) noexcept {
  if (!s.interval.consistent()) ++s.torn;
  const int error = sigsafe::replace_file(paths.snapshot.c_str(), 0644, [&](writer& out) noexcept {
    write_report(out, s);
    out.print("# end of snapshot\n");
  });
  if (error != 0) return complain(paths.snapshot, "cannot be written; there is no new snapshot");
  ++s.snapshots;
  s.helper_wanted = !s.settings.after_snapshot.empty();
}

// In the handler, and not in the loop at the next opportunity, because nothing speaks against it:
// what it needs is async-signal-safe, and the loop cannot see half of a configuration. Only what
// follows from it, the timer and posix_spawn, is not on POSIX's list and left to the loop.
bool reload(state& s, const char* path) noexcept {
  const parsed_config parsed = read_config(path);
  if (parsed.error != nullptr) {
    writer out{STDERR_FILENO};
    out.print("statsd: {}", path);
    if (parsed.line != 0) out.print(":{}", parsed.line);
    out.print(": {}; nothing of it is used\n", parsed.error);
    return false;
  }
  s.settings = parsed.settings;
  s.settings_changed = true;
  return true;
}

void reap(state& s) noexcept {
  int status = 0;
  // In a loop: the ends of several children may arrive as one signal.
  while (waitpid(-1, &status, WNOHANG) > 0) {
    ++s.reaped;
    s.helper_runs = false;
    if (status != 0) complain(s.settings.after_snapshot.view(), "did not succeed");
  }
}

// ---------------------------------------------------------------------------- in the loop

void take_packet(std::string_view packet, bool cut) {
  {
    const auto s = shared.lock();
    ++s->interval.packets;
    s->interval.bad_lines += cut ? 1 : 0;
  }
  for_each_line(cut ? whole_lines(packet) : packet, [](std::string_view line) {
    const std::optional<update> parsed = parse_line(line);
    // Locked for each update and not for a whole packet, so that no handler waits for long.
    const auto s = shared.lock();
    if (parsed)
      s->interval.apply(*parsed);
    else
      ++s->interval.bad_lines;
  });
}

using flush_timer = sigsafe::interval_timer<flush>;

// The next report is due an interval after the last one, however often the file is read meanwhile.
void set_timer(flush_timer& timer, std::chrono::microseconds interval,
               steady::time_point last_report) {
  timer.start(interval, interval - (steady::now() - last_report));
}

// The child starts as every program expects to: nothing blocked, nothing ignored.
bool start_helper(const char* program, const std::string& snapshot) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string path{program};
  std::string argument{snapshot};
  char* const arguments[] = {path.data(), argument.data(), nullptr};
  pid_t pid = 0;
  const int error = posix_spawn(&pid, program, nullptr, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) complain(program, "cannot be started; check after_snapshot in the configuration");
  return error == 0;
}

/// Does what handlers have asked for.
void attend(const options& given, flush_timer& timer) {
  std::optional<std::chrono::milliseconds> interval;
  steady::time_point last_report;
  std::optional<short_text<255>> program;
  {
    const auto s = shared.lock();
    if (s->settings_changed) interval = s->settings.flush_interval;
    last_report = s->interval_began;
    s->settings_changed = false;
    if (s->helper_wanted && !s->helper_runs) {
      program = s->settings.after_snapshot;
      s->helper_wanted = false;
      // Before it runs: it may end before posix_spawn returns.
      s->helper_runs = true;
      ++s->helpers;
    }
  }
  // Outside of the lock: a child must not inherit a mask, and handlers need not wait for a fork.
  if (interval) set_timer(timer, *interval, last_report);
  if (program && !start_helper(program->c_str(), given.snapshot)) {
    const auto s = shared.lock();
    s->helper_runs = false;
    --s->helpers;
  }
}

/// Sleeps until there is a packet or something to attend to.
void wait_for_work(int socket, const sigsafe::stop_signal& stop) {
  std::array<pollfd, 1> sockets{{{socket, POLLIN, 0}}};
  // A signal between the check and the sleep does not come too late: it is held off until the guard
  // sleeps, and then wakes it.
  protection::guard off;
  if (!stop.requested() && !shared.lock()->wants_attention()) off.poll(sockets);
}

void print_summary(const state& s, std::uint32_t dropped) noexcept {
  sigsafe::print(STDOUT_FILENO,
                 "statsd: stopped: packets={} dropped={} updates={} torn={} reports={} "
                 "snapshots={} reloads={} rejected={} children={} helpers={} reaped={}\n",
                 s.packets, dropped, s.updates, s.torn, s.reports, s.snapshots, s.reloads,
                 s.rejected, s.children, s.helpers, s.reaped);
}

int run(const options& given) {
  const int socket = open_socket(given);
  constexpr int append = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  const int reports =
      given.reports.empty() ? STDOUT_FILENO : open(given.reports.c_str(), append, 0644);
  if (reports < 0) fail("the file of --reports cannot be opened");
  shared.lock()->interval_began = steady::now();

  // A late signal must not kill a daemon that has done all its work already.
  constexpr sigsafe::handler_options wanted{.at_end = sigsafe::at_end::ignore, .restart = true};
  const sigsafe::handler on_alarm{SIGALRM, flush{reports}, wanted};
  const sigsafe::handler on_usr1{SIGUSR1, [&]() noexcept { take_snapshot(*shared.lock(), given); },
                                 wanted};
  const sigsafe::handler on_hup{SIGHUP,
                                [&]() noexcept {
                                  const auto s = shared.lock();
                                  const bool good = reload(*s, given.config.c_str());
                                  ++(good ? s->reloads : s->rejected);
                                },
                                wanted};
  const sigsafe::handler on_child{SIGCHLD,
                                  []() noexcept {
                                    const auto s = shared.lock();
                                    ++s->children;
                                    reap(*s);
                                  },
                                  wanted};
  flush_timer timer{flush{reports}};
  const sigsafe::stop_signal stop{
      {SIGTERM, SIGINT},
      {.at_end = sigsafe::at_end::ignore, .deadline = std::chrono::seconds{10}, .restart = true}};

  if (!reload(*shared.lock(), given.config.c_str())) return 2;
  std::printf("statsd: %.*s, 127.0.0.1:%d\n", static_cast<int>(protection::name.size()),
              protection::name.data(), port_of(socket));
  std::fflush(stdout);

  static receiver packets{socket};
  while (!stop.requested()) {
    attend(given, timer);
    if (!packets.receive(take_packet)) wait_for_work(socket, stop);
  }
  // What had been queued when the signal came; not for ever, because senders may go on.
  for (int i = 0; i < 1000 && packets.receive(take_packet); ++i) {}

  const protection::guard off;
  end_interval(*shared.lock(), reports);
  print_summary(*shared.lock(), packets.dropped());
  return 0;
}

}  // namespace
}  // namespace statsd

int main(int argc, char** argv) {
  const auto given = statsd::parse_arguments(argc, argv);
  if (!given) {
    std::fputs("Try: statsd --help\n", stderr);
    return 2;
  }
  try {
    return statsd::run(*given);
  } catch (const std::system_error& error) {
    std::fprintf(stderr, "statsd: %s\n", error.what());
    return 1;
  }
}
