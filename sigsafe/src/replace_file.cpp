#include <sigsafe/replace_file.hpp>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include <sigsafe/src/cancellation.hpp>
#include <sigsafe/src/errno_saver.hpp>
#include <sigsafe/src/line.hpp>

namespace sigsafe::detail {
namespace {

/// A file that nobody else has, beside the one that it shall replace.
class new_file {
 public:
  new_file(const char* path, mode_t mode) noexcept {
    // Other threads, and where this one was interrupted, may be writing one, too. And a process
    // with this number that was killed, such as the one before in a container, may have left some.
    constexpr int most = 10'000;
    for (int n = 0; n < most && fd_ < 0; ++n) {
      if (!choose_name(path, n)) {
        errno = ENAMETOOLONG;
        return;
      }
      do fd_ = open(name(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
      while (fd_ < 0 && errno == EINTR);
      if (fd_ < 0 && errno != EEXIST) return;
    }
  }
  new_file(const new_file&) = delete;
  new_file& operator=(const new_file&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] const char* name() const noexcept { return name_.view().data(); }

 private:
  bool choose_name(const char* path, int n) noexcept {
    name_.clear();
    name_.append(path);
    name_.append(".");
    name_.append_number(getpid());
    name_.append("-");
    name_.append_number(n);
    name_.append({".new", sizeof(".new")});
    return name_.view().back() == '\0';  // else it was cut
  }

  int fd_ = -1;
  line<PATH_MAX> name_;
};

/// Returns an errno value.
int close_and_rename(const new_file& made, const char* path) noexcept {
  // A file system may say here what was wrong with a write. On Linux EINTR means that it is closed.
  if (close(made.fd()) != 0 && errno != EINTR) return errno;
  return rename(made.name(), path) == 0 ? 0 : errno;
}

}  // namespace

int replace_file(const char* path, mode_t mode, int (*write)(void* function, int fd) noexcept,
                 void* function) noexcept {
  const errno_saver kept;
  const uncancellable_scope whole;
  const new_file made{path, mode};
  if (made.fd() < 0) return errno;
  int error = write(function, made.fd());
  if (error != 0)
    close(made.fd());
  else
    error = close_and_rename(made, path);
  if (error != 0) unlink(made.name());
  return error;
}

}  // namespace sigsafe::detail
