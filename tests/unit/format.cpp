// format.hpp, formatters.hpp: what is formatted, and that it is safe in a handler
#include <boost/test/unit_test.hpp>

#include <sigsafe/format.hpp>

#include <dlfcn.h>
#include <link.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <clocale>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <string_view>

#include <sigsafe/handler.hpp>

#include <tests/support/allocations.hpp>
#include <tests/support/child.hpp>
#include <tests/support/instructions.hpp>
#include <tests/support/sanitizers.hpp>
#include <tests/support/writes.hpp>

namespace {

struct point {
  int x, y;
};

}  // namespace

template <>
struct fmt::formatter<point> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  template <class Context>
  auto format(const point& value, Context& context) const {
    return fmt::format_to(context.out(), "({}, {})", value.x, value.y);
  }
};
template <>
inline constexpr bool sigsafe::has_safe_formatter<point> = true;

namespace {

using sigsafe::exit_status;
using sigsafe::signal_info;
using sigsafe::signal_set;

/// What print writes.
template <class... Args>
std::string printed(sigsafe::detail::format_text<std::type_identity_t<Args>...> text,
                    const Args&... args) {
  const test::scripted_writes writes;
  sigsafe::print(9999, text, args...);
  return writes.taken();
}

siginfo_t info_of(int signal, int code) {
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = code;
  return info;
}

BOOST_AUTO_TEST_SUITE(format)

BOOST_AUTO_TEST_CASE(integers_are_formatted_as_fmt_does) {
  __extension__ using wide = __int128;
  __extension__ using unsigned_wide = unsigned __int128;
  BOOST_TEST(printed("{} {} {} {} {}", true, 'c', short{-3}, 4U, std::uint8_t{5}) ==
             "true c -3 4 5");
  BOOST_TEST(printed("{:d} {:x} {:#X} {:b} {:o} {:c}", true, 255, 255, 5, 8, 65) ==
             "1 ff 0XFF 101 10 A");
  BOOST_TEST(printed("{:5}|{:<5}|{:^5}|{:*>5}|{:+}|{: }|{:05}", 1, 2, 3, 4, 5, 6, 7) ==
             "    1|2    |  3  |****4|+5| 6|00007");
  BOOST_TEST(printed("{} {}", INT64_MIN, UINT64_MAX) ==
             "-9223372036854775808 18446744073709551615");
  BOOST_TEST(printed("{} {}", static_cast<wide>(1) << 100, ~unsigned_wide{0}) ==
             "1267650600228229401496703205376 340282366920938463463374607431768211455");
  BOOST_TEST(printed("{1} {0} {1}", 1, 2) == "2 1 2");
  BOOST_TEST(printed("{{}} {:}<3}", 1) == "{} 1}}");
}

BOOST_AUTO_TEST_CASE(what_a_handler_changes_can_be_printed) {
  volatile sig_atomic_t count = 3;
  struct {
    unsigned bits : 3;
  } field{5};
  BOOST_TEST(printed("{} {}", count, field.bits) == "3 5");
}

BOOST_AUTO_TEST_CASE(strings_are_formatted_as_fmt_does) {
  char buffer[20] = "buffer";
  const std::string string = "string";
  const std::string_view view{"view that is longer", 4};
  const char* const text = "text";
  BOOST_TEST(printed("{} {} {} {} {}", "literal", buffer, string, view, text) ==
             "literal buffer string view text");
  BOOST_TEST(printed("{:6}|{:>6}|{:.2}|{:-^7}", "ab", "cd", "efg", "h") ==
             "ab    |    cd|ef|---h---");
  BOOST_TEST(printed("{:>4}|{:€<3}", "ä", "x") == "   ä|x€€");
}

BOOST_AUTO_TEST_CASE(a_null_string_is_no_crash) {
  const char* const none = nullptr;
  BOOST_TEST(printed("{} {:>8}", none, none) == "(null)   (null)");
}

BOOST_AUTO_TEST_CASE(addresses_are_formatted_as_fmt_does) {
  void* const address = reinterpret_cast<void*>(std::uintptr_t{0xabc});
  BOOST_TEST(printed("{} {:>8} {}", address, static_cast<const void*>(address), nullptr) ==
             "0xabc    0xabc 0x0");
}

BOOST_AUTO_TEST_CASE(a_type_with_a_safe_formatter_can_be_printed) {
  BOOST_TEST(printed("{} {}", point{1, 2}, 3) == "(1, 2) 3");
}

BOOST_AUTO_TEST_CASE(a_floating_point_number_is_the_shortest_that_reads_back) {
  BOOST_TEST(printed("{} {} {} {}", 0.1, 0.1F, 1.0, -2.5) == "0.1 0.1 1 -2.5");
  BOOST_TEST(printed("{} {} {} {}", 1000000.0, 1e15, 1e16, 1e300) ==
             "1000000 1000000000000000 1e+16 1e+300");
  BOOST_TEST(printed("{} {} {} {}", 0.0001, 0.00001, 0.0, -0.0) == "0.0001 1e-05 0 -0");
  const double infinite = std::numeric_limits<double>::infinity();
  const double none = std::numeric_limits<double>::quiet_NaN();
  BOOST_TEST(printed("{} {} {} {:06} {:E}", infinite, -infinite, none, infinite, none) ==
             "inf -inf nan    inf NAN");
}

BOOST_AUTO_TEST_CASE(a_float_is_what_fmt_makes_of_it) {
  for (const float number : {1e-4F, 9.9e-5F, 123456790.F, 16777216.F, 16777217.F, 1e15F, 1e16F,
                             9.999999e15F, 3.4e38F, 1.17549435e-38F, 1e-45F, 0.1F, 1.5F, -2e-4F})
    BOOST_TEST(printed("{}", number) == fmt::format("{}", number));
  std::mt19937 random{1};
  for (int i = 0; i < 20'000; ++i) {
    const auto bits = static_cast<std::uint32_t>(random());
    float number;
    std::memcpy(&number, &bits, sizeof(number));
    if (std::isfinite(number)) BOOST_TEST(printed("{}", number) == fmt::format("{}", number));
    const double wide = static_cast<double>(number) * 1.1;
    if (std::isfinite(wide)) BOOST_TEST(printed("{}", wide) == fmt::format("{}", wide));
  }
}

BOOST_AUTO_TEST_CASE(floating_point_numbers_have_a_precision_and_a_width) {
  BOOST_TEST(printed("{:.3f} {:f} {:.0f} {:.2e} {:E} {:g} {:G} {:.3}", 3.14159, 1.5, 2.5, 12345.6,
                     1.5, 1e-10, 1e-10,
                     12345.6) == "3.142 1.500000 2 1.23e+04 1.500000E+00 1e-10 1E-10 1.23e+04");
  BOOST_TEST(printed("{:8.2f}|{:<8.2f}|{:^8.2f}|{:*>8.2f}|{:08.2f}|{:+.1f}|{: .1f}|{:<08}", 1.25,
                     1.25, 1.25, 1.25, -1.25, 1.0, 1.0,
                     1.0) == "    1.25|1.25    |  1.25  |****1.25|-0001.25|+1.0| 1.0|1       ");
}

/// As the C library has it, for numbers of every size.
BOOST_AUTO_TEST_CASE(floating_point_numbers_are_right_at_all_sizes) {
  for (int exponent = -1074; exponent < 1024; exponent += 7) {
    const double number = std::ldexp(1.9, exponent);
    char expected[2][512];
    std::snprintf(expected[0], sizeof(expected[0]), "%.3f %.20e", number, number);
    std::snprintf(expected[1], sizeof(expected[1]), "%.60f", number);
    BOOST_TEST(printed("{:.3f} {:.20e}", number, number) == expected[0]);
    BOOST_TEST(printed("{:.60f}", number) == expected[1]);
    BOOST_TEST(std::strtod(printed("{}", number).c_str(), nullptr) == number);
  }
}

BOOST_AUTO_TEST_CASE(the_longest_number_has_room) {
  const double longest = -std::numeric_limits<double>::max();
  BOOST_TEST(printed("{:.60f}", longest).size() == 1U + 309 + 1 + 60);
}

BOOST_AUTO_TEST_CASE(sets_of_signals) {
  BOOST_TEST(printed("{}", signal_set{}) == "{}");
  BOOST_TEST(printed("{}", signal_set{SIGTERM, SIGINT, SIGRTMIN, SIGRTMIN + 2}) ==
             "{SIGINT, SIGTERM, SIGRTMIN, SIGRTMIN+2}");
  BOOST_TEST(printed("{:>12}|{:<12}|", signal_set{SIGINT}, signal_set{SIGINT}) ==
             "    {SIGINT}|{SIGINT}    |");
  BOOST_TEST(printed("{}", signal_set::from_bits(~std::uint64_t{0})).ends_with("+30}"));
  BOOST_TEST(printed("{}", signal_set{32}) == "{signal 32}");
}

BOOST_AUTO_TEST_CASE(ends_of_children) {
  BOOST_TEST(printed("{}, {}, {}", exit_status{}, exit_status::of_code(3),
                     exit_status::of_unknown()) == "running, exited with 3, ended unseen");
  BOOST_TEST(
      printed("{}, {}", exit_status::of_signal(SIGKILL), exit_status::of_signal(SIGSEGV, true)) ==
      "killed by SIGKILL, killed by SIGSEGV, dumped core");
}

BOOST_AUTO_TEST_CASE(reasons_and_places) {
  BOOST_TEST(printed("{} {} {:>8}", sigsafe::wake::handler, sigsafe::wake::ready,
                     sigsafe::wake::timeout) == "handler ready  timeout");
  BOOST_TEST(printed("{} {}", sigsafe::location{"file.cpp", 12}, sigsafe::location{nullptr, 0}) ==
             "file.cpp:12 ?");
}

BOOST_AUTO_TEST_CASE(what_came_with_a_signal) {
  siginfo_t info = info_of(SIGTERM, SI_USER);
  info.si_pid = 12;
  BOOST_TEST(printed("{}", signal_info{info}) == "SIGTERM from process 12");
  info = info_of(SIGRTMIN + 2, SI_QUEUE);
  info.si_pid = 12;
  info.si_value.sival_int = 7;
  BOOST_TEST(printed("{}", signal_info{info}) == "SIGRTMIN+2 from process 12, value 7");
  info = info_of(SIGSEGV, SEGV_MAPERR);
  info.si_addr = reinterpret_cast<void*>(std::uintptr_t{8});
  BOOST_TEST(printed("{}", signal_info{info}) == "SIGSEGV (code 1) at address 0x8");
  info = info_of(SIGALRM, SI_TIMER);
  BOOST_TEST(printed("{}", signal_info{info}) == "SIGALRM from a timer");
  info = info_of(SIGIO, POLL_IN);
  info.si_fd = 5;
  BOOST_TEST(printed("{}", signal_info{info}) == "SIGIO from descriptor 5");
  BOOST_TEST(printed("{}", signal_info{info_of(SIGWINCH, SI_KERNEL)}) == "SIGWINCH");
}

BOOST_AUTO_TEST_CASE(what_a_child_did) {
  const auto of = [](int code, int status) {
    siginfo_t info = info_of(SIGCHLD, code);
    info.si_pid = 12;
    info.si_status = status;
    return printed("{}", signal_info{info});
  };
  BOOST_TEST(of(CLD_EXITED, 1) == "SIGCHLD: process 12 exited with 1");
  BOOST_TEST(of(CLD_KILLED, SIGKILL) == "SIGCHLD: process 12 killed by SIGKILL");
  BOOST_TEST(of(CLD_DUMPED, SIGSEGV) == "SIGCHLD: process 12 killed by SIGSEGV, dumped core");
  BOOST_TEST(of(CLD_TRAPPED, SIGTRAP) == "SIGCHLD: process 12 trapped by SIGTRAP");
  BOOST_TEST(of(CLD_STOPPED, SIGSTOP) == "SIGCHLD: process 12 stopped by SIGSTOP");
  BOOST_TEST(of(CLD_CONTINUED, SIGCONT) == "SIGCHLD: process 12 continued by SIGCONT");
}

BOOST_AUTO_TEST_CASE(a_crash) {
  const test::child_end end = test::in_child([] {
    const sigsafe::crash_handler handler{[](const sigsafe::crash_info& crash) noexcept {
      sigsafe::writer<4096> out{STDERR_FILENO};
      out.print("crash: {}\n", crash);
    }};
    abort();
  });
  BOOST_TEST(end.killed_by(SIGABRT), end);
  BOOST_TEST(end.errors.starts_with("crash: SIGABRT (code -6) from process "), end);
  BOOST_TEST(end.errors.find(", pc ") != std::string::npos, end);
  BOOST_TEST(end.errors.ends_with("\n"), end);
}

BOOST_AUTO_TEST_CASE(the_formatters_serve_other_functions_of_fmt) {
  BOOST_TEST(fmt::format("{:>10} {:{}}|", signal_set{SIGINT}, sigsafe::wake::ready, 8) ==
             "  {SIGINT} ready   |");
}

/// Everything that can be formatted, the extremes too.
void print_everything() noexcept {
  constexpr std::array reals{0.0, 1.5, 5e-324, 1.7976931348623157e308, 1e22, 0.3, -1e-5};
  const signal_set every = signal_set::from_bits(~std::uint64_t{0});
  siginfo_t native{};
  native.si_signo = SIGSEGV;
  native.si_code = SEGV_MAPERR;
  const signal_info signal{native};
  const sigsafe::crash_info crash{signal};
  __extension__ using wide = __int128;
  const std::string_view text{"text \xff ä"};

  sigsafe::writer<2048> out{9999};
  for (const double number : reals) {
    out.print("{} {:.60f} {:.60e} {:.60g}\n", number, number, number, number);
    out.print("{} {:030.3f}\n", static_cast<float>(number), number);
  }
  out.print("{} {:x} {:#b} {:*^2000} {}\n", -1, 2U, 3L, 4, static_cast<wide>(1) << 100);
  out.print("{} {} {:>20} {:?} {:.3} {}\n", true, 'c', text, text, text, "literal");
  out.print("{} {} {} {}\n", nullptr, static_cast<const void*>(&out), every, point{1, 2});
  out.print("{} {} {}\n", signal, exit_status::of_signal(9), sigsafe::location::current());
  out.print("{} {}\n", sigsafe::wake::ready, crash);
  out.flush();
  sigsafe::print(9999, "{}", every);
}

BOOST_AUTO_TEST_CASE(nothing_is_allocated) {
  long allocated = -1;
  const sigsafe::handler on_usr1{SIGUSR1, [&]() noexcept {
                                   const long before = test::allocations.load();
                                   print_everything();
                                   allocated = test::allocations.load() - before;
                                 }};
  raise(SIGUSR1);
  BOOST_TEST(allocated == 0);
}

BOOST_AUTO_TEST_CASE(nothing_is_allocated_to_replace_a_file) {
  const long before = test::allocations.load();
  for (const char* name : {"/tmp/sigsafe-format-none/file", "/tmp"})
    sigsafe::replace_file(name, 0600, [](auto& out) noexcept { out.print("{}\n", 1.5); });
  BOOST_TEST(test::allocations.load() - before == 0);
}

#if !TEST_REPLACED_MALLOC

/// The addresses of the dynamic linker's code.
struct range {
  std::uintptr_t begin = 0, end = 0;
};
range dynamic_linker() {
  range found;
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* to) {
        if (std::strstr(object->dlpi_name, "/ld-") == nullptr) return 0;
        for (int i = 0; i < object->dlpi_phnum; ++i) {
          const auto& part = object->dlpi_phdr[i];
          if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0) continue;
          const std::uintptr_t begin = object->dlpi_addr + part.p_vaddr;
          *static_cast<range*>(to) = {begin, begin + part.p_memsz};
        }
        return 1;
      },
      &found);
  return found;
}

