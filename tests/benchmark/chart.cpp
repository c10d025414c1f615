#include <tests/benchmark/chart.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace benchmarked {
namespace {

constexpr int width = 720;
constexpr int text_height = 13;

std::string escaped(const std::string& text) {
  std::string result;
  for (const char each : text) switch (each) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      default: result += each;
    }
  return result;
}

// Colours of Okabe and Ito, which readers who do not see all colours tell apart, and dashes.
std::string style() {
  std::string result =
      "<style>\n"
      "text{font:13px sans-serif;fill:#24292f}.title{font-weight:bold}.soft{fill:#57606a}\n"
      ".grid{stroke:#d0d7de}.inside{fill:#fff}\n"
      ".ours{fill:#0072b2}.other{fill:#6e7781}\n";
  const char* const colours[] = {"0072b2", "009e73", "d55e00", "cc79a7",
                                 "8c959f", "b8860b", "a371f7"};
  int index = 0;
  for (const char* colour : colours)
    result += fmt::format(".l{}{{stroke:#{};fill:none;stroke-width:2}}\n", index++, colour);
  result +=
      "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.soft{fill:#9198a1}"
      ".inside{fill:#fff}.grid{stroke:#3d444d}.l0{stroke:#56b4e9}}\n"
      "</style>\n";
  return result;
}

class drawing {
 public:
  explicit drawing(int height, const std::string& title)
      : text_(fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" "
                          "role=\"img\" aria-label=\"{}\">\n",
                          width, height, escaped(title)) +
              style()) {
    write(0, text_height + 2, "start", title, "title");
  }

  void write(double x, double y, const char* anchor, const std::string& what,
             const char* looks = "soft") {
    text_ +=
        fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=\"{}\" class=\"{}\">{}</text>\n",
                    x, y, anchor, looks, escaped(what));
  }
  void draw_line(double x1, double y1, double x2, double y2, const char* looks) {
    text_ += fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\"/>\n", x1, y1,
        x2, y2, looks);
  }
  void draw_bar(double x, double y, double w, double h, const char* looks) {
    text_ += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" class=\"{}\"/>\n", x, y,
        w, h, looks);
  }
  void draw_path(const std::string& points, std::size_t index, bool is_dashed) {
    text_ += fmt::format("<polyline points=\"{}\" class=\"l{}\"{}/>\n", points, index % 7,
                         is_dashed ? " stroke-dasharray=\"5 3\"" : "");
  }
  [[nodiscard]] std::string finished() const { return text_ + "</svg>\n"; }

 private:
  std::string text_;
};

/// A number as a reader wants it: three digits.
std::string short_number(double value) {
  if (value >= 100) return fmt::format("{:.0f}", value);
  return fmt::format("{:.{}f}", value, value >= 10 ? 1 : 2);
}

/// 1, 2 or 5 times a power of ten, so that there are about five of it in a value.
double step_for(double most) {
  const double power = std::pow(10, std::floor(std::log10(most / 5)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (most / (power * factor) <= 6) return power * factor;
  return power * 10;
}

/// From values to the horizontal.
class scale {
 public:
  scale(double least, double most, double left, double right, bool logarithmic)
      : least_(least), most_(most), left_(left), right_(right), logarithmic_(logarithmic) {}
  [[nodiscard]] double of(double value) const {
    const double part = logarithmic_ ? std::log(value / least_) / std::log(most_ / least_)
                                     : (value - least_) / (most_ - least_);
    return left_ + part * (right_ - left_);
  }
  [[nodiscard]] std::vector<double> labels() const {
    std::vector<double> result;
    if (logarithmic_)
      for (double at = least_; at <= most_ * 1.01; at *= 10) result.push_back(at);
    else
      for (double at = least_; at <= most_; at += step_for(most_)) result.push_back(at);
    return result;
  }

 private:
  double least_, most_, left_, right_;
  bool logarithmic_;
};

scale scale_of(const bar_chart& chart, double left, double right) {
  double least = chart.bars.front().value, most = 0;
  for (const bar& each : chart.bars) {
    least = std::min(least, each.value);
    most = std::max(most, each.value);
  }
  if (!chart.logarithmic) return {0, most, left, right, false};
  return {std::pow(10, std::floor(std::log10(least))), std::pow(10, std::ceil(std::log10(most))),
          left, right, true};
}

}  // namespace

std::string as_svg(const bar_chart& chart) {
  constexpr int left = 230, right = width - 60, top = 30, row = 22;
  const int bottom = top + row * static_cast<int>(chart.bars.size());
  drawing out{bottom + 45, chart.title};
  const scale horizontal = scale_of(chart, left, right);
  for (const double label : horizontal.labels()) {
    const double x = horizontal.of(label);
    out.draw_line(x, top, x, bottom, "grid");
    out.write(x, bottom + 16, "middle", fmt::format("{:g}", label));
  }
  out.write((left + right) / 2.0, bottom + 36, "middle", chart.axis);
  double y = top;
  for (const bar& each : chart.bars) {
    const double end = horizontal.of(each.value);
    out.write(left - 8, y + 16, "end", each.name, each.is_ours ? "title" : "soft");
    out.draw_bar(left, y + 4, end - left, row - 7, each.is_ours ? "ours" : "other");
    out.write(end - 5, y + 16, "end", short_number(each.value), "inside");
    y += row;
  }
  return out.finished();
}

std::string as_svg(const line_chart& chart) {
  constexpr int left = 60, right = width - 180, top = 45, bottom = 345;
  drawing out{bottom + 45, chart.title};
  out.write(0, top - 10, "start", chart.y_axis);
  double most = 0, last = 0;
  for (const line& each : chart.lines)
    for (const auto& [x, y] : each.points) {
      most = std::max(most, y);
      last = std::max(last, x);
    }
  const double step = step_for(most);
  most = std::ceil(most / step - 0.05) * step;
  const scale horizontal{0, last, left, right, false};
  const scale vertical{0, most, bottom, top, false};
  for (double label = 0; label <= most * 1.001; label += step) {
    const double y = vertical.of(label);
    out.draw_line(left, y, right, y, "grid");
    out.write(left - 6, y + 4, "end", fmt::format("{:g}", label));
  }
  for (std::size_t i = 0; i < chart.x_labels.size(); ++i)
    out.write(horizontal.of(static_cast<double>(i)), bottom + 18, "middle", chart.x_labels[i]);
  out.write((left + right) / 2.0, bottom + 38, "middle", chart.x_axis);

  // The key stands in the order in which the lines end, from above.
  std::vector<std::size_t> order(chart.lines.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return chart.lines[a].points.back().second > chart.lines[b].points.back().second;
  });
  double key = top + 8;
  for (const std::size_t i : order) {
    const line& each = chart.lines[i];
    std::string points;
    for (const auto& [x, y] : each.points)
      points +=
          fmt::format("{:.1f},{:.1f} ", horizontal.of(x), std::max(vertical.of(y), top - 4.0));
    out.draw_path(points, i, !each.is_ours);
    out.draw_path(fmt::format("{},{} {},{}", right + 12, key, right + 36, key), i, !each.is_ours);
    out.write(right + 42, key + 4, "start", each.name, each.is_ours ? "title" : "soft");
    key += 20;
  }
  return out.finished();
}

}  // namespace benchmarked
