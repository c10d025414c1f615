// basic_guard, alone and in others.
#include <sigsafe/guard.hpp>

#include <tests/injection/subject.hpp>

namespace injection {
namespace {

/// A guard around twins that a handler changes too.
class guarded : public subject {
 public:
  void reset() override { shared_.reset(); handled_ = 0; torn_ = false; }
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    if (info.number() == fault_signal) return;
    if (!shared_.whole()) torn_ = true;
    shared_.change();
    ++handled_;
  }
  const char* check() override {
    if (torn_) return "a handler ran inside the guard";
    if (shared_.changes() != handled_ + changes_) return "a change was lost";
    return nullptr;
  }
 protected:
  twins shared_;
  int changes_ = 1;
 private:
  int handled_ = 0;
  bool torn_ = false;
};

template <class B>
class guard_alone final : public guarded {
  void operation() override {
    const sigsafe::basic_guard<B> off;
    shared_.change();
  }
};
const registration<guard_alone<eager>> eager_guard{"guard/eager", {.core = true}};
const registration<guard_alone<lazy>> lazy_guard{"guard/lazy", {.core = true}};

}  // namespace
}  // namespace injection
