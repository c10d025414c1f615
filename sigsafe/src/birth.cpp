// What a sigsafe::thread is born with.
#include <sigsafe/thread.hpp>

#include <signal.h>

#include <system_error>

#include <sigsafe/signal_set.hpp>
#include <sigsafe/src/mask.hpp>
#include <sigsafe/src/system/system.hpp>

namespace sigsafe::detail {

// No eager hold: the creator's handlers are held off as by one, but its count of holds, which a
// function that is copied here might look at, is not changed.
birth_scope::birth_scope() noexcept
    : share_(signal_set::maskable() - block(signal_set::maskable())) {}

birth_scope::~birth_scope() { unblock(share_); }

// What others block beyond the maskable set stays as it was inherited.
void open_for(signal_set receives) noexcept { system::change_mask(SIG_UNBLOCK, receives); }

void throw_no_thread(int error) {
  throw std::system_error(error, std::generic_category(),
                          "sigsafe: there is no room for one more thread: raise RLIMIT_NPROC "
                          "(ulimit -u) or the limit of the container, or join some");
}

}  // namespace sigsafe::detail
