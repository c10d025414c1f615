// errno as the interrupted code had it.
#pragma once

#include <errno.h>

namespace sigsafe::detail {

/// Puts errno back when it goes out of scope.
class errno_saver {
 public:
  errno_saver() noexcept = default;
  ~errno_saver() { errno = saved_; }
  errno_saver(const errno_saver&) = delete;
  errno_saver& operator=(const errno_saver&) = delete;

 private:
  int saved_ = errno;
};

}  // namespace sigsafe::detail
