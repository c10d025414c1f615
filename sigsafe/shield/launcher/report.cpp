#include <sigsafe/shield/launcher/report.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <sigsafe/detail/signal_name.hpp>
#include <sigsafe/shield/launcher/elf.hpp>

namespace shield {
namespace {

constexpr std::array<const char*, sigsafe_shield_regions> region_names{
    "malloc", "fork", "time zone", "environment", "syslog", "stdio"};

[[noreturn]] void fail(int error, const std::string& text) {
  throw std::system_error(error, std::generic_category(), text);
}

/// The processes of the program are still counting.
template <class T>
T now(const T& counter) noexcept {
  return __atomic_load_n(&counter, __ATOMIC_ACQUIRE);
}

std::string name_of(int signal) {
  const std::string_view name = sigsafe::detail::signal_name(signal);
  return name.empty() ? fmt::format("signal {}", signal) : std::string{name};
}

std::string describe(const sigsafe_shield_counts& entry) {
  const std::string module(entry.module, strnlen(entry.module, sizeof(entry.module)));
  const std::string file = module.substr(module.rfind('/') + 1);
  const std::string function = function_at(module, entry.offset);
  return function.empty() ? fmt::format("{}+{:#x}", file, entry.offset)
                          : fmt::format("{} ({})", function, file);
}

}  // namespace

count_file count_file::map(int fd, std::string path, bool is_new, bool is_temporary) {
  constexpr std::size_t size = sizeof(sigsafe_shield_report);
  int error = is_new && ftruncate(fd, size) != 0 ? errno : 0;
  void* mapped = MAP_FAILED;
  if (error == 0) {
    mapped = mmap(nullptr, size, is_new ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) error = errno;
  }
  close(fd);
  if (error != 0) {
    if (is_temporary) unlink(path.c_str());
    fail(error, fmt::format("{} cannot be used to count in; is its disk full?", path));
  }
  auto* const counts = static_cast<sigsafe_shield_report*>(mapped);
  if (is_new) counts->magic = SIGSAFE_SHIELD_REPORT_MAGIC;
  return {std::move(path), is_temporary, counts};
}

count_file count_file::make(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) fail(errno, fmt::format("{} cannot be written; choose another file", path));
  // The program may change its directory.
  return map(fd, std::filesystem::absolute(path), true, false);
}

count_file count_file::make_temporary() {
  const char* const folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  std::string path = fmt::format("{}/sigsafe-shield.XXXXXX", folder);
  const int fd = mkostemp(path.data(), O_CLOEXEC);
  if (fd < 0)
    fail(errno, fmt::format("no file to count in can be made in {}; use --count=FILE", folder));
  return map(fd, std::move(path), true, true);
}

count_file count_file::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(errno, fmt::format("{} cannot be read", path));
  struct stat about{};
  std::uint64_t magic = 0;
  if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) ||
      about.st_size != sizeof(sigsafe_shield_report) ||
      pread(fd, &magic, sizeof(magic), 0) != sizeof(magic) ||
      magic != SIGSAFE_SHIELD_REPORT_MAGIC) {
    close(fd);
    throw std::runtime_error(fmt::format(
        "{} was not made by --count of this version of sigsafe-shield; name the file that was "
        "given there",
        path));
  }
  return map(fd, path, false, false);
}

count_file::count_file(count_file&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      is_temporary_(std::exchange(other.is_temporary_, false)),
      counts_(std::exchange(other.counts_, nullptr)) {}

count_file::~count_file() {
  if (counts_ != nullptr) munmap(const_cast<sigsafe_shield_report*>(counts_), sizeof(*counts_));
  if (is_temporary_) unlink(path_.c_str());
}

report summarise(const sigsafe_shield_report& counts) {
  report all;
  for (const sigsafe_shield_counts& entry : counts.handlers) {
    if (now(entry.state) != 2) continue;
    const std::string handler = describe(entry);
    for (int region = 0; region < sigsafe_shield_regions; ++region)
      if (const std::uint64_t count = now(entry.deferred[region]); count != 0)
        all.deferred.push_back({name_of(entry.signal), handler,
                                region_names.at(static_cast<std::size_t>(region)), count});
    all.called += now(entry.called);
    all.let_in += now(entry.let_in);
  }
  all.uncounted = now(counts.uncounted);
  all.unshielded = now(counts.unshielded);
  std::stable_sort(all.deferred.begin(), all.deferred.end(),
                   [](const deferrals& a, const deferrals& b) { return a.count > b.count; });
  return all;
}

std::string text_of(const report& all) {
  std::string text;
  const auto add = [&text](std::string_view line) {
    text += line;
    text += '\n';
  };
  if (all.deferred.empty()) {
    add("sigsafe-shield: no handler had to wait");
  } else {
    add("sigsafe-shield: these handlers came while their thread was inside, and ran behind it:");
    std::size_t signal = 6, handler = 7;
    for (const deferrals& each : all.deferred) {
      signal = std::max(signal, each.signal.size());
      handler = std::max(handler, each.handler.size());
    }
    add(fmt::format("  {:<{}}  {:<{}}  {:<11}  {:>10}", "signal", signal, "handler", handler,
                    "inside", "times"));
    for (const deferrals& each : all.deferred)
      add(fmt::format("  {:<{}}  {:<{}}  {:<11}  {:>10}", each.signal, signal, each.handler,
                      handler, each.region, each.count));
  }
  if (all.let_in != 0)
    add(fmt::format("{} times a handler was let into syslog, which hung for a second", all.let_in));
  if (all.uncounted != 0)
    add(fmt::format("{} more times: there is room for {} handlers here", all.uncounted,
                    static_cast<int>(sigsafe_shield_most_handlers)));
  if (all.unshielded != 0)
    add(fmt::format("{} handlers ran as without the shield: there were too many to shield all",
                    all.unshielded));
  return text;
}

std::string json_of(const report& all) {
  nlohmann::ordered_json deferred = nlohmann::ordered_json::array();
  for (const deferrals& each : all.deferred)
    deferred.push_back({{"signal", each.signal},
                        {"handler", each.handler},
                        {"inside", each.region},
                        {"times", each.count}});
  const nlohmann::ordered_json document{{"deferred", deferred},
                                        {"called", all.called},
                                        {"let_in", all.let_in},
                                        {"uncounted", all.uncounted},
                                        {"unshielded", all.unshielded}};
  return document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

}  // namespace shield
