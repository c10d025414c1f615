// sigsafe-shield: starts a program with libsigsafe-shield.so in front of its libraries.
#include <cerrno>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <sigsafe/exit_status.hpp>
#include <sigsafe/process.hpp>
#include <sigsafe/shield/launcher/check.hpp>
#include <sigsafe/shield/launcher/environment.hpp>
#include <sigsafe/shield/launcher/launch.hpp>
#include <sigsafe/shield/launcher/options.hpp>
#include <sigsafe/shield/launcher/program.hpp>
#include <sigsafe/shield/launcher/report.hpp>

namespace shield {
namespace {

// As env(1) and timeout(1) have them.
constexpr int own_failure = 125;
constexpr int cannot_execute = 126;
constexpr int not_found = 127;

void say(const std::string& text) { fmt::print(stderr, "sigsafe-shield: {}\n", text); }

int refuse_to_execute(const std::string& name, int error) {
  say(fmt::format("{} cannot be executed: {}", name, std::generic_category().message(error)));
  return error == ENOENT ? not_found : cannot_execute;
}

int show(const report& all, bool as_json) {
  fmt::print("{}", as_json ? json_of(all) : text_of(all));
  return 0;
}

int check(const options& wanted) {
  const process_check found = check_process(wanted.pid);
  if (wanted.json && found.counted) {
    show(*found.counted, true);
    return 0;
  }
  if (wanted.json) {
    fmt::print("{{ \"shielded\": {} }}\n", found.is_shielded);
    return found.is_shielded ? 0 : 1;
  }
  fmt::print("process {} is {}\n", wanted.pid, found.is_shielded ? "shielded" : "not shielded");
  if (found.counted) show(*found.counted, false);
  return found.is_shielded ? 0 : 1;
}

bool is_named(const std::string& file, const std::string& ending) {
  return file.size() > ending.size() && file.ends_with(ending);
}

/// The file is opened before the program starts, so that it is not in vain.
class report_output {
 public:
  explicit report_output(std::string file) : file_(std::move(file)) {
    if (file_.empty()) return;
    out_ = std::fopen(file_.c_str(), "we");
    if (out_ == nullptr)
      throw std::system_error(errno, std::generic_category(),
                              file_ + " cannot be written; choose another file for --report");
  }
  report_output(const report_output&) = delete;
  report_output& operator=(const report_output&) = delete;
  ~report_output() {
    if (!file_.empty()) std::fclose(out_);
  }

  void write(const report& all) {
    const std::string text = is_named(file_, ".json") ? json_of(all) : text_of(all);
    if (std::fputs(text.c_str(), out_) == EOF || std::fflush(out_) != 0)
      say(fmt::format("the report could not be written to {}: {}",
                      file_.empty() ? "the standard error output" : file_,
                      std::generic_category().message(errno)));
  }

 private:
  std::string file_;
  std::FILE* out_ = stderr;
};

/// True when it may be started.
bool prepare(const options& wanted, const found_program& program,
             const std::optional<count_file>& counts) {
  const std::string library = find_library();
  const judgement found = judge(program.path, library);
  if (!found.is_shielded && wanted.requires_shield) {
    say(fmt::format("{} was not started, because the shield cannot help it: {}",
                    wanted.program.front(), found.reason));
    return false;
  }
  if (!found.is_shielded)
    say(fmt::format("{} runs without the shield: {}", wanted.program.front(), found.reason));
  else if (!found.reason.empty())
    say(fmt::format("{}: {}", wanted.program.front(), found.reason));
  if (!found.has_library) return true;
  const std::string warning = set_environment(wanted, library, counts ? counts->path() : "");
  if (!warning.empty()) say(warning);
  return true;
}

int start(const options& wanted) {
  const found_program program = find_program(wanted.program.front());
  if (program.error != 0) return refuse_to_execute(wanted.program.front(), program.error);
  std::optional<report_output> output;
  if (wanted.reports) output.emplace(wanted.report_file);
  std::optional<count_file> counts;
  if (wanted.reports)
    counts.emplace(count_file::make_temporary());
  else if (!wanted.count_file.empty())
    counts.emplace(count_file::make(wanted.count_file));
  if (!prepare(wanted, program, counts)) return own_failure;

  std::vector<std::string> arguments = wanted.program;
  std::string path = program.path;
  if (needs_shell(path)) {
    arguments.front() = path;
    arguments.insert(arguments.begin(), default_shell);
    path = default_shell;
  }
  if (!wanted.reports) return refuse_to_execute(wanted.program.front(), become(path, arguments));
  sigsafe::exit_status end;
  try {
    end = run(path, arguments);
  } catch (const std::system_error& error) {
    return refuse_to_execute(wanted.program.front(), error.code().value());
  }
  output->write(summarise(counts->counts()));
  output.reset();
  counts.reset();
  sigsafe::end_as(end);
}

int go(int count, char** arguments) {
  const std::optional<options> wanted = parse(count, arguments);
  if (!wanted) return 0;
  switch (wanted->wanted) {
    case options::task::check: return check(*wanted);
    case options::task::show:
      return show(summarise(count_file::open(wanted->shown_file).counts()), wanted->json);
    case options::task::start: break;
  }
  return start(*wanted);
}

}  // namespace
}  // namespace shield

int main(int count, char** arguments) {
  try {
    return shield::go(count, arguments);
  } catch (const std::exception& error) {
    shield::say(error.what());
    return shield::own_failure;
  }
}