/// The functions that a handler should not come to, as far as these instructions did.
std::set<std::string> unsafe_among(const std::set<std::uintptr_t>& executed) {
  std::set<std::string> found;
  for (const char* const name : {"malloc",
                                 "calloc",
                                 "realloc",
                                 "free",
                                 "aligned_alloc",
                                 "_Znwm",
                                 "_ZdlPv",
                                 "pthread_mutex_lock",
                                 "pthread_rwlock_rdlock",
                                 "pthread_once",
                                 "__cxa_guard_acquire",
                                 "__cxa_allocate_exception",
                                 "__cxa_throw",
                                 "_ZNSt6localeC1Ev",
                                 "_ZNSt6locale7classicEv",
                                 "localeconv",
                                 "nl_langinfo",
                                 "uselocale",
                                 "setlocale",
                                 "snprintf",
                                 "vsnprintf",
                                 "sprintf",
                                 "fwrite",
                                 "getenv"}) {
    void* const function = dlsym(RTLD_DEFAULT, name);
    if (executed.contains(reinterpret_cast<std::uintptr_t>(function))) found.insert(name);
  }
  const range linker = dynamic_linker();
  const auto in_linker = executed.lower_bound(linker.begin);
  if (in_linker != executed.end() && *in_linker < linker.end) found.insert("the dynamic linker");
  return found;
}

// It was not called before: nothing is resolved, and no static variable initialised, by the first
// call.
BOOST_AUTO_TEST_CASE(no_lock_no_locale_no_exception_and_no_dynamic_linker) {
  const auto executed = test::executed_instructions(print_everything);
  BOOST_TEST(executed.size() > 1000);
  BOOST_TEST(unsafe_among(executed) == std::set<std::string>{}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_not_safe_is_found) {
  const auto executed = test::executed_instructions([] {
    char text[100];
    std::snprintf(text, sizeof(text), "%f", 1.5);
    std::free(std::malloc(10));
    dlsym(RTLD_DEFAULT, "none");
  });
  BOOST_TEST(unsafe_among(executed).contains("snprintf"));
  BOOST_TEST(unsafe_among(executed).contains("malloc"));
  BOOST_TEST(unsafe_among(executed).contains("the dynamic linker"));
}

#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
