#include <sigsafe/src/table.hpp>

#include <atomic>
#include <cstdint>

#include <sigsafe/detail/atomic.hpp>
#include <sigsafe/detail/handler_node.hpp>
#include <sigsafe/handler_options.hpp>
#include <sigsafe/src/backoff.hpp>
#include <sigsafe/src/pins.hpp>
#include <sigsafe/src/process.hpp>
#include <sigsafe/thread_id.hpp>

namespace sigsafe::detail {
namespace {

// The reader counts itself before it reads the list; the removal stores to the list, or to
// `active`, before it reads the counts. All four accesses are sequentially consistent, so either
// the reader sees the removal or the removal sees the reader. There are two counts, so that a
// stream of new readers cannot keep the removal waiting.
class read_section {
 public:
  read_section() noexcept : page_(page()), phase_(page_.phase.load(std::memory_order_relaxed)) {
    page_.readers[phase_].fetch_add(1, std::memory_order_seq_cst);
  }
  read_section(const read_section&) = delete;
  read_section& operator=(const read_section&) = delete;
  ~read_section() { page_.readers[phase_].fetch_sub(1, std::memory_order_release); }

 private:
  process_page& page_;
  std::uint32_t phase_;
};

// A read section is a few instructions long.
void wait_for_zero(const std::atomic<std::uint32_t>& readers) noexcept {
  for (backoff other; readers.load(std::memory_order_seq_cst) != 0;) other.pause();
}

void wait_for_grace_period() noexcept {
  process_page& here = page();
  const std::uint32_t old_phase = here.phase.load(std::memory_order_relaxed);
  // Those that read the phase before it last changed, and counted themselves after that.
  wait_for_zero(here.readers[1 - old_phase]);
  here.phase.store(1 - old_phase, std::memory_order_seq_cst);
  wait_for_zero(here.readers[old_phase]);
}

// What points to the node; null when it is in no list.
atomic<handler_node*>* link_to(slot& in, const handler_node& node) noexcept {
  atomic<handler_node*>* link = &in.newest;
  handler_node* next = link->load(std::memory_order_relaxed);
  while (next != nullptr && next != &node) {
    link = &next->older;
    next = link->load(std::memory_order_relaxed);
  }
  return next != nullptr ? link : nullptr;
}

// The first active one from here on. Within a read section.
handler_node* pin_active(handler_node* node, std::uint32_t generation) noexcept {
  while (node != nullptr && !node->active.load(std::memory_order_relaxed))
    node = node->older.load(std::memory_order_seq_cst);
  if (node != nullptr) pin(*node, generation);
  return node;
}

}  // namespace

handler_node* pin_newest(slot& of, std::uint32_t generation) noexcept {
  const read_section reading;
  return pin_active(of.newest.load(std::memory_order_seq_cst), generation);
}

// A node that is pinned stays linked, so its own link is as good as the slot's: whoever takes out
// what it points to changes it first, and then waits for this read section.
handler_node* pin_older(const handler_node& than, std::uint32_t generation) noexcept {
  if (than.older.load(std::memory_order_relaxed) == nullptr) return nullptr;
  const read_section reading;
  return pin_active(than.older.load(std::memory_order_seq_cst), generation);
}

thread_id target_of(slot& of, std::uint32_t generation) noexcept {
  const read_section reading;
  for (const handler_node* node = of.newest.load(std::memory_order_seq_cst); node != nullptr;
       node = node->older.load(std::memory_order_seq_cst))
    if (node->active.load(std::memory_order_relaxed) && node->owner->invoke != nullptr &&
        node->registered_in == generation)
      return node->owner->wanted.thread;
  return {};
}

passage passage_through(slot& of, std::uint32_t generation) noexcept {
  const read_section reading;
  passage found = passage::nobody_here;
  for (const handler_node* node = of.newest.load(std::memory_order_seq_cst); node != nullptr;
       node = node->older.load(std::memory_order_seq_cst)) {
    const handler_options& wanted = node->owner->wanted;
    const bool is_here = wanted.in_child || node->registered_in == generation;
    if (!node->active.load(std::memory_order_relaxed) || !is_here) continue;
    if (node->owner->invoke == nullptr) continue;  // a watcher, which stands in nobody's way
    if (!wanted.chain) return passage::one_does_not;
    found = passage::all_chain;
  }
  return found;
}

void link(slot& to, handler_node& node) noexcept {
  node.older.store(to.newest.load(std::memory_order_relaxed), std::memory_order_relaxed);
  node.active.store(true, std::memory_order_relaxed);
  to.newest.store(&node, std::memory_order_seq_cst);
}

void deactivate(slot& from, handler_node& node) noexcept {
  node.active.store(false, std::memory_order_relaxed);
  atomic<handler_node*>* const link = link_to(from, node);
  link->store(node.older.load(std::memory_order_relaxed), std::memory_order_seq_cst);
  wait_for_grace_period();
  // Back to its place, where readers pass over it: as long as it is linked its own link stays
  // valid, and whoever is inside goes on from there.
  if (!is_unpinned(node)) link->store(&node, std::memory_order_seq_cst);
}

void unlink(slot& from, handler_node& node) noexcept {
  atomic<handler_node*>* const link = link_to(from, node);
  if (link == nullptr) return;
  link->store(node.older.load(std::memory_order_relaxed), std::memory_order_seq_cst);
  wait_for_grace_period();
}

}  // namespace sigsafe::detail
