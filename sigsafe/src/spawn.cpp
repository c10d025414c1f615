#include <sigsafe/process.hpp>

#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <sigsafe/child.hpp>
#include <sigsafe/detail/thread_state.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/panic.hpp>
#include <sigsafe/spawn_options.hpp>
#include <sigsafe/src/children.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/src/system/programs.hpp>
#include <sigsafe/string_list.hpp>

extern "C" char** environ;

namespace sigsafe {

namespace detail {
namespace {

[[noreturn]] void fail_start(int error, std::initializer_list<std::string_view> parts) {
  std::string text = "sigsafe: ";
  for (const std::string_view each : parts) text += each;
  throw std::system_error(error, std::generic_category(), text);
}

// ---- what did not work

const char* advice_on_process(int error) noexcept {
  switch (error) {
    case EAGAIN:
      return "there is no room for one more process: wait for those that have ended, or raise "
             "RLIMIT_NPROC (ulimit -u) or the limit of the container";
    case EMFILE:
      return "there is no descriptor left for its pidfd: close some, or raise RLIMIT_NOFILE "
             "(ulimit -n)";
    case ENFILE: return "the system has no descriptor left for its pidfd";
    case ENOMEM: return "there is no memory for a process, or the PID namespace has lost its first";
    case ENOSYS:
    case EPERM: return "this process may not use clone: look at its seccomp filter";
    default: return "clone failed";
  }
}

const char* advice_on_execution(int error) noexcept {
  switch (error) {
    case ENOENT: return "there is no such program, or the interpreter that it names is missing";
    case EACCES:
      return "it may not be executed: look at the permissions of the file and its folders";
    case ENOEXEC:
      return "the kernel does not know its format; a script needs a first line such as #!/bin/sh";
    case E2BIG: return "its arguments and environment are too long";
    default: return "execve failed";
  }
}

[[noreturn]] void fail_start(const system::start_failure& failure, const char* name) {
  using system::start_step;
  const std::string_view program = failure.path != nullptr ? failure.path : name;
  switch (failure.step) {
    case start_step::execution:
      if (failure.error == ENOENT && program != name)
        fail_start(ENOENT, {"cannot run ", name,
                            ": no folder of PATH has such a program, or the interpreter that it "
                            "names is missing"});
      fail_start(failure.error, {"cannot run ", program, ": ", advice_on_execution(failure.error)});
    case start_step::directory:
      fail_start(failure.error, {"cannot start ", name, " in the directory ", program});
    case start_step::descriptor:
      fail_start(failure.error,
                 {"cannot give ", program, " its descriptor ", std::to_string(failure.descriptor),
                  ": is its source open, and is the number below RLIMIT_NOFILE?"});
    case start_step::group:
      fail_start(failure.error,
                 {"cannot put ", program,
                  " into its process group: there is no such group in this session"});
    case start_step::parent_death:
      fail_start(failure.error,
                 {"cannot start ", program, ": its .parent_death_signal is no signal"});
    case start_step::session: fail_start(failure.error, {"cannot begin a session for ", program});
    default:
      fail_start(failure.error, {"cannot start ", program, ": ", advice_on_process(failure.error)});
  }
}

// ---- what the child is given

// As execvp: the folders of PATH, an empty one is the working directory.
std::vector<std::string> paths_of(const std::string& name, bool search) {
  if (!search || name.empty() || name.find('/') != std::string::npos) return {name};
  const char* const path = getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/bin:/usr/bin";
  std::vector<std::string> found;
  for (;;) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    std::string file{rest.substr(0, end)};
    if (!file.empty()) file += '/';
    found.push_back(file.append(name));
    if (end == rest.size()) return found;
    rest.remove_prefix(end + 1);
  }
}

bool names(const char* variable, std::string_view name) noexcept {
  return std::strncmp(variable, name.data(), name.size()) == 0 &&
         (variable[name.size()] == '=' || variable[name.size()] == '\0');
}

std::vector<const char*> environment_of(const spawn_options& options) {
  std::vector<const char*> all;
  if (!options.clear_environment && environ != nullptr)
    for (char** each = environ; *each != nullptr; ++each) all.push_back(*each);
  for (const char* const asked : options.environment) {
    const std::size_t length = std::strcspn(asked, "=");
    std::erase_if(all, [&](const char* each) { return names(each, {asked, length}); });
    if (asked[length] == '=') all.push_back(asked);
  }
  all.push_back(nullptr);
  return all;
}

// In ascending order.
void add(std::vector<passed_descriptor>& all, int number, descriptor_source from) {
  if (number < 0)
    fail_start(EBADF, {"spawn: ", std::to_string(number), " is no number of a descriptor"});
  auto at = all.begin();
  while (at != all.end() && at->number < number) ++at;
  if (at != all.end() && at->number == number)
    fail_start(EINVAL, {"spawn: the child's descriptor ", std::to_string(number),
                        " is named twice in the options"});
  all.insert(at, {number, from});
}

std::vector<passed_descriptor> descriptors_of(const spawn_options& options) {
  std::vector<passed_descriptor> all;
  if (!options.input.is_inherited()) add(all, STDIN_FILENO, options.input);
  if (!options.output.is_inherited()) add(all, STDOUT_FILENO, options.output);
  if (!options.error.is_inherited()) add(all, STDERR_FILENO, options.error);
  for (const passed_descriptor& each : options.descriptors)
    add(all, each.number, each.from.is_inherited() ? each.number : each.from);
  return all;
}

std::vector<const char*> pointers(const std::vector<std::string>& strings) {
  std::vector<const char*> all;
  all.reserve(strings.size() + 1);
  for (const std::string& each : strings) all.push_back(each.c_str());
  all.push_back(nullptr);
  return all;
}

}  // namespace

char* copy_of_text(const char* text, std::size_t size) {
  if (std::memchr(text, '\0', size) != nullptr)
    fail_start(
        EINVAL,
        {"a string for a program has a zero in it, and the program would see only \"", text, "\""});
  char* const copy = new char[size + 1];
  std::memcpy(copy, text, size);
  copy[size] = '\0';
  return copy;
}

}  // namespace detail

