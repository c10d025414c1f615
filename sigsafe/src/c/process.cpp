// Children, and what programs are started with.
#include <sigsafe/sigsafe.h>

#include <errno.h>
#include <signal.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <system_error>

#include <sigsafe/child.hpp>
#include <sigsafe/exit_status.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/signal_set.hpp>
#include <sigsafe/spawn_options.hpp>
#include <sigsafe/src/c/failure.hpp>
#include <sigsafe/src/c/times.hpp>
#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/string_list.hpp>

namespace sigsafe::c {
namespace {

sigsafe_exit_status status_of(exit_status end) noexcept {
  if (!end) return {SIGSAFE_RUNNING, 0};
  if (end.exited()) return {SIGSAFE_EXITED, end.code()};
  if (end.signalled()) return {end.dumped_core() ? SIGSAFE_DUMPED : SIGSAFE_KILLED, end.signal()};
  return {SIGSAFE_UNKNOWN, 0};
}

exit_status end_of(sigsafe_exit_status status) noexcept {
  switch (status.kind) {
    case SIGSAFE_EXITED: return exit_status::of_code(status.number);
    case SIGSAFE_KILLED: return exit_status::of_signal(status.number);
    case SIGSAFE_DUMPED: return exit_status::of_signal(status.number, true);
    case SIGSAFE_RUNNING: return {};
    default: return exit_status::of_unknown();
  }
}

detail::child_state* state_of(const sigsafe_child* child) noexcept {
  return static_cast<detail::child_state*>(child->opaque);
}

int no_process() noexcept {
  return fail(EINVAL,
              "sigsafe: this sigsafe_child has no process: sigsafe_spawn was not called, "
              "or failed, or it was destroyed or detached");
}

descriptor_source source_of(int fd) noexcept {
  return fd == SIGSAFE_NULL_DEVICE ? descriptor_source::null_device() : descriptor_source{fd};
}

spawn_options options_of(const sigsafe_spawn_options& given) {
  spawn_options options;
  if (given.process_group < 0 && given.process_group != SIGSAFE_NEW_PROCESS_GROUP)
    throw std::system_error(EINVAL, std::generic_category(),
                            "sigsafe: process_group is 0, SIGSAFE_NEW_PROCESS_GROUP or the number "
                            "of a process group");
  if (given.blocked != nullptr) options.blocked = signal_set{*given.blocked};
  options.clear_environment = given.clear_environment;
  for (std::size_t i = 0; i < given.descriptors_size; ++i)
    options.descriptors.push_back(
        {given.descriptors[i].number, source_of(given.descriptors[i].from)});
  options.directory = given.directory;
  if (given.environment != nullptr) options.environment = string_list{given.environment};
  options.ignored = set_of(given.ignored);
  options.inherit_descriptors = given.inherit_descriptors;
  options.keep_ignored = set_of(given.keep_ignored);
  options.parent_death_signal = given.parent_death_signal;
  if (given.process_group != 0)
    options.process_group =
        given.process_group == SIGSAFE_NEW_PROCESS_GROUP ? 0 : given.process_group;
  options.program = given.program;
  options.search_path = !given.no_search_path;
  options.session = given.session;
  return options;
}

int wait_for(sigsafe_child* child, std::int64_t nanoseconds, sigsafe_exit_status* status) {
  if (child->opaque == nullptr) return no_process();
  sigsafe_exit_status end{SIGSAFE_RUNNING, 0};
  const int failed = error_of(
      [&] { end = status_of(detail::await_end(*state_of(child), nanoseconds, {nullptr, 0})); });
  if (failed != 0) return failed;
  if (status != nullptr) *status = end;
  return end.kind != SIGSAFE_RUNNING ? 0 : fail_by_time();
}

}  // namespace
}  // namespace sigsafe::c

void sigsafe_program_mask(sigset_t* mask) noexcept { *mask = sigsafe::program_mask().native(); }

int sigsafe_spawn(sigsafe_child* child, char* const arguments[],
                  const sigsafe_spawn_options* options) noexcept {
  if (child->opaque != nullptr)
    return sigsafe::c::fail(EBUSY,
                            "sigsafe: this sigsafe_child has a process; destroy or detach "
                            "it first, or use another");
  return sigsafe::c::error_of([&] {
    const sigsafe::spawn_options wanted =
        options != nullptr ? sigsafe::c::options_of(*options) : sigsafe::spawn_options{};
    sigsafe::string_list words;  // none are refused
    if (arguments != nullptr) words = sigsafe::string_list{arguments};
    child->opaque = sigsafe::spawn(words, wanted, {nullptr, 0}).release();
  });
}

