// A signal of a signal_fd is read or handled, once. A foreign handler that interrupts its making
// and its end finds the program mask without it.
#include <signal.h>

#include <sigsafe/guard.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/signal_fd.hpp>

#include <tests/injection/subjects/guarded.hpp>

namespace injection::signal_fds {

inline void read_all(sigsafe::signal_fd& signals) {
  signals.drain(
      [](const sigsafe::signal_info& info) noexcept { seen.note_handled(info.native()); });
}

/// The first signal_fd of a thread gives that a number.
struct numbered_thread {
  numbered_thread() { const sigsafe::signal_fd first{{other_signal}}; }
};

/// Of a signal that does not come.
class of_another_signal : numbered_thread, public guarded {
 public:
  void in_foreign_handler() noexcept override {
    require(!sigsafe::program_mask().contains(other_signal),
            "the program mask has a signal of a signal_fd");
  }
  void operation() override { const sigsafe::signal_fd signals{{other_signal}}; }
};
const registration<of_another_signal> another{"signal_fd/of-another-signal"};

class crossed final : public of_another_signal {
  void operation() override {
    const sigsafe::signal_fd outer{{other_signal}};
    const sigsafe::signal_fd inner{{other_signal, SIGPIPE}};
    change_in_guard();
  }
  void change_in_guard() noexcept {
    const sigsafe::basic_guard<lazy> off;
    change();
  }
};
const registration<crossed> two{"signal_fd/two-and-a-guard"};

/// What comes in time is read, the rest is handled.
class read final : numbered_thread, public subject {
  void operation() override {
    sigsafe::signal_fd signals{{first_signal, real_time_signal()}};
    read_all(signals);
  }
};
const registration<read> reads{"signal_fd/read"};

template <class B>
class read_in_guard final : numbered_thread, public subject {
  void operation() override {
    const sigsafe::basic_guard<B> off;
    sigsafe::signal_fd signals{{first_signal, own_signal}};
    send(own_signal);
    read_all(signals);
  }
};
const registration<read_in_guard<eager>> in_eager{"signal_fd/read-in-a-guard/eager"};
const registration<read_in_guard<lazy>> in_lazy{"signal_fd/read-in-a-guard/lazy"};

}  // namespace injection::signal_fds
