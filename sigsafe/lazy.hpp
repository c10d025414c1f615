// The lazy backend by short names.
//
// Lazy guards hold off the handlers that are registered through sigsafe::handler, not foreign ones
// and not default actions; a system call inside may be interrupted once; longjmp out is not
// supported; a thread or program that other code starts inside inherits, after a deferral, a
// blocked mask. For the price of about a nanosecond. Eager guards hold off everything, for two
// system calls. Neither holds off faults, SIGABRT and handlers with .deferrable = false.
#pragma once

#include <sigsafe/backend/lazy.hpp>
#include <sigsafe/guard.hpp>
#include <sigsafe/location.hpp>
#include <sigsafe/mutex.hpp>
#include <sigsafe/raw_lock.hpp>
#include <sigsafe/ref_cell.hpp>

namespace sigsafe::lazy {

using guard = basic_guard<backend::lazy>;

template <raw_lock L = default_raw_lock>
using raw_mutex = sigsafe::raw_mutex<L, backend::lazy>;

template <class T, raw_lock L = default_raw_lock>
using mutex = sigsafe::mutex<T, L, backend::lazy>;

template <class T>
using ref_cell = sigsafe::ref_cell<T, backend::lazy>;

[[nodiscard]] inline guard disable(location where = location::current()) noexcept {
  return guard{where};
}

template <class F>
decltype(auto) without(F&& function) noexcept(noexcept(std::forward<F>(function)())) {
  return sigsafe::without<backend::lazy>(std::forward<F>(function));
}

}  // namespace sigsafe::lazy
