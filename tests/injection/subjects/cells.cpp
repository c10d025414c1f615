// ref_cell. The handlers borrow what the operation borrows, so one that comes too early panics.
#include <sigsafe/ref_cell.hpp>

#include <optional>
#include <utility>

#include <tests/injection/subjects/guarded.hpp>

namespace injection::cells {

/// Two words that change together, for parts of them to be borrowed.
struct words {
  unsigned a = 0;
  unsigned b = 0;
};

template <class B>
class celled : public subject {
 public:
  void reset() override {
    cell_.get_mut() = {};
    changes_ = 0;
    torn_ = false;
  }
  void in_handler(const sigsafe::signal_info& info) noexcept override {
    if (info.number() == fault_signal) return;
    const auto both = cell_.borrow_mut();
    if (both->a != both->b) torn_ = true;
    change(both->a, both->b);
  }
  const char* check() override {
    if (torn_) return "a handler borrowed a value that was half changed";
    if (!cell_.try_borrow_mut()) return "the cell is still borrowed";
    const words& now = cell_.get_mut();
    return now.a == changes_ && now.b == changes_ ? nullptr : "a change of a cell's value was lost";
  }

 protected:
  void change(unsigned& a, unsigned& b) noexcept {
    ++a;
    ++b;
    ++changes_;
  }
  void require(bool holds) noexcept { torn_ = torn_ || !holds; }

  sigsafe::ref_cell<words, B> cell_;

 private:
  unsigned changes_ = 0;
  bool torn_ = false;
};

template <class B>
class borrow final : public celled<B> {
  void operation() override {
    const auto both = this->cell_.borrow();
    this->require(both->a == both->b);
  }
};
const registration<borrow<eager>> eager_borrow{"cell/borrow/eager"};
const registration<borrow<lazy>> lazy_borrow{"cell/borrow/lazy"};

template <class B>
class borrow_mut final : public celled<B> {
  void operation() override {
    const auto both = this->cell_.borrow_mut();
    this->change(both->a, both->b);
  }
};
const registration<borrow_mut<eager>> eager_borrow_mut{"cell/borrow_mut/eager", {.core = true}};
const registration<borrow_mut<lazy>> lazy_borrow_mut{"cell/borrow_mut/lazy", {.core = true}};

template <class B>
class try_borrow final : public celled<B> {
  void operation() override {
    const auto one = this->cell_.try_borrow();
    const auto another = this->cell_.try_borrow();
    this->require(one.has_value() && another.has_value());
    this->require(!this->cell_.try_borrow_mut().has_value());
    this->require((*one)->a == (*another)->b);
  }
};
const registration<try_borrow<eager>> eager_try_borrow{"cell/try_borrow/eager"};
const registration<try_borrow<lazy>> lazy_try_borrow{"cell/try_borrow/lazy"};

template <class B>
class clone final : public celled<B> {
  void operation() override {
    std::optional first{this->cell_.borrow()};
    const auto second = first->clone();
    first.reset();
    this->require(second->a == second->b);
  }
};
const registration<clone<eager>> eager_clone{"cell/clone/eager"};
const registration<clone<lazy>> lazy_clone{"cell/clone/lazy"};

template <class B>
class map final : public celled<B> {
  void operation() override {
    const auto part =
        this->cell_.borrow_mut().map([](words& both) noexcept -> words& { return both; });
    this->change(part->a, part->b);
  }
};
const registration<map<eager>> eager_map{"cell/map/eager"};
const registration<map<lazy>> lazy_map{"cell/map/lazy"};

template <class B>
class filter_map final : public celled<B> {
  void operation() override {
    auto both = this->cell_.borrow();
    const auto none = std::move(both).filter_map(
        [](const words&) noexcept -> const unsigned* { return nullptr; });
    this->require(!none.has_value());
    const auto part = std::move(both).filter_map([](const words& all) noexcept { return &all.b; });
    this->require(part.has_value());
  }
};
const registration<filter_map<eager>> eager_filter_map{"cell/filter_map/eager"};
const registration<filter_map<lazy>> lazy_filter_map{"cell/filter_map/lazy"};

// The parts of a split are released in the order in which they were taken.
template <class B>
class map_split final : public celled<B> {
  void operation() override {
    auto [a, b] = this->cell_.borrow_mut().map_split(
        [](words& both) noexcept { return std::pair<unsigned&, unsigned&>{both.a, both.b}; });
    std::optional first{std::move(a)};
    this->change(**first, *b);
    first.reset();
  }
};
const registration<map_split<eager>> eager_map_split{"cell/map_split/eager"};
const registration<map_split<lazy>> lazy_map_split{"cell/map_split/lazy"};

template <class B>
class replace_with final : public celled<B> {
  void operation() override {
    this->cell_.replace_with([this](const words& both) noexcept {
      words next = both;
      this->change(next.a, next.b);
      return next;
    });
  }
};
const registration<replace_with<eager>> eager_replace{"cell/replace_with/eager"};
const registration<replace_with<lazy>> lazy_replace{"cell/replace_with/lazy"};

}  // namespace injection::cells
