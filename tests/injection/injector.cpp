#include <tests/injection/injector.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <unordered_map>

namespace injection {

namespace {

injector* the_injector = nullptr;

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::_Exit(3);
}

void make_code_writable() {
  std::FILE* const maps = std::fopen("/proc/self/maps", "re");
  if (maps == nullptr) give_up("the injector cannot read /proc/self/maps");
  char line[512];
  while (std::fgets(line, sizeof(line), maps) != nullptr) {
    std::uintptr_t begin, end;
    char rights[5];
    if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &begin, &end, rights) != 3) continue;
    if (rights[2] != 'x') continue;
    if (begin > UINTPTR_MAX / 2 && sizeof(void*) == 8) continue;  // vsyscall, the kernel's own
    // The vdso of some kernels stays as it is; no breakpoint goes there then.
    mprotect(reinterpret_cast<void*>(begin), end - begin, PROT_READ | PROT_WRITE | PROT_EXEC);
  }
  std::fclose(maps);
}

}  // namespace

void trace::assign(std::span<const step> steps) {
  steps_.clear();
  pends_.clear();
  for (const step& each : steps) {
    steps_.push_back(each.where);
    pends_.push_back(each.pends);
  }
  previous_.clear();
  previous_.reserve(steps_.size());
  std::unordered_map<address, std::int64_t> last;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto [found, is_new] = last.try_emplace(steps_[i], static_cast<std::int64_t>(i));
    previous_.push_back(is_new ? -1 : found->second);
    found->second = static_cast<std::int64_t>(i);
  }
}

std::uint32_t trace::reachable(std::int64_t from, std::uint32_t to) const noexcept {
  while (to > from + 1 && previous_[to] > from) --to;
  return to;
}

// The marks are functions of their own, so that their addresses are those of instructions that run
// once, whatever the compiler makes of the caller.
extern "C" {
[[gnu::noinline, gnu::used]] void injection_begin() { asm volatile("" ::: "memory"); }
[[gnu::noinline, gnu::used]] void injection_end() { asm volatile("" ::: "memory"); }
}

address injector::begin_of_operation() noexcept {
  return reinterpret_cast<address>(&injection_begin);
}
address injector::end_of_operation() noexcept { return reinterpret_cast<address>(&injection_end); }

// From the same place in a page of the stack, whoever calls: the C library's functions for memory
// take other instructions for other alignments.
[[gnu::noinline]] void injector::call(void (*operation)(void*), void* argument) {
  constexpr address page = 4096;
  void* const rest = __builtin_alloca(reinterpret_cast<address>(__builtin_frame_address(0)) % page);
  asm volatile("" : : "r"(rest) : "memory");
  injection_begin();
  operation(argument);
  injection_end();
}

void injector::mark_end() { injection_end(); }

injector::injector() : recorded_(most_steps) {
  the_injector = this;
  struct sigaction action{};
  action.sa_sigaction = &injector::trap;
  action.sa_flags = SA_SIGINFO;
  sigfillset(&action.sa_mask);
  if (sigaction(SIGTRAP, &action, nullptr) != 0) give_up("the injector cannot handle SIGTRAP");
  make_code_writable();
}

void injector::add_entry(address function) {
  for (int i = 0; i < entry_count_; ++i)
    if (entries_[i].where == function) return;
  if (entry_count_ == most_entries) give_up("the injector knows too many handlers");
  entries_[entry_count_++] = {function, *reinterpret_cast<const architecture::code*>(function),
                              false};
}

// A breakpoint stops wherever its instruction is executed, so the way to one that is executed often
// goes over others that come for the first time.
void injector::add_stops(const trace& steps, std::int64_t from, const shot& what) {
  while (from < what.index) {
    const std::uint32_t next = steps.reachable(from, what.index);
    stops_.push_back({&steps, next, nullptr});
    from = next;
  }
  if (stops_.back().what != nullptr) stops_.push_back({&steps, what.index, nullptr});  // at once
  stops_.back().what = what.what;
}

void injector::start() {
  next_stop_ = 0;
  sent_ = 0;
  slept_ = -1;
  recorded_count_ = 0;
  mode_ = mode::seeking;
  plant(stops_.empty() ? begin_of_operation() : stops_[0].where());
}

int injector::finish() noexcept {
  clear();
  plant_entries(false, 0);
  mode_ = mode::off;
  return sent_;
}

int injector::run(void (*operation)(void*), void* argument, std::span<const aimed> shots) {
  stops_.clear();
  learns_ = false;
  for (const aimed& shot : shots) add_stops(*shot.steps, stops_.empty() ? -1 : 0, shot.what);
  start();
  call(operation, argument);
  return finish();
}

injector::learned injector::learn(void (*operation)(void*), void* argument, const trace* before,
                                  const shot* at) {
  stops_.clear();
  learns_ = true;
  if (at != nullptr) add_stops(*before, -1, *at);
  start();
  call(operation, argument);
  finish();
  learned result;
  result.reached = next_stop_ == stops_.size();
  result.fits = recorded_count_ < most_steps;
  result.slept = slept_;
  result.steps.assign({recorded_.data(), recorded_count_});
  return result;
}

// From here on the code runs while breakpoints come and go: it calls nothing that could hold one.

void injector::trap(int, siginfo_t* info, void* context) noexcept {
  auto* const interrupted = static_cast<ucontext_t*>(context);
  const other_thread* const other = the_injector->other_;
  if (other != nullptr && other->is_calling())
    // It goes on in the background, and waits here until the first thread has come by.
    architecture::set_ip(*interrupted, architecture::breakpoint_of(*interrupted));
  else
    the_injector->handle(*interrupted);
  architecture::resume(info, interrupted);
}

