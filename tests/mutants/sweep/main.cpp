// sweep: puts every generic fault into the library's sources, one at a time, and runs the suites. A
// fault that none of them finds is a survivor: a test is missing, or it changes nothing; then the
// file of survivors says why.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <tests/mutants/sweep/faults.hpp>

namespace {

namespace fs = std::filesystem;

struct settings {
  fs::path root;                  // of the project
  fs::path work;                  // where it builds
  std::string compiler;           // with all its flags
  std::vector<fs::path> sources;  // of the library
  std::vector<fs::path> headers;  // private ones, which are swept too
  std::vector<fs::path> tests;    // programs of the unit suite, linked to the shared library
  std::vector<fs::path> program;  // objects of injection's program, without the library's
  fs::path runner;                // of injection
  fs::path survivors;             // the file of those that are explained
  std::string library;            // file name of the shared library
  std::string only;               // part of a description
  bool check = false;             // look at the reasons alone
  unsigned jobs = 2;
};

std::string read(const fs::path& file) {
  std::ifstream in{file};
  if (!in) throw std::runtime_error(fmt::format("cannot read {}", file.string()));
  return {std::istreambuf_iterator<char>{in}, {}};
}

bool run(const std::string& command, const fs::path& log) {
  const int status =
      std::system(fmt::format("{} >{} 2>&1 </dev/null", command, log.string()).c_str());
  return status == 0;
}

std::string joined(const std::vector<fs::path>& files) {
  std::string text;
  for (const fs::path& file : files) text.append(" ").append(file.string());
  return text;
}

struct candidate {
  fs::path file;
  sweep::fault fault;

  /// Without the line, which changes with every edit above it.
  std::string key(const fs::path& root) const {
    return fmt::format("{}: {}: {}", fs::relative(file, root).string(), fault.kind, fault.text);
  }
};

/// One copy of the library, and what is run with it. Each worker has one.
class workshop {
 public:
  workshop(const settings& options, fs::path folder)
      : options_(options), folder_(std::move(folder)) {
    fs::create_directories(folder_);
  }

  /// Compiles the library as it is.
  void build_sound() {
    for (const fs::path& source : options_.sources)
      if (!compile(source, object_of(source)))
        throw std::runtime_error(
            fmt::format("{} does not compile, see {}", source.string(), log().string()));
  }

  /// Empty when a fault survives, else what found it.
  std::string verdict_on(const candidate& mutant) {
    const bool is_header = mutant.file.extension() == ".hpp";
    const fs::path mutated = folder_ / "tree" / fs::relative(mutant.file, options_.root);
    fs::remove_all(folder_ / "tree");
    fs::create_directories(mutated.parent_path());
    std::ofstream{mutated} << mutant.fault.mutated;

    std::vector<fs::path> objects;
    bool differs = false;
    for (const fs::path& source : options_.sources) {
      const fs::path sound = sound_object(source);
      if (!is_header && source != mutant.file) {
        objects.push_back(sound);
        continue;
      }
      const fs::path object = object_of(source);
      if (!compile(is_header ? source : mutated, object)) return "the compiler";
      differs = differs || read(object) != read(sound);
      objects.push_back(object);
    }
    if (!differs) return "nobody: the same code";
    return verdict_of_suites(objects);
  }

  std::string verdict_of_suites(const std::vector<fs::path>& objects) {
    if (!run(fmt::format("{} -shared -Wl,-soname,{} -o {}{}", options_.compiler, options_.library,
                         (folder_ / options_.library).string(), joined(objects)),
             log()))
      return "the linker";
    for (const fs::path& test : options_.tests)
      if (!run(fmt::format("LD_LIBRARY_PATH={} timeout -k 1 10 {} --catch_system_errors=no",
                           folder_.string(), test.string()),
               log()))
        return "unit/" + test.filename().string();
    const fs::path program = folder_ / "injection_program";
    if (!run(fmt::format("{} -static -o {}{}{}", options_.compiler, program.string(),
                         joined(options_.program), joined(objects)),
             log()))
      return "the linker";
    if (!run(fmt::format("timeout -k 1 120 {} {}", options_.runner.string(), program.string()),
             log()))
      return "injection";
    return {};
  }

  std::vector<fs::path> sound_objects() const {
    std::vector<fs::path> objects;
    for (const fs::path& source : options_.sources) objects.push_back(sound_object(source));
    return objects;
  }

  fs::path log() const { return folder_ / "log"; }

 private:
  fs::path object_of(const fs::path& source) const {
    return folder_ / (source.stem().string() + ".o");
  }
  fs::path sound_object(const fs::path& source) const {
    return options_.work / "sound" / (source.stem().string() + ".o");
  }

  // The names of the folders do not get into the object, so that equal code is equal.
  bool compile(const fs::path& source, const fs::path& object) const {
    return run(
        fmt::format("{0} -I{1}/tree -I{2} -ffile-prefix-map={1}/tree=. -ffile-prefix-map={2}=. -c "
                    "{3} -o {4}",
                    options_.compiler, folder_.string(), options_.root.string(), source.string(),
                    object.string()),
        log());
  }