child spawn(const string_list& arguments, const spawn_options& options, location where) {
  if (detail::current_thread().running.load() != nullptr)
    panic("spawn inside a handler would allocate; set a flag and spawn outside", where);
  if (arguments.size() == 0)
    detail::fail_start(EINVAL,
                       {"spawn: there are no arguments; the first one is the program's name"});
  if (!detail::system::has_process_descriptors())
    detail::fail_start(
        ENOSYS, {"spawn needs pidfds that waitid knows: Linux 5.4 or newer, and no filter that "
                 "forbids them"});
  detail::ensure_page();
  detail::reap_detached();

  const char* const name = options.program != nullptr ? options.program : arguments[0];
  const std::vector<std::string> paths = detail::paths_of(name, options.search_path);
  const std::vector<const char*> path_pointers = detail::pointers(paths);
  std::vector<const char*> argument_pointers{arguments.begin(), arguments.end()};
  argument_pointers.push_back(nullptr);
  const std::vector<const char*> environment = detail::environment_of(options);
  std::vector<passed_descriptor> descriptors = detail::descriptors_of(options);
  const detail::system::program wanted{
      .paths = path_pointers.data(),
      .arguments = argument_pointers.data(),
      .environment = environment.data(),
      .directory = options.directory,
      .descriptors = descriptors.data(),
      .descriptors_size = descriptors.size(),
      .inherits_descriptors = options.inherit_descriptors,
      .blocked = options.blocked.is_chosen() ? options.blocked.blocked() : program_mask(),
      .ignored = options.ignored,
      .keep_ignored = options.keep_ignored,
      .group = options.process_group,
      .begins_session = options.session,
      .parent_death_signal = options.parent_death_signal};

  auto* const state = new detail::child_state;
  detail::enter_child(*state);
  detail::system::start_failure failure;
  const pid_t pid = detail::system::start(wanted, state->descriptor, failure);
  if (pid == 0) {
    detail::discard_child(*state);
    detail::fail_start(failure, name);
  }
  state->pid.store(pid, std::memory_order_relaxed);
  return child{state};
}

}  // namespace sigsafe
