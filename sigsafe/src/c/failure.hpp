// How a caller of C is told what a caller of C++ is told by an exception.
#pragma once

#include <sigsafe/config.hpp>

#include <errno.h>

#include <new>
#include <system_error>

#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/errno_saver.hpp>

namespace sigsafe::c {

/// Keeps the text for sigsafe_error_text, cut if need be, and returns the error.
/// Safety:   async-signal-safe, thread-safe
int fail(int error, const char* text) noexcept;

/// A deadline has passed, and nothing of what was waited for has happened.
inline int fail_by_time() noexcept { return fail(ETIMEDOUT, "sigsafe: the time to wait is over"); }

/// Returns 0, or the error that the function reports. Not noexcept, because a thread may be
/// cancelled in it.
template <class F>
int error_of(F function) {
  const detail::errno_saver saver;
  try {
    function();
    return 0;
  } catch (const std::system_error& error) {
    return fail(error.code().value(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(ENOMEM, "sigsafe: there is no memory left");
  }
}

/// Those of a set that may be null.
inline signal_set set_of(const sigset_t* signals) noexcept {
  return signals == nullptr ? signal_set{} : signal_set{*signals};
}

}  // namespace sigsafe::c
