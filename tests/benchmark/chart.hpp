// Charts as SVG, which a reader's light or dark mode colours.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace benchmarked {

struct bar {
  std::string name;
  double value;
  bool is_ours;  ///< in the colour of sigsafe
};

struct bar_chart {
  std::string title;
  std::string axis;  ///< what is measured, with its unit
  bool logarithmic;
  std::vector<bar> bars;
};

struct line {
  std::string name;
  std::vector<std::pair<double, double>> points;
  bool is_ours;
};

struct line_chart {
  std::string title;
  std::string x_axis;
  std::string y_axis;
  std::vector<std::string> x_labels;  ///< one for each point of a line
  std::vector<line> lines;
};

std::string as_svg(const bar_chart& chart);
std::string as_svg(const line_chart& chart);

}  // namespace benchmarked
