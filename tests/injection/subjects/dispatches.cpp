// Deferred signals, and what drafts of the protocol's rules got wrong.
#include <pthread.h>

#include <sigsafe/lazy.hpp>
#include <sigsafe/mutex.hpp>

#include <tests/injection/subjects/guarded.hpp>

namespace injection::dispatches {

using sigsafe::signal_set;

template <class B>
class dispatch final : public guarded_deeply {
 public:
  dispatch() : guarded_deeply(one_is_eager<B>) {}

 private:
  void operation() override {
    const sigsafe::basic_guard<B> off;
    send(own_signal);
    change();
  }
};
const registration<dispatch<eager>> eager_dispatch{"dispatch/eager", {.core = true}};
const registration<dispatch<lazy>> lazy_dispatch{"dispatch/lazy", {.core = true}};

class dispatch_behind_eager final : public guarded_deeply {
  void operation() override {
    auto soft = soft_.lock();
    send(own_signal);
    change();
    auto off = eager_.lock();
    soft.unlock();
    change();
  }

  sigsafe::lazy::mutex<int> soft_;
  sigsafe::mutex<int> eager_;
};
const registration<dispatch_behind_eager> behind_eager{"dispatch/behind-an-eager-guard"};

class user_unblocks final : public guarded_deeply {
  void operation() override {
    const sigsafe::basic_guard<lazy> off;
    send(own_signal);
    const sigset_t some = signal_set{other_signal, first_signal, real_time_signal()}.native();
    pthread_sigmask(SIG_UNBLOCK, &some, nullptr);
    send(other_signal);
    change();
  }
};
const registration<user_unblocks> unblocks{"dispatch/the-user-unblocks", {.unordered = true}};

constexpr int plain_foreign_signal = SIGPROF;
constexpr int eager_foreign_signal = SIGVTALRM;

// Each sends own_signal, which a lazy guard around it defers; its return unblocks everything again.
static void foreign(int, siginfo_t* info, void*) {
  enter_foreign_handler(*info);
  send(own_signal);
}
static void foreign_with_guard(int, siginfo_t* info, void*) {
  enter_foreign_handler(*info);
  send_in_guard<eager>(own_signal);
}

/// Behind a foreign handler something is deferred and nothing is blocked.
class behind_foreign : public guarded_deeply {
 public:
  behind_foreign() {
    install_foreign(plain_foreign_signal, &foreign);
    install_foreign(eager_foreign_signal, &foreign_with_guard);
  }
};

class foreign_in_lazy_region final : public behind_foreign {
  void operation() override {
    const sigsafe::basic_guard<lazy> off;
    change();
    send(plain_foreign_signal);
    change();
  }
};
const registration<foreign_in_lazy_region> in_region{"foreign/in-a-lazy-region",
                                                     {.unordered = true}};

class foreign_guard_in_lazy_region final : public behind_foreign {
  void operation() override {
    const sigsafe::basic_guard<lazy> off;
    change();
    send(eager_foreign_signal);
    change();
  }
};
const registration<foreign_guard_in_lazy_region> guard_in_region{
    "foreign/with-an-eager-guard-in-a-lazy-region", {.unordered = true}};

class eager_behind_foreign final : public behind_foreign {
  void operation() override {
    const sigsafe::basic_guard<lazy> off;
    send(plain_foreign_signal);
    {
      const sigsafe::basic_guard<eager> inner;
      change();
    }
    change();
  }
};
const registration<eager_behind_foreign> eager_behind{
    "interleaving/an-eager-guard-behind-a-foreign-handler", {.unordered = true}};

class foreign_inside_wait final : public behind_foreign {
  void operation() override {
    sigsafe::basic_guard<eager> off;
    send(eager_foreign_signal);
    change();
    off.wait();
    change();
  }
};
const registration<foreign_inside_wait> inside_wait{
    "interleaving/a-foreign-handlers-eager-guard-inside-wait", {.unordered = true}};

class subset_after_deferral final : public guarded_deeply {
 public:
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    if (info.number() == first_signal || info.number() == own_signal)
      guarded_deeply::in_handler(info);
  }
  void operation() override {
    auto soft = soft_.lock();
    send(own_signal);
    const sigsafe::subset_guard some{signal_set{own_signal, first_signal}};
    change();
    soft.unlock();
    change();
    require(seen.handled(own_signal) == 0, "a subset guard did not hold a deferred signal off");
  }

 private:
  sigsafe::lazy::mutex<int> soft_;
};
const registration<subset_after_deferral> after_deferral{
    "interleaving/a-subset-guard-after-a-deferral", {.unordered = true}};

}  // namespace injection::dispatches