  const settings& options_;
  fs::path folder_;
};

/// Lines "file: kind: text => reason"; others, and what is indented, are prose.
std::map<std::string, std::string> explained(const fs::path& file) {
  std::map<std::string, std::string> reasons;
  std::istringstream lines{read(file)};
  for (std::string line; std::getline(lines, line);)
    if (const auto arrow = line.find(" => "); arrow != std::string::npos && line[0] != ' ')
      reasons[line.substr(0, arrow)] = line.substr(arrow + 4);
  return reasons;
}

std::vector<candidate> candidates_of(const settings& options) {
  std::vector<candidate> all;
  std::vector<fs::path> files = options.sources;
  // What happens when an object is loaded is tested by the suite package, and assembly has no
  // statements.
  std::erase_if(files, [](const fs::path& file) {
    const std::string name = file.filename().string();
    return name == "copies.cpp" || name == "linux_objects.cpp" || file.extension() == ".S";
  });
  files.insert(files.end(), options.headers.begin(), options.headers.end());
  for (const fs::path& file : files)
    for (sweep::fault& fault : sweep::faults_of(read(file)))
      all.push_back({file, std::move(fault)});
  std::erase_if(all, [&](const candidate& one) {
    return one.key(options.root).find(options.only) == std::string::npos;
  });
  return all;
}

/// Reasons for faults that cannot be made in the code as it is. Returns how many.
std::size_t report_stale(const settings& options) {
  settings everything = options;
  everything.only.clear();
  std::set<std::string> keys;
  for (const candidate& one : candidates_of(everything)) keys.insert(one.key(options.root));
  std::size_t stale = 0;
  for (const auto& [key, reason] : explained(options.survivors)) {
    if (keys.contains(key)) continue;
    ++stale;
    fmt::print("STALE, there is no such fault: {}\n", key);
  }
  return stale;
}

/// Returns the number of survivors without a reason.
std::size_t sweep_all(const settings& options) {
  workshop sound{options, options.work / "sound"};
  sound.build_sound();
  if (const std::string found = sound.verdict_of_suites(sound.sound_objects()); !found.empty())
    throw std::runtime_error(
        fmt::format("without a fault, {} fails; see {}", found, sound.log().string()));

  const std::map<std::string, std::string> reasons = explained(options.survivors);
  const std::vector<candidate> all = candidates_of(options);
  std::mutex guarding;  // what follows, down to the workers
  std::size_t next = 0;
  std::map<std::string, std::size_t> verdicts;
  std::set<std::string> survived;
  std::size_t unexplained = 0;

  const auto work = [&](unsigned number) {
    workshop mine{options, options.work / fmt::format("worker{}", number)};
    for (;;) {
      std::size_t index;
      {
        const std::lock_guard lock{guarding};
        if (next == all.size()) return;
        index = next++;
      }
      const candidate& mutant = all[index];
      const std::string verdict = mine.verdict_on(mutant);
      const std::string key = mutant.key(options.root);
      const std::lock_guard lock{guarding};
      ++verdicts[verdict.empty() ? "nobody" : verdict];
      if (!verdict.empty()) continue;
      survived.insert(key);
      if (reasons.contains(key)) continue;
      ++unexplained;
      fmt::print("SURVIVED, line {}: {}\n", mutant.fault.line, key);
      std::fflush(stdout);
    }
  };
  std::vector<std::thread> workers;
  for (unsigned i = 0; i < options.jobs; ++i) workers.emplace_back(work, i);
  for (std::thread& worker : workers) worker.join();

  fmt::print("{} faults; found by:\n", all.size());
  for (const auto& [who, count] : verdicts) fmt::print("  {:5} {}\n", count, who);
  if (options.only.empty())
    for (const auto& [key, reason] : reasons)
      if (!survived.contains(key))
        fmt::print("explained, but it does not survive any more: {}\n", key);
  return unexplained;
}

}  // namespace

int main(int argc, char** argv) {
  settings options;
  CLI::App app{"Puts generic faults into the library's sources and wants the suites to find each."};
  app.set_config("--config");
  app.add_option("--root", options.root)->required();
  app.add_option("--work", options.work)->required();
  app.add_option("--compiler", options.compiler)->required();
  app.add_option("--sources", options.sources)->required();
  app.add_option("--headers", options.headers);
  app.add_option("--tests", options.tests)->required();
  app.add_option("--program", options.program)->required();
  app.add_option("--runner", options.runner)->required();
  app.add_option("--survivors", options.survivors)->required();
  app.add_option("--library", options.library)->required();
  app.add_option("--only", options.only, "Faults whose description contains this text");
  app.add_flag("--check", options.check, "Only look for reasons that are stale");
  app.add_option("--jobs", options.jobs, "How many at a time")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    const std::size_t stale = report_stale(options);
    const std::size_t unexplained = options.check ? 0 : sweep_all(options);
    fmt::print("{} survivors without a reason, {} stale reasons\n", unexplained, stale);
    return unexplained + stale == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& error) {
    fmt::print(stderr, "sweep: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
