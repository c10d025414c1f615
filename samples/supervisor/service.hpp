// One service: a program that is started, watched, started again and stopped.
#pragma once

#include <signal.h>

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include <sigsafe/process.hpp>

#include "back_off.hpp"
#include "log.hpp"
#include "settings.hpp"
#include "signals.hpp"

namespace supervisor {

using clock = std::chrono::steady_clock;

/// It never sleeps: turn() does what is due, and due() tells when there will be more.
///
///   state      the program   at due()                 when the program has ended
///   waiting    does not run  it is started
///   running    runs          -                        as at_end says
///   stopping   was asked     it is killed (SIGKILL)   down; waiting, if it is wanted
///   down       does not run  -
class service {
 public:
  service(settings wanted, clock::time_point now)
      : settings_(std::move(wanted)),
        back_off_(settings_.back_off, settings_.back_off_limit),
        due_(now) {}

  [[nodiscard]] const std::string& name() const { return settings_.name; }
  [[nodiscard]] bool is_wanted() const { return wanted_; }
  [[nodiscard]] bool is_down() const { return state_ == state::down; }
  [[nodiscard]] clock::time_point due() const { return due_; }
  /// How it ended, when everything is to end with it.
  [[nodiscard]] std::optional<sigsafe::exit_status> last_of_all() const { return last_of_all_; }

  void turn(clock::time_point now) {
    if (program_.valid())
      if (const sigsafe::exit_status end = program_.try_wait()) ended(end, now);
    if (now < due_) return;
    due_ = never;
    if (state_ == state::waiting) start(now);
    if (state_ == state::stopping) kill();
  }

  void send(int signal) {
    if (program_.valid()) program_.kill(signal);
  }

  /// It is not started any more; what runs goes on.
  void retire() {
    wanted_ = false;
    if (state_ == state::waiting) become(state::down);
  }

  /// Asks what runs to stop.
  void stop(clock::time_point now) {
    if (state_ != state::running) return;
    say(name(), "is asked to stop, by " + name_of_signal(settings_.stop_signal));
    send(settings_.stop_signal);
    send(SIGCONT);  // what is stopped cannot stop
    become(state::stopping, now + settings_.stop_within);
  }

  /// From now on it runs as these settings say.
  void change(const settings& wanted, clock::time_point now) {
    if (wanted_ && settings_ == wanted) return;
    stop(now);  // by the signal that what runs was promised
    settings_ = wanted;
    back_off_ = {wanted.back_off, wanted.back_off_limit};
    wanted_ = true;
    if (!program_.valid()) become(state::waiting, now);
  }

 private:
  enum class state { waiting, running, stopping, down };
  static constexpr clock::time_point never = clock::time_point::max();

  void become(state next, clock::time_point due = never) {
    state_ = next;
    due_ = due;
  }

  // A session of its own, so that a Ctrl-C reaches the supervisor alone.
  void start(clock::time_point now) try {
    const std::string& directory = settings_.directory;
    program_ =
        sigsafe::spawn(settings_.run, {.directory = directory.empty() ? nullptr : directory.c_str(),
                                       .input = sigsafe::descriptor_source::null_device(),
                                       .session = true});
    started_ = now;
    become(state::running);
    say(name(), "is started, as process " + std::to_string(program_.pid()));
  } catch (const std::exception& error) {
    say(name(), std::string{"cannot be started: "} + error.what());
    started_ = now;
    ended_by_itself(sigsafe::exit_status::of_code(127), now);
  }

  void kill() {
    say(name(), "does not stop, and is killed");
    send(SIGKILL);
  }

  void ended(sigsafe::exit_status end, clock::time_point now) {
    say(name(), in_words(end));
    program_ = {};
    if (!wanted_)
      become(state::down);
    else if (state_ == state::stopping)
      become(state::waiting, now);
    else
      ended_by_itself(end, now);
  }

  void ended_by_itself(sigsafe::exit_status end, clock::time_point now) {
    const at_end then = settings_.at_end;
    if (then == at_end::stop_all) last_of_all_ = end;
    if (then == at_end::restart || (then == at_end::restart_if_failed && !end.success())) {
      const auto delay = back_off_.next(now - started_);
      say(name(), "is started again in " + std::to_string(delay.count()) + " ms");
      become(state::waiting, now + delay);
    } else {
      become(state::down);
    }
  }

  settings settings_;
  back_off back_off_;
  sigsafe::child program_;
  state state_ = state::waiting;
  bool wanted_ = true;
  clock::time_point due_;
  clock::time_point started_;
  std::optional<sigsafe::exit_status> last_of_all_;
};

}  // namespace supervisor
