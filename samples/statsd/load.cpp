// Sends a known load to a statsd daemon while storming it with signals, and checks what it reports.
//
// For each daemon given: several threads send packets whose sum is known, another one sends SIGHUP,
// SIGUSR1, SIGALRM and SIGCHLD as fast as a short pause allows, and exchanges the configuration
// file meanwhile, also for a broken one. Then the daemon is asked to stop, its reports are added up
// and compared with what was sent. The status is 0 when every daemon that protects its state was
// exact.
//
// The socket is made here and passed on. So this side can see how full its queue is and send no
// more than fits; and packets that the kernel drops all the same are known on both sides.
#include <getopt.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "ledger.hpp"
#include "target.hpp"
#include "workload.hpp"

namespace statsd {
namespace {

using namespace std::chrono_literals;

struct options {
  std::uint64_t packets = 20'000;
  std::uint64_t senders = 4;
  std::uint64_t rounds = 1;
  std::vector<std::string> daemons;
};

/// Sends the packets of one sender, no faster than the daemon takes them.
void send_packets(packet_source source, std::uint64_t count, const server_socket& to,
                  const std::atomic<bool>& give_up) {
  constexpr std::size_t burst = 8;
  const int fd = to.connect_to();
  std::array<std::string, burst> packets;
  std::array<iovec, burst> parts{};
  std::array<mmsghdr, burst> messages{};
  while (count != 0 && !give_up) {
    if (to.is_half_full()) {
      std::this_thread::sleep_for(50us);
      continue;
    }
    const std::size_t size = std::min<std::uint64_t>(burst, count);
    for (std::size_t i = 0; i < size; ++i) {
      source.write_next(packets[i]);
      parts[i] = {packets[i].data(), packets[i].size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    for (std::size_t sent = 0; sent < size;) {
      const int now = sendmmsg(fd, &messages[sent], static_cast<unsigned>(size - sent), 0);
      if (now < 0) fail("sendmmsg");
      sent += static_cast<std::size_t>(now);
    }
    count -= size;
  }
  close(fd);
}

/// The signals, from a thread of its own, until it ends.
class storm {
 public:
  storm(const daemon_process& target, const scratch_folder& folder)
      : target_(target), folder_(folder), thread_([this] { run(); }) {}
  storm(const storm&) = delete;
  storm& operator=(const storm&) = delete;
  ~storm() { end(); }

  void end() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  [[nodiscard]] std::uint64_t broken_snapshots() const { return broken_; }

  /// The configuration files that SIGHUP finds, in turn. The last one is broken.
  static void write_configurations(const scratch_folder& folder) {
    std::ofstream{folder.file("config.0")}
        << "flush_interval = 10\nprefix = first\npercentiles = 90\nafter_snapshot = /bin/true\n";
    std::ofstream{folder.file("config.1")} << "flush_interval = 15\nprefix = second\npercentiles = "
                                              "50 99\nafter_snapshot = /bin/true\n";
    std::ofstream{folder.file("config.2")} << "prefix = third\nflush_interval = soon\n";
    use_configuration(folder, 0);
  }

 private:
  // A file is never seen half written: the name changes over to another one at once.
  static void use_configuration(const scratch_folder& folder, std::uint64_t number) {
    const std::string link = folder.file("config.new");
    const std::string name = "config." + std::to_string(number % 3);
    if (symlink(name.c_str(), link.c_str()) != 0 ||
        rename(link.c_str(), folder.file("config").c_str()) != 0)
      fail("the configuration cannot be exchanged");
  }

  void check_snapshot() {
    const std::string text = read_file(folder_.file("snapshot"));
    if (!text.empty() && !text.ends_with("\n# end of snapshot\n")) ++broken_;
  }

  void run() {
    for (std::uint64_t i = 0; !stop_; ++i) {
      if (i % 200 == 0) {
        target_.send(SIGUSR1);
        check_snapshot();
      } else if (i % 10 == 1) {
        use_configuration(folder_, i / 10);
        target_.send(SIGHUP);
      } else {
        target_.send(i % 4 == 0 ? SIGALRM : SIGCHLD);
      }
      std::this_thread::sleep_for(100us);
    }
  }

  const daemon_process& target_;
  const scratch_folder& folder_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> broken_ = 0;
  std::thread thread_;
};

/// How one daemon did, in one run or in several.
struct outcome {
  std::string protection;
  double seconds = 0;
  double cpu_seconds = 0;
  double sent = 0;  // updates
  double kernel_dropped = 0;
  account updates;
  std::map<std::string, double> counted;  // what the daemon says about itself
  std::vector<std::string> problems;

  void add(const outcome& other) {
    protection = other.protection;
    seconds += other.seconds;
    cpu_seconds += other.cpu_seconds;
    sent += other.sent;
    kernel_dropped += other.kernel_dropped;
    updates.updates += other.updates.updates;
    updates.lost += other.updates.lost;
    updates.doubled += other.updates.doubled;
    for (const auto& [name, value] : other.counted) counted[name] += value;
    problems.insert(problems.end(), other.problems.begin(), other.problems.end());
  }
  [[nodiscard]] double count(const char* name) const {
    const auto found = counted.find(name);
    return found == counted.end() ? 0 : found->second;
  }
  [[nodiscard]] bool exact() const { return problems.empty(); }
  [[nodiscard]] std::string verdict() const {
    return exact() ? "exact" : "BROKEN, " + std::to_string(problems.size()) + " findings";
  }
};

/// "name=number" words.
std::map<std::string, double> parse_summary(const std::string& line) {
  std::map<std::string, double> numbers;
  std::istringstream words{line};
  for (std::string word; words >> word;)
    if (const auto equals = word.find('='); equals != std::string::npos)
      numbers[word.substr(0, equals)] = std::strtod(word.c_str() + equals + 1, nullptr);
  return numbers;
}

bool wait_until_taken(const server_socket& socket, const daemon_process& daemon,
                      steady::time_point deadline) {
  while (!socket.is_empty()) {
    if (daemon.is_gone() || steady::now() > deadline) return false;
    std::this_thread::sleep_for(100us);
  }
  return true;
}

/// Sends everything; false when the daemon does not live to see the end of it.
bool send_all(const options& given, const workload& load, const server_socket& socket,
              const daemon_process& daemon, steady::time_point deadline) {
  std::atomic<bool> give_up = false;
  std::atomic<std::uint64_t> running = given.senders;
  std::vector<std::jthread> senders;
  senders.reserve(given.senders);
  for (std::uint64_t i = 0; i < given.senders; ++i)
    senders.emplace_back([&, i] {
      send_packets(load.source(i), given.packets, socket, give_up);
      --running;
    });
  while (running != 0 && !give_up) {
    std::this_thread::sleep_for(1ms);
    give_up = daemon.is_gone() || steady::now() > deadline;
  }
  senders.clear();
  return !give_up && wait_until_taken(socket, daemon, deadline);
}

/// The storm goes on until the daemon has met the broken configuration, however short the load was.
bool wait_until_rejected(const scratch_folder& folder, const daemon_process& daemon,
                         steady::time_point deadline) {
  while (read_file(folder.file("errors")).empty()) {
    if (daemon.is_gone() || steady::now() > deadline) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

void judge(const options& given, const workload& load, const scratch_folder& folder,
           outcome& result) {
  const auto problem = [&](const std::string& text) { result.problems.push_back(text); };
  const ledger reported{folder.file("reports")};
  std::vector<double> packets(given.senders, static_cast<double>(given.packets));
  // Which of the packets were dropped is what the senders' own counters tell.
  if (result.kernel_dropped != 0)
    for (std::uint64_t i = 0; i < given.senders; ++i)
      packets[i] =
          reported.value("counters.load.s" + std::to_string(i) + ".count", expectation::how::sum);
  result.updates = compare(load, reported, packets);
  for (const auto& wrong : result.updates.wrong) problem(wrong);

  // One more packet than the load: the one at the end.
  const double sent = static_cast<double>(given.senders * given.packets) + 1;
  if (result.count("dropped") != result.kernel_dropped)
    problem("SO_RXQ_OVFL says " + std::to_string(result.count("dropped")) +
            " dropped packets, the socket " + std::to_string(result.kernel_dropped));
  const double received =
      reported.value("counters.statsd.packets_received.count", expectation::how::sum);
  if (received + result.count("dropped") != sent)
    problem("packets reported and dropped are not the packets sent");
  if (result.count("torn") != 0) problem("handlers found metrics half changed");
  if (result.count("helpers") - result.count("reaped") > 1) problem("helpers were not reaped");
  if (reported.unreadable() != 0) problem("the reports have unreadable lines");
}

outcome run_one(const options& given, const workload& load, const std::string& program) {
  const scratch_folder folder;
  const server_socket socket;
  storm::write_configurations(folder);
  outcome result;
  const auto problem = [&](const std::string& text) { result.problems.push_back(text); };
  const auto deadline = steady::now() + 60s;

  daemon_process daemon{program, socket, folder};
  // "statsd: eager, 127.0.0.1:38401": from here on its handlers are there.
  const std::string ready = daemon.read_line(deadline);
  if (!ready.starts_with("statsd: "))
    throw std::runtime_error(program + " does not start: " + read_file(folder.file("errors")));
  result.protection = ready.substr(8, ready.find(',') - 8);

  storm signals{daemon, folder};
  const auto began = steady::now();
  bool alive = send_all(given, load, socket, daemon, deadline);
  result.seconds = std::chrono::duration<double>(steady::now() - began).count();
  result.sent = static_cast<double>(given.senders * given.packets * workload::updates_per_packet);
  result.kernel_dropped = socket.dropped();
  // The number of dropped packets comes along with the next packet, so there is one that is none of
  // the load and finds an empty queue.
  const int last = socket.connect_to();
  alive = alive && wait_until_rejected(folder, daemon, deadline);
  if (alive) alive = ::send(last, "\n", 1, 0) == 1 && wait_until_taken(socket, daemon, deadline);
  close(last);

  // The signals go on until it has ended: a stop, too, has to withstand them.
  daemon.send(alive ? SIGTERM : SIGKILL);
  const std::string summary = daemon.read_line(deadline);
  signals.end();
  if (summary.empty()) daemon.send(SIGKILL);
  const int status = daemon.wait();
  result.cpu_seconds = daemon.cpu_seconds();
  result.counted = parse_summary(summary);
  if (signals.broken_snapshots() != 0) problem("snapshots were found half written");
  if (summary.empty() || status != 0)
    problem("the daemon ended with " + (WIFSIGNALED(status)
                                            ? "signal " + std::to_string(WTERMSIG(status))
                                            : "status " + std::to_string(WEXITSTATUS(status))));
  const std::string errors = read_file(folder.file("errors"));
  if (result.count("rejected") == 0 ||
      errors.find("flush_interval wants milliseconds") == std::string::npos)
    problem("the broken configuration was not reported");
  judge(given, load, folder, result);
  return result;
}

void print_table(const std::vector<outcome>& outcomes) {
  std::printf("\n%-12s %10s %8s %8s %9s %8s %10s %6s %8s %6s  %s\n", "protection", "updates/s",
              "CPU ns", "signals", "sent", "dropped", "accounted", "lost", "doubled", "torn",
              "verdict");
  for (const auto& o : outcomes) {
    const double handled = o.count("reports") + o.count("snapshots") + o.count("reloads") +
                           o.count("rejected") + o.count("children");
    const double arrived = std::max(1.0, o.updates.updates);
    const double accounted = std::max(0.0, o.updates.updates - o.updates.lost);
    std::printf("%-12s %10.0f %8.0f %8.0f %9.0f %8.0f %10.0f %6.0f %8.0f %6.0f  %s\n",
                o.protection.c_str(), arrived / o.seconds, o.cpu_seconds / arrived * 1e9, handled,
                o.sent, o.sent - o.updates.updates, accounted, o.updates.lost, o.updates.doubled,
                o.count("torn"), o.verdict().c_str());
  }
  std::printf(R"(
updates/s  that arrived, from the first packet sent to the last one taken, under the storm and
           beside its senders
CPU ns     of the daemon for each update, for all it did: receiving, parsing, locking, handlers; a
           shared machine makes it differ by a fifth from run to run
signals    whose handlers ran
sent       updates; dropped by the kernel for want of room, as SO_RXQ_OVFL counts them; accounted
           for by values found in the reports
lost       and doubled: net, summed metric by metric
torn       how often a handler found numbers that contradict each other
)");
  for (const auto& o : outcomes) {
    std::printf(
        "\n%s: %.0f reports, %.0f snapshots, %.0f + %.0f configurations taken and rejected, "
        "%.0f SIGCHLD, %.0f of %.0f helpers reaped, %.0f packets dropped\n",
        o.protection.c_str(), o.count("reports"), o.count("snapshots"), o.count("reloads"),
        o.count("rejected"), o.count("children"), o.count("reaped"), o.count("helpers"),
        o.kernel_dropped);
    constexpr std::size_t shown = 3;
    for (std::size_t i = 0; i < std::min(shown, o.problems.size()); ++i)
      std::printf("  %s\n", o.problems[i].c_str());
    if (o.problems.size() > shown) std::printf("  and %zu more\n", o.problems.size() - shown);
  }
}

constexpr const char* usage = R"(usage: load [OPTION...] DAEMON...

Sends a known load to each daemon, storms it with signals, and compares its reports.

  --packets N  from each sender (default 20000), of 60 lines each
  --senders N  (default 4)
  --rounds N   of all daemons in turn (default 1)
  --help       this text

The status is 1 when a daemon that protects its state was not exact.
)";

std::optional<options> parse_arguments(int argc, char** argv) {
  static constexpr option known[] = {{"packets", required_argument, nullptr, 'p'},
                                     {"senders", required_argument, nullptr, 's'},
                                     {"rounds", required_argument, nullptr, 'r'},
                                     {"help", no_argument, nullptr, 'h'},
                                     {nullptr, 0, nullptr, 0}};
  options given;
  for (int found; (found = getopt_long(argc, argv, "h", known, nullptr)) != -1;) {
    if (found == 'h') {
      std::fputs(usage, stdout);
      std::exit(0);
    }
    if (found == '?') return std::nullopt;
    std::uint64_t& number = found == 'p'   ? given.packets
                            : found == 's' ? given.senders
                                           : given.rounds;
    const std::string_view text{optarg};
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || stop != text.data() + text.size() || number == 0 ||
        number > 100'000'000) {
      std::fprintf(stderr, "load: \"%s\" is no number from 1 to 100000000\n", optarg);
      return std::nullopt;
    }
  }
  given.daemons.assign(argv + optind, argv + argc);
  if (given.daemons.empty()) {
    std::fputs("load: no daemon is named\n", stderr);
    return std::nullopt;
  }
  return given;
}

int run(const options& given) {
  const workload load{given.senders, 20'240'624};
  std::vector<outcome> outcomes(given.daemons.size());
  for (std::uint64_t round = 0; round < given.rounds; ++round)
    for (std::size_t i = 0; i < given.daemons.size(); ++i) {
      const outcome one = run_one(given, load, given.daemons[i]);
      std::printf("round %llu of %llu, %s: %.0f updates in %.2f s\n",
                  static_cast<unsigned long long>(round) + 1,
                  static_cast<unsigned long long>(given.rounds), one.protection.c_str(), one.sent,
                  one.seconds);
      std::fflush(stdout);
      outcomes[i].add(one);
    }
  print_table(outcomes);
  const bool good = std::all_of(outcomes.begin(), outcomes.end(), [](const outcome& o) {
    return o.exact() || o.protection == "unprotected";
  });
  return good ? 0 : 1;
}

}  // namespace
}  // namespace statsd

int main(int argc, char** argv) {
  const auto given = statsd::parse_arguments(argc, argv);
  if (!given) {
    std::fputs("Try: load --help\n", stderr);
    return 2;
  }
  try {
    return statsd::run(*given);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "load: %s\n", error.what());
    return 1;
  }
}
