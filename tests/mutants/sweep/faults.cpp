#include <tests/mutants/sweep/faults.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sweep {
namespace {

struct range {
  std::size_t first, last;  // one behind the end
};

/// The source with comments, literals and preprocessor lines blanked, so that every other character
/// stands where it stood and is code.
std::string code_only(const std::string& source) {
  static const std::regex other(
      R"(//[^\n]*|/\*[^*]*\*+([^/*][^*]*\*+)*/|"([^"\\\n]|\\.)*"|'([^'\\\n]|\\.)'|(^|\n)#[^\n]*)");
  std::string code = source;
  for (auto it = std::sregex_iterator(source.begin(), source.end(), other);
       it != std::sregex_iterator(); ++it)
    for (auto i = it->position(); i < it->position() + it->length(); ++i) {
      char& c = code[static_cast<std::size_t>(i)];
      if (c != '\n') c = c == '"' ? '"' : ' ';
    }
  return code;
}

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

/// The position behind the bracket that closes the one at `open`.
std::size_t behind_closing(const std::string& code, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < code.size(); ++i) {
    if (code[i] == '(' || code[i] == '{' || code[i] == '[') ++depth;
    if (code[i] == ')' || code[i] == '}' || code[i] == ']')
      if (--depth == 0) return i + 1;
  }
  return code.size();
}

bool starts_with_word(std::string_view text, std::string_view word) {
  return text.starts_with(word) &&
         (text.size() == word.size() ||
          std::isalnum(static_cast<unsigned char>(text[word.size()])) == 0);
}

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return starts_with_word(text, word); });
}

/// Finds the statements and the conditions in the bodies of functions.
class scanner {
 public:
  explicit scanner(const std::string& code) : code_(code) { declarations(0, code_.size()); }

  std::vector<range> statements;
  std::vector<range> conditions;

 private:
  // Namespaces and classes contain functions; what has parentheses before its brace is one.
  void declarations(std::size_t at, std::size_t end) {
    std::size_t begin = at;
    while (at < end) {
      if (code_[at] == ';') {
        begin = ++at;
      } else if (code_[at] == '{') {
        const std::size_t close = behind_closing(code_, at);
        const std::string_view head = std::string_view{code_}.substr(begin, at - begin);
        if (head.find('(') != std::string_view::npos)
          block(at + 1, close - 1);
        else if (head.find("namespace") != std::string_view::npos ||
                 head.find("class") != std::string_view::npos ||
                 head.find("struct") != std::string_view::npos)
          declarations(at + 1, close - 1);
        begin = at = close;
      } else if (code_[at] == '(' || code_[at] == '[') {
        at = behind_closing(code_, at);
      } else {
        ++at;
      }
    }
  }

  void block(std::size_t at, std::size_t end) {
    while ((at = skip_space(at, end)) < end) at = statement(at, end);
  }

  std::size_t skip_space(std::size_t at, std::size_t end) const {
    while (at < end && is_space(code_[at])) ++at;
    return at;
  }

  std::string_view rest(std::size_t at) const { return std::string_view{code_}.substr(at); }

  /// Returns the position behind it.
  std::size_t statement(std::size_t at, std::size_t end) {
    if (code_[at] == '{') {
      const std::size_t close = behind_closing(code_, at);
      block(at + 1, close - 1);
      return close;
    }
    if (starts_with_any(rest(at), {"if", "while", "for"})) {
      const std::size_t open = code_.find('(', at);
      const std::size_t close = behind_closing(code_, open);
      condition({open + 1, close - 1}, starts_with_word(rest(at), "for"));
      std::size_t behind = skip_space(close, end);
      if (rest(behind).starts_with("[[")) behind = skip_space(code_.find("]]", behind) + 2, end);
      behind = statement(behind, end);
      return otherwise(behind, end);
    }
    if (starts_with_word(rest(at), "do")) {
      const std::size_t behind = statement(skip_space(at + 2, end), end);
      const std::size_t open = code_.find('(', behind);
      const std::size_t close = behind_closing(code_, open);
      condition({open + 1, close - 1}, false);
      return code_.find(';', close) + 1;
    }
    std::size_t stop = at;
    while (stop < end && code_[stop] != ';')
      stop = code_[stop] == '(' || code_[stop] == '{' || code_[stop] == '['
                 ? behind_closing(code_, stop)
                 : stop + 1;
    if (stop < end) {
      statements.push_back({at, stop});
      ternary({at, stop});
    }
    return std::min(stop + 1, end);
  }

  std::size_t otherwise(std::size_t at, std::size_t end) {
    const std::size_t next = skip_space(at, end);
    if (next >= end || !starts_with_word(rest(next), "else")) return at;
    return statement(skip_space(next + 4, end), end);
  }