void injector::handle(ucontext_t& context) noexcept {
  const address place = architecture::breakpoint_of(context);
  for (int i = 0; i < planted_count_; ++i)
    if (planted_[i].where == place) architecture::set_ip(context, place);
  for (int i = 0; i < entry_count_; ++i)
    if (entries_[i].is_in && entries_[i].where == place) architecture::set_ip(context, place);
  clear();
  architecture::set_trap(context, false);
  if (mode_ == mode::seeking)
    arrive(context);
  else if (mode_ == mode::learning)
    record(context);
}

void injector::arrive(ucontext_t& context) noexcept {
  const address here = architecture::ip(context);
  while (next_stop_ < stops_.size()) {
    const stop& arrived = stops_[next_stop_];
    if (here != arrived.where()) {
      plant(arrived.where());  // behind the instruction at which the last stop was
      return;
    }
    ++next_stop_;
    if (arrived.what != nullptr) {
      ++sent_;
      send(*arrived.what);
    }
    if (next_stop_ == stops_.size()) break;
    const stop& next = stops_[next_stop_];
    // The trace behind a shot knows this place as its first.
    const std::uint32_t index = arrived.what != nullptr ? 0 : arrived.index;
    if (next.what != nullptr && next.index == index) continue;
    if (next.where() != here) {
      plant(next.where());
      return;
    }
    const address behind = (*next.steps)[index + 1];
    if (behind != here) {
      plant(behind);
      return;
    }
    if (!architecture::returns_here(context)) {
      architecture::set_trap(context, true);  // an instruction that repeats itself
      return;
    }
    architecture::return_now(context);
  }
  mode_ = learns_ ? mode::learning : mode::off;
  if (learns_) record(context);
}

void injector::record(ucontext_t& context) noexcept {
  const address here = architecture::ip(context);
  if (here == end_of_operation() || recorded_count_ == most_steps) {
    plant_entries(false, 0);
    mode_ = mode::off;
    return;
  }
  if (waker_ != nullptr && sent_ == 0 && is_sleep(architecture::system_call(context))) {
    slept_ = recorded_count_;
    ++sent_;
    send(*waker_);
  }
  recorded_[recorded_count_++] = {here, pends(context)};
  if (architecture::returns_here(context)) {
    architecture::return_now(context);
    record(context);
    return;
  }
  const continuation next = architecture::next(context);
  if (next.traps) architecture::set_trap(context, true);
  for (int i = 0; i < next.count; ++i) plant(next.places[i]);
  plant_entries(true, here);
}

bool injector::is_later(const burst& what) const noexcept {
  if (what.other != turn::never) return false;
  for (const burst::arrival& each : what.arrivals)
    if ((later_ >> (each.signal - 1) & 1) == 0) return false;
  return true;
}

bool injector::pends(const ucontext_t& context) const noexcept {
  std::uint64_t mask;
  static_assert(sizeof(context.uc_sigmask) >= sizeof(mask));
  __builtin_memcpy(&mask, &context.uc_sigmask, sizeof(mask));
  return later_ != 0 && (later_ & ~mask) == 0 && architecture::system_call(context) < 0;
}

// A trace follows the kernel into these. They stay in between two steps: writing code is slow.
void injector::plant_entries(bool in, address except) noexcept {
  for (int i = 0; i < entry_count_; ++i) {
    planted& entry = entries_[i];
    const bool wanted = in && entry.where != except;
    if (entry.is_in == wanted) continue;
    entry.is_in = wanted;
    write(entry.where, wanted ? architecture::breakpoint : entry.original);
  }
}

void injector::plant(address where) noexcept {
  for (int i = 0; i < entry_count_; ++i)
    if (entries_[i].is_in && entries_[i].where == where) return;
  for (int i = 0; i < planted_count_; ++i)
    if (planted_[i].where == where) return;
  planted_[planted_count_++] = {where, *reinterpret_cast<const volatile architecture::code*>(where),
                                true};
  write(where, architecture::breakpoint);
}

void injector::clear() noexcept {
  while (planted_count_ > 0) {
    const planted& last = planted_[--planted_count_];
    write(last.where, last.original);
  }
}

void injector::write(address where, architecture::code code) noexcept {
  *reinterpret_cast<volatile architecture::code*>(where) = code;
  architecture::written(where);
}

void injector::send(const burst& what) noexcept {
  if (what.other != turn::never) {
    plant_entries(false, 0);  // it may come to one of them
    other_->let_through(what.other);
    return;
  }
  const long process = architecture::call(SYS_getpid);
  const long thread = architecture::call(SYS_gettid);
  for (const burst::arrival& arrival : what.arrivals) {
    if (arrival.payload == 0) {
      architecture::call(SYS_tgkill, process, thread, arrival.signal);
      continue;
    }
    siginfo_t info;
    for (unsigned i = 0; i < sizeof(info); ++i) reinterpret_cast<volatile char*>(&info)[i] = 0;
    info.si_signo = arrival.signal;
    info.si_code = SI_QUEUE;
    info.si_pid = static_cast<pid_t>(process);
    info.si_value.sival_int = arrival.payload;
    architecture::call(SYS_rt_tgsigqueueinfo, process, thread, arrival.signal,
                       reinterpret_cast<long>(&info));
  }
}

}  // namespace injection
