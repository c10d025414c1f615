// Handlers come and go on one thread while another receives their signal.
#include <time.h>

#include <atomic>
#include <optional>

#include <sigsafe/handler.hpp>
#include <sigsafe/thread_id.hpp>

#include <tests/injection/subjects/guarded.hpp>

namespace injection::other_thread_handlers {

constexpr traits awake{.other_thread = true};

struct nothing {
  void operator()() const noexcept {}
};

/// A handler between two others of its signal. It must not run when its removal has returned.
class removed : public subject {
 public:
  void reset() override {
    newer_.reset();
    middle_.emplace(first_signal, checking{this});
    newer_.emplace(first_signal, nothing{});
    gone_.store(false);
    wrong_ = false;
  }
  const char* check() override { return wrong_ ? "a handler ran behind its removal" : nullptr; }

 protected:
  void remove() {
    middle_.reset();
    gone_.store(true);
  }
  [[nodiscard]] bool is_gone() const noexcept { return gone_.load(); }
  virtual void inside() noexcept {}

 private:
  struct checking {
    removed* of;
    void operator()() const noexcept {
      if (of->is_gone()) of->wrong_ = true;
      of->inside();
      if (of->is_gone()) of->wrong_ = true;
    }
  };

  std::optional<sigsafe::handler<checking>> middle_;
  std::optional<sigsafe::handler<nothing>> newer_;
  std::atomic<bool> gone_;
  bool wrong_ = false;
};

class removed_in_a_dispatch final : public removed {
  void operation() override { send(first_signal); }
  void in_other_thread() override { remove(); }
};
const registration<removed_in_a_dispatch> dispatch{"other_thread/dispatch/removal", awake};

class dispatched_in_a_removal final : public removed {
  void operation() override { remove(); }
  void in_other_thread() override { send(first_signal); }
};
const registration<dispatched_in_a_removal> removal{"other_thread/removal/dispatch", awake};

/// The other thread leaves the handler when the removal waits for it.
class inside_in_a_removal final : public removed {
  void operation() override { remove(); }
  void in_other_thread() override { send(first_signal); }
  void inside() noexcept override {
    constexpr timespec moment{0, 50'000};
    while (!is_gone() && !first_thread_is_asleep()) nanosleep(&moment, nullptr);
  }
};
const registration<inside_in_a_removal> inside{"other_thread/removal/inside", awake};

/// The newest one goes, and another comes.
class replaced_in_a_dispatch final : public subject {
  void reset() override { newest_.emplace(first_signal, nothing{}); }
  void operation() override { send(first_signal); }
  void in_other_thread() override {
    newest_.reset();
    newest_.emplace(first_signal, nothing{});
  }

  std::optional<sigsafe::handler<nothing>> newest_;
};
const registration<replaced_in_a_dispatch> replacing{"other_thread/dispatch/registration", awake};

/// Both threads register at once.
class registered_twice final : public subject {
  void operation() override { const sigsafe::handler more{first_signal, nothing{}}; }
  void in_other_thread() override {
    const sigsafe::handler more{first_signal, nothing{}, {.restart = true}};
    send(first_signal);
  }
};
const registration<registered_twice> twice{"other_thread/registration/registration", awake};

/// A signal for this thread arrives on the other one, which passes it on.
template <class B>
class passed_on final : public guarded {
 public:
  passed_on() : here_{first_signal, noting{this}, {.thread = sigsafe::thread_id::current()}} {}

 private:
  struct noting {
    passed_on* of;
    void operator()(const sigsafe::signal_info& info) const noexcept {
      if (sigsafe::thread_id::current() != of->first_) of->require(false, "it ran elsewhere");
      seen.note_handled(info.native());
      of->change_in_handler();
    }
  };

  void operation() override {
    const sigsafe::basic_guard<B> off;
    change();
  }
  void in_other_thread() override { send(first_signal); }

  sigsafe::thread_id first_ = sigsafe::thread_id::current();
  sigsafe::handler<noting> here_;
};
constexpr traits own{.owns_first = true, .other_thread = true};
const registration<passed_on<eager>> eager_passed{"other_thread/guard/passed-on/eager", own};
const registration<passed_on<lazy>> lazy_passed{"other_thread/guard/passed-on/lazy", own};

}  // namespace injection::other_thread_handlers
