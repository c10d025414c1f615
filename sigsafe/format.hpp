// Formatted output that handlers may write. Needs the library fmt, and is no part of sigsafe.hpp:
// link sigsafe::fmt.
#pragma once

// IWYU pragma: begin_exports
#include <sigsafe/formatters.hpp>
#include <sigsafe/replace_file.hpp>
#include <sigsafe/writer.hpp>
// IWYU pragma: end_exports
