// basic_guard and subset_guard, alone and in each other.
#include <signal.h>

#include <optional>

#include <sigsafe/guard.hpp>
#include <sigsafe/process.hpp>

#include <tests/injection/subjects/guarded.hpp>

namespace injection::guards {

using sigsafe::signal_set;
using sigsafe::subset_guard;

template <class B>
class one final : public guarded {
 public:
  one() : guarded(one_is_eager<B>) {}

 private:
  void operation() override {
    const sigsafe::basic_guard<B> off;
    change();
  }
};
const registration<one<eager>> eager_guard{"guard/eager", {.core = true}};
const registration<one<lazy>> lazy_guard{"guard/lazy", {.core = true}};

template <class Outer, class Inner>
class nested final : public guarded {
 public:
  nested() : guarded(one_is_eager<Outer>) {}

 private:
  void operation() override {
    const sigsafe::basic_guard<Outer> outer;
    { const sigsafe::basic_guard<Inner> inner; }
    change();
  }
};
const registration<nested<eager, eager>> eager_in_eager{"guard/eager-in-eager"};
const registration<nested<eager, lazy>> lazy_in_eager{"guard/lazy-in-eager", {.core = true}};
const registration<nested<lazy, eager>> eager_in_lazy{"guard/eager-in-lazy", {.core = true}};
const registration<nested<lazy, lazy>> lazy_in_lazy{"guard/lazy-in-lazy"};

template <class B>
class function final : public guarded {
  void operation() override {
    sigsafe::without<B>([this]() noexcept { change(); });
  }
};
const registration<function<eager>> eager_function{"without/eager"};
const registration<function<lazy>> lazy_function{"without/lazy"};

// What a signal adds that arrives while it is asked is not the program's.
class asks_for_the_program_mask final : public guarded {
  void operation() override {
    const sigsafe::basic_guard<lazy> off;
    require(!sigsafe::program_mask().contains(SIGPIPE),
            "the program mask has what a deferral has blocked");
    change();
  }
};
const registration<asks_for_the_program_mask> program_mask{"program_mask/lazy"};

// Only some signals are held off, so only their handlers change the memory.
class held_subset : public guarded {
 public:
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    if (info.number() == first_signal) change_in_handler();
  }
};

class subset_alone final : public held_subset {
  void operation() override {
    const subset_guard some{signal_set{first_signal}};
    change();
  }
};
const registration<subset_alone> subset{"subset_guard/alone", {.core = true}};

template <class B>
class subset_inside final : public guarded {
 public:
  subset_inside() : guarded(one_is_eager<B>) {}

 private:
  void operation() override {
    const sigsafe::basic_guard<B> off;
    { const subset_guard some{signal_set{first_signal, foreign_lazy_signal, user_blocked_signal}}; }
    change();
  }
};
const registration<subset_inside<eager>> subset_in_eager{"subset_guard/in-eager"};
const registration<subset_inside<lazy>> subset_in_lazy{"subset_guard/in-lazy"};

template <class B>
class subset_outside final : public held_subset {
  void operation() override {
    const subset_guard some{signal_set{first_signal, user_blocked_signal}};
    { const sigsafe::basic_guard<B> off; }
    change();
  }
};
const registration<subset_outside<eager>> eager_in_subset{"subset_guard/around-eager"};
const registration<subset_outside<lazy>> lazy_in_subset{"subset_guard/around-lazy"};

// The outer guard is released first.
template <class Outer, class Inner>
class crossed final : public guarded {
 public:
  crossed() : guarded(one_is_eager<Inner>) {}

 private:
  void operation() override {
    std::optional<sigsafe::basic_guard<Outer>> outer;
    outer.emplace();
    const sigsafe::basic_guard<Inner> inner;
    outer.reset();
    change();
  }
};
const registration<crossed<eager, eager>> eager_over_eager{"guard/crossed-eager-eager"};
const registration<crossed<eager, lazy>> eager_over_lazy{"guard/crossed-eager-lazy"};
const registration<crossed<lazy, eager>> lazy_over_eager{"guard/crossed-lazy-eager"};
const registration<crossed<lazy, lazy>> lazy_over_lazy{"guard/crossed-lazy-lazy", {.core = true}};

class subsets_overlap final : public held_subset {
  void operation() override {
    std::optional<subset_guard> outer;
    outer.emplace(signal_set{first_signal, foreign_lazy_signal});
    const subset_guard inner{signal_set{first_signal, user_blocked_signal}};
    outer.reset();
    change();
  }
};
const registration<subsets_overlap> overlapping{"subset_guard/overlapping"};

template <class B>
class subset_outlives final : public held_subset {
  void operation() override {
    std::optional<sigsafe::basic_guard<B>> off;
    off.emplace();
    const subset_guard some{signal_set{first_signal}};
    off.reset();
    change();
  }
};
const registration<subset_outlives<eager>> outlives_eager{"subset_guard/outlives-eager"};
const registration<subset_outlives<lazy>> outlives_lazy{"subset_guard/outlives-lazy"};

}  // namespace injection::guards