  // Of `a; b; c` the second part in a for, the last in an if.
  void condition(range whole, bool is_for) {
    std::vector<range> parts{{whole.first, whole.last}};
    for (std::size_t i = whole.first; i < whole.last;
         i = code_[i] == '(' || code_[i] == '{' || code_[i] == '[' ? behind_closing(code_, i)
                                                                   : i + 1)
      if (code_[i] == ';') {
        parts.back().last = i;
        parts.push_back({i + 1, whole.last});
      }
    if (is_for && parts.size() == 1) return;  // over a range
    const range& part = is_for ? parts[1] : parts.back();
    const std::size_t first = skip_space(part.first, part.last);
    if (first < part.last) conditions.push_back({first, part.last});
  }

  // `return condition ? a : b` and `x = condition ? a : b`.
  void ternary(range of) {
    const std::size_t question = code_.find('?', of.first);
    if (question >= of.last) return;
    const std::string_view before = rest(of.first).substr(0, question - of.first);
    std::size_t first = 0;
    if (starts_with_word(before, "return"))
      first = 6;
    else if (const std::size_t equals = before.find(" = "); equals != std::string_view::npos)
      first = equals + 3;
    else
      return;
    if (std::count(before.begin() + static_cast<std::ptrdiff_t>(first), before.end(), '(') !=
        std::count(before.begin() + static_cast<std::ptrdiff_t>(first), before.end(), ')'))
      return;  // it stands in an argument
    conditions.push_back({skip_space(of.first + first, question), question});
  }

  std::string code_;
};

bool is_fence(std::string_view text) { return text.starts_with("handler_fence("); }

bool is_store(const std::string& text) {
  static const std::regex store(
      R"(^[\w.\[\]\->()]+(\.|->)(store|exchange|set_bits|clear_bits|increment|decrement|fetch_\w+)\()"
      R"(|^[\w.\[\]]+(->[\w.\[\]]+)* [|&+\-^]?= )");
  return std::regex_search(text, store);
}

/// A declaration without a constructor of ours, an assertion: nothing to remove.
bool is_removable(const std::string& text) {
  if (starts_with_any(text, {"static_assert", "using", "typedef"})) return false;
  return !starts_with_word(text, "return") || text == "return";
}

std::string on_one_line(const std::string& text) {
  static const std::regex spaces(R"(\s+)");
  return std::regex_replace(text, spaces, " ");
}

std::size_t line_of(const std::string& source, std::size_t position) {
  return static_cast<std::size_t>(std::count(
             source.begin(), source.begin() + static_cast<std::ptrdiff_t>(position), '\n')) +
         1;
}

std::string replaced(const std::string& source, range what, const std::string& with) {
  return source.substr(0, what.first) + with + source.substr(what.last);
}

/// The newlines of a text, so that what stands behind it keeps its line.
std::string newlines(const std::string& text) {
  return std::string(static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')), '\n');
}

}  // namespace

std::vector<fault> faults_of(const std::string& source) {
  const scanner found{code_only(source)};
  std::vector<fault> faults;
  const auto text_of = [&](range of) { return source.substr(of.first, of.last - of.first); };
  const auto add = [&](const char* kind, range of, const std::string& text, std::string mutated) {
    faults.push_back({kind, on_one_line(text), line_of(source, of.first), std::move(mutated)});
  };

  for (const range& statement : found.statements) {
    const std::string text = text_of(statement);
    if (is_removable(text))
      add("remove", statement, text, replaced(source, statement, newlines(text)));
  }
  for (const range& condition : found.conditions) {
    const std::string text = text_of(condition);
    add("negate", condition, text, replaced(source, condition, "!(" + text + ")"));
  }
  for (std::size_t i = 0; i + 1 < found.statements.size(); ++i) {
    std::size_t next = i + 1;
    while (next + 1 < found.statements.size() && is_fence(text_of(found.statements[next]))) ++next;
    const range first = found.statements[i];
    const range second = found.statements[next];
    const std::string one = text_of(first);
    const std::string other = text_of(second);
    if (!is_store(one) || !is_store(other)) continue;
    const std::string between = source.substr(first.last, second.first - first.last);
    if (between.find_first_of("{}") != std::string::npos) continue;
    add("exchange", first, one + "; with: " + other,
        replaced(source, {first.first, second.last}, other + between + one));
  }
  std::stable_sort(faults.begin(), faults.end(),
                   [](const fault& a, const fault& b) { return a.line < b.line; });
  return faults;
}

}  // namespace sweep
