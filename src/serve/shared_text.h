// An answer that all share who asked for the same snapshot.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "stats/snapshot.h"

namespace tcpeek {

// A crowd that asks for a long answer costs one rendering and one copy in memory for each snapshot.
// Holds nothing once the last of them has its answer. One thread's.
class SharedText {
  public:
    using Text = std::shared_ptr<const std::string>;

    // `render(snapshot)`, unless that text is still in use.
    template <typename Render>
    Text of(const Snapshot& snapshot, const Render& render) {
        Text text = number_ == snapshot.number ? text_.lock() : nullptr;
        if (text == nullptr) {
            text = std::make_shared<const std::string>(render(snapshot));
            text_ = text;
            number_ = snapshot.number;
        }
        return text;
    }

  private:
    std::weak_ptr<const std::string> text_;
    std::uint64_t number_ = 0;
};

}  // namespace tcpeek
