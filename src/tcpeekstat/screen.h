// A terminal that shows a page of lines in place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace tcpeek {

enum class Key : std::uint8_t { none, quit, other };

// Takes the terminal of standard output over from construction to destruction, which gives it back
// as it was. Lines that are too long or too many are cut; the arrow and page keys scroll.
class Screen {
  public:
    // An error when TERM names no terminal that can be drawn on.
    [[nodiscard]] static Result<std::unique_ptr<Screen>> open();
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    void show(std::vector<std::string> lines);
    // The terminal has another size now.
    void resize();
    // One key that was pressed; does not wait.
    Key read_key();

  private:
    class Terminal;

    explicit Screen(std::unique_ptr<Terminal> terminal);
    void draw();
    void scroll(std::ptrdiff_t lines);

    std::unique_ptr<Terminal> terminal_;
    std::vector<std::string> lines_;
    std::size_t first_ = 0;  // line at the top
};

}  // namespace tcpeek
