// Pins: a removal waits for the threads that are inside the handler it removes. A node's word holds
// 32 bits of generation, 1 bit "its removal waits" and 31 bits of count. A word with the generation
// of another process counts nothing: a fork copied it.
#pragma once

#include <sigsafe/config.hpp>

#include <cstdint>

#include <sigsafe/detail/handler_node.hpp>

namespace sigsafe::detail {

/// A thread enters the handler.
/// Pre:      a read section that found the node goes on
void pin(handler_node& node, std::uint32_t generation) noexcept;

/// A thread has left the handler. The node may be gone when this returns.
void unpin(handler_node& node, std::uint32_t generation) noexcept;

/// No thread is inside.
/// Pre:      no reader can find the node any more
bool is_unpinned(const handler_node& node) noexcept;

/// Waits until no thread is inside.
/// Pre:      no reader can find the node any more
void wait_for_pins(handler_node& node) noexcept;

}  // namespace sigsafe::detail
