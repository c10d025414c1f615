// Files that are replaced as a whole, by handlers too.
#pragma once

#include <sigsafe/config.hpp>

#include <sys/types.h>

#include <memory>
#include <type_traits>

#include <sigsafe/writer.hpp>

namespace sigsafe {
namespace detail {

/// The function writes to a descriptor, and returns an errno value.
SIGSAFE_API int replace_file(const char* path, mode_t mode,
                             int (*write)(void* function, int fd) noexcept,
                             void* function) noexcept;

}  // namespace detail

/// Writes a file anew: who opens it finds the old one or the new one, whole. It is written under a
/// name beside `path`, and then renamed; when anything fails the old file is as it was, and that
/// name is gone.
///
///     const int error = sigsafe::replace_file("/run/state", 0644, [&](auto& out) noexcept {
///       out.print("requests {}\n", requests);
///     });
///
/// The function gets a writer<4096>&. It returns nothing, or an int: an errno value other than 0
/// gives up. The mode is that of open(2), so the umask applies. A symbolic link is replaced itself.
/// Calls may interrupt each other and come from several threads and processes: the last rename
/// stays. A process that dies inside leaves a file PATH.PID-N.new behind.
///
/// This is about readers, not about a computer that loses its power: there is no fsync.
/// Safety:   async-signal-safe, thread-safe, as far as the function is; errno is kept; no
///           cancellation point
/// Errors:   returns an errno value, 0 when the file is in place: that of open, write, close or
///           rename (ENOSPC, EACCES, ENAMETOOLONG, …), or of the function
/// Cost:     four system calls, and one for each 4 KiB; 9 KiB of stack. Some file systems wait in
///           the rename until the new file is on the disk (ext4)
/// Source:   POSIX.1-2024 open, rename
template <class F>
int replace_file(const char* path, mode_t mode, F&& f) noexcept {
  using result = std::invoke_result_t<F&, writer<4096>&>;
  static_assert(
      std::is_nothrow_invocable_v<F&, writer<4096>&>,
      "sigsafe::replace_file: the function must be callable with (sigsafe::writer<4096>&) "
      "and noexcept: write [&](auto& out) noexcept { ... }");
  static_assert(
      std::is_void_v<result> || std::is_same_v<result, int>,
      "sigsafe::replace_file: the function must return nothing, or an errno value as int");
  auto* target = std::addressof(f);
  const auto write = [](void* to, int fd) noexcept {
    auto& function = **static_cast<std::add_pointer_t<std::remove_reference_t<F>>*>(to);
    writer<4096> out{fd};
    int error = 0;
    if constexpr (std::is_void_v<result>)
      function(out);
    else
      error = function(out);
    const int unwritten = out.flush();
    return error != 0 ? error : unwritten;
  };
  return detail::replace_file(path, mode, write, static_cast<void*>(&target));
}

}  // namespace sigsafe