pid_t sigsafe_child_pid(const sigsafe_child* child) noexcept {
  return child->opaque == nullptr ? -1 : sigsafe::detail::pid_of(*sigsafe::c::state_of(child));
}

int sigsafe_child_fd(const sigsafe_child* child) noexcept {
  return child->opaque == nullptr ? -1
                                  : sigsafe::detail::descriptor_of(*sigsafe::c::state_of(child));
}

int sigsafe_child_kill(const sigsafe_child* child, int signal) noexcept {
  if (child->opaque == nullptr) return sigsafe::c::no_process();
  const sigsafe::detail::errno_saver saver;
  if (sigsafe::detail::send_to_child(*sigsafe::c::state_of(child), signal)) return 0;
  return sigsafe::c::fail(errno, errno == ESRCH
                                     ? "sigsafe: the child has ended"
                                     : "sigsafe: the signal cannot be sent to the child: is the "
                                       "number that of a signal, and may this process do that?");
}

int sigsafe_child_look(sigsafe_child* child, sigsafe_exit_status* status) noexcept {
  if (child->opaque == nullptr) return sigsafe::c::no_process();
  const sigsafe::exit_status end = sigsafe::detail::look_for_end(*sigsafe::c::state_of(child));
  if (status != nullptr) *status = sigsafe::c::status_of(end);
  return 0;
}

int sigsafe_child_wait(sigsafe_child* child, sigsafe_exit_status* status) {
  return sigsafe::c::wait_for(child, -1, status);
}

int sigsafe_child_wait_until(sigsafe_child* child, int64_t deadline, sigsafe_exit_status* status) {
  return sigsafe::c::wait_for(child, sigsafe::c::nanoseconds_until(deadline), status);
}

int sigsafe_child_on_exit(sigsafe_child* child, sigsafe_exit_function* function,
                          void* data) noexcept {
  if (child->opaque == nullptr) return sigsafe::c::no_process();
  if (function == nullptr)
    return sigsafe::c::fail(EINVAL,
                            "sigsafe: sigsafe_child_on_exit needs a function, and this one "
                            "is null");
  const auto call = [function, data](sigsafe::exit_status end) noexcept {
    function(sigsafe::c::status_of(end), data);
  };
  return sigsafe::c::error_of([&] {
    // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): error_of handles it
    auto* const told = new sigsafe::detail::end_function{call};
    sigsafe::detail::call_at_end(*sigsafe::c::state_of(child), *told);
  });
}

void sigsafe_child_destroy(sigsafe_child* child) noexcept {
  if (child->opaque == nullptr) return;
  sigsafe::detail::end_child(*sigsafe::c::state_of(child));
  child->opaque = nullptr;
}

void sigsafe_child_detach(sigsafe_child* child) noexcept {
  if (child->opaque == nullptr) return;
  sigsafe::detail::detach_child(*sigsafe::c::state_of(child));
  child->opaque = nullptr;
}

size_t sigsafe_reap_children() noexcept { return sigsafe::reap_children(); }

int sigsafe_reap_all(sigsafe_reap_function* function, void* data, size_t* reaped) noexcept {
  std::size_t ended = 0;
  const int failed = sigsafe::c::error_of([&] {
    ended = sigsafe::reap_all([&](pid_t pid, sigsafe::exit_status end) {
      if (function != nullptr) function(pid, sigsafe::c::status_of(end), data);
    });
  });
  if (reaped != nullptr) *reaped = ended;
  return failed;
}

int sigsafe_become_subreaper() noexcept {
  return sigsafe::c::error_of([] { sigsafe::become_subreaper(); });
}

void sigsafe_end_as(sigsafe_exit_status end) noexcept { sigsafe::end_as(sigsafe::c::end_of(end)); }

void sigsafe_prepare_exec(const sigset_t* ignored) noexcept {
  sigsafe::prepare_exec(sigsafe::c::set_of(ignored));
}
