// A signal that arrives while its handlers come and go is handled once, by whoever is registered
// then.
#include <optional>

#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/handler.hpp>
#include <sigsafe/src/pins.hpp>
#include <sigsafe/src/process.hpp>

#include <tests/injection/subjects/guarded.hpp>

namespace injection::handlers {

struct note {
  void operator()(const sigsafe::signal_info& info) const noexcept {
    seen.note_handled(info.native());
  }
};
struct nothing {
  void operator()() const noexcept {}
};

static void foreign(int, siginfo_t* info, void*) { seen.note_handled(*info); }

/// A foreign handler was there before sigsafe's. It is new to the library in each run, which does
/// other things with one that it knows.
class on_foreign : public subject {
 public:
  on_foreign() { install_foreign(first_signal, &foreign); }
  void reset() override {
    signal(first_signal, SIG_IGN);
    { const sigsafe::handler other{first_signal, nothing{}}; }
    install_foreign(first_signal, &foreign);
  }
  const char* check() override {
    struct sigaction now;
    sigaction(first_signal, nullptr, &now);
    return now.sa_sigaction == &foreign ? nullptr : "the old disposition has not come back";
  }
};

class first_of_its_signal final : public on_foreign {
  void operation() override { const sigsafe::handler noting{first_signal, note{}}; }
};
const registration<first_of_its_signal> first{"handler/first-of-its-signal", {.owns_first = true}};

class second_of_its_signal final : public subject {
  void operation() override { const sigsafe::handler more{first_signal, nothing{}}; }
};
const registration<second_of_its_signal> second{"handler/second-of-its-signal"};

class other_flags final : public subject {
  void operation() override {
    const sigsafe::handler more{first_signal, nothing{}, {.restart = true}};
  }
};
const registration<other_flags> flags{"handler/with-other-flags"};

// The foreign one hears of it in any case: directly, or because the handler chains.
class chaining final : public on_foreign {
  void operation() override {
    const sigsafe::handler more{first_signal, nothing{}, {.chain = true}};
  }
};
const registration<chaining> chains{"handler/chaining", {.owns_first = true}};

class older_ends_first final : public on_foreign {
  void operation() override {
    std::optional<sigsafe::handler<note>> older;
    std::optional<sigsafe::handler<nothing>> newer;
    older.emplace(first_signal, note{});
    newer.emplace(first_signal, nothing{}, sigsafe::handler_options{.chain = false});
    newer.reset();
    older.reset();
  }
};
const registration<older_ends_first> older{"handler/two-that-come-and-go", {.owns_first = true}};

template <class B>
class gone_before_the_dispatch final : public on_foreign {
  void operation() override {
    const sigsafe::basic_guard<B> off;
    const sigsafe::handler noting{first_signal, note{}};
  }
};
const registration<gone_before_the_dispatch<eager>> eager_gone{
    "handler/gone-before-the-dispatch/eager", {.owns_first = true}};
const registration<gone_before_the_dispatch<lazy>> lazy_gone{
    "handler/gone-before-the-dispatch/lazy", {.owns_first = true}};

// A removal that waits. What arrives lets the thread out that is inside the handler.
class removal_waits final : public subject {
 public:
  void reset() override {
    inside_ = true;
    sigsafe::detail::pin(node_, sigsafe::detail::process_generation());
  }
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    if (info.number() == fault_signal || !inside_) return;
    inside_ = false;
    sigsafe::detail::unpin(node_, sigsafe::detail::process_generation());
  }

 private:
  void operation() override { sigsafe::detail::wait_for_pins(node_); }

  sigsafe::detail::handler_node node_;
  bool inside_ = false;
};
const registration<removal_waits> removal{"handler/removal-waits", {.sleeps = true}};

}  // namespace injection::handlers
