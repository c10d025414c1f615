// A program and a plug-in that each contain the library: the handlers and guards of both.
#pragma once

#include <dlfcn.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <stdexcept>
#include <string>

#include <tests/stress/plugin.hpp>
#include <tests/stress/scenario.hpp>

namespace stress {

/// The plug-in beside the program, or where it is installed; empty when there is none.
[[nodiscard]] inline std::string plugin_path() {
  char program[4096];
  const ssize_t size = readlink("/proc/self/exe", program, sizeof(program));
  if (size <= 0) return {};
  const std::string path{program, static_cast<std::size_t>(size)};
  const std::string folder = path.substr(0, path.rfind('/') + 1);
  for (const char* const below : {"", STRESS_PLUGIN_FOLDER "/"}) {
    std::string file = folder + below + plugin_file;
    if (access(file.c_str(), R_OK) == 0) return file;
  }
  return {};
}

/// The plug-in is loaded while at least one of these lives.
class loaded_plugin {
 public:
  explicit loaded_plugin(const std::string& path)
      : object_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (object_ == nullptr) throw std::runtime_error{dlerror()};
    functions_ = static_cast<const plugin*>(dlsym(object_, plugin_symbol));
    if (functions_ == nullptr) throw std::runtime_error{path + " is not the plug-in"};
  }
  loaded_plugin(const loaded_plugin&) = delete;
  loaded_plugin& operator=(const loaded_plugin&) = delete;
  ~loaded_plugin() { dlclose(object_); }
  const plugin* operator->() const noexcept { return functions_; }

 private:
  void* object_;
  const plugin* functions_ = nullptr;
};

/// Guards of the plug-in hold off the handlers of the program, and the other way round. The plug-in
/// is loaded and unloaded all the time.
template <class Kit>
class plugins : public scenario {
 public:
  void operate(stage& on) override {
    const loaded_plugin loaded{path_};
    worker& self = workers_[here.index];
    self.index = here.index;
    self.on = &on;
    void* const handler = loaded->begin(signal, &called, &self);
    if (handler == nullptr) return on.violation("the plug-in could not register a handler");
    for (int i = 0; i < 4; ++i) {
      if (here.next_random() % 2 == 0)
        plugin_outside(on, loaded);
      else
        program_outside(on, loaded);
      if (self.calls != self.raised) on.violation("the plug-in's handler was not called");
    }
    loaded->end(handler);
    raise(signal);
    if (self.calls != self.raised) on.violation("a handler of the plug-in ran after its end");
  }
  void interrupt(stage& on) noexcept override { shared_.lock()->change(on); }
  void finish(stage& on) override {
    if (!shared_.get_mut().whole()) on.violation("the words are torn");
  }

 private:
  static constexpr int signal = SIGURG;  // which a program ignores in between
  struct worker {
    std::uint64_t raised = 0;
    std::atomic<std::uint64_t> calls{0};
    unsigned index = 0;
    stage* on = nullptr;
  };
  struct request {
    plugins* of;
    stage* on;
    section* held;
  };

  // Each raise runs the handlers of all workers; each counts what is raised on its own thread.
  static void called(void* of) noexcept {
    auto& owner = *static_cast<worker*>(of);
    if (here.at == position::inside) owner.on->torn();
    if (owner.index == here.index) ++owner.calls;
  }

  static plugin::hold any_hold() noexcept {
    if (!Kit::plugin_holds) return plugin::hold::nothing;
    return here.next_random() % 2 == 0 ? plugin::hold::lazy : plugin::hold::eager;
  }

  void raise_here() noexcept {
    ++workers_[here.index].raised;
    raise(signal);
  }

  void plugin_outside(stage& on, const loaded_plugin& loaded) {
    section held;
    request wanted{this, &on, &held};
    loaded->within(
        any_hold(),
        [](void* of) {
          const request& asked = *static_cast<request*>(of);
          asked.held->begins();
          asked.of->raise_here();
          asked.on->inside();
          asked.of->shared_.lock()->change(*asked.on);
          asked.on->inside();
          asked.held->ends();
        },
        &wanted);
  }

  void program_outside(stage& on, const loaded_plugin& loaded) {
    section held;
    const typename Kit::guard off;
    held.begins();
    request wanted{this, &on, &held};
    loaded->within(
        any_hold(),
        [](void* of) {
          const request& asked = *static_cast<request*>(of);
          asked.of->shared_.lock()->change(*asked.on);
        },
        &wanted);
    raise_here();
    on.inside();
    held.ends();
  }

  const std::string path_ = plugin_path();
  typename Kit::template mutex<words> shared_;
  std::array<worker, most_workers> workers_;
};

}  // namespace stress
