#include "tcpeekstat/screen.h"

#include <clocale>
#include <cstdio>
#include <cstdlib>

// Its macros (`timeout`, `erase`, ...) would change other headers.
#define NCURSES_NOMACROS
#include <fmt/format.h>
#include <ncurses.h>

#include <algorithm>

#include "cli/printable.h"

namespace tcpeek {

// ncurses' one screen of this process.
class Screen::Terminal {
  public:
    explicit Terminal(SCREEN* screen) : screen_(screen) {
        cbreak();
        noecho();
        curs_set(0);
        keypad(stdscr, TRUE);
        nodelay(stdscr, TRUE);
    }
    ~Terminal() {
        endwin();
        delscreen(screen_);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

  private:
    SCREEN* screen_;
};

Result<std::unique_ptr<Screen>> Screen::open() {
    // For letters of several bytes.
    std::setlocale(LC_CTYPE, "");
    SCREEN* screen = newterm(nullptr, stdout, stdin);
    if (screen == nullptr) {
        const char* term = std::getenv("TERM");
        return Error{
            fmt::format("the terminal type '{}' (TERM) is not known here; set another "
                        "one, or pipe the output through cat",
                        printable(term == nullptr ? "" : term))};
    }
    return std::unique_ptr<Screen>(new Screen(std::make_unique<Terminal>(screen)));
}

Screen::Screen(std::unique_ptr<Terminal> terminal) : terminal_(std::move(terminal)) {}

Screen::~Screen() = default;

void Screen::show(std::vector<std::string> lines) {
    lines_ = std::move(lines);
    scroll(0);
}

void Screen::resize() {
    endwin();
    refresh();
    clear();
    scroll(0);
}

void Screen::scroll(std::ptrdiff_t lines) {
    const auto most = std::max<std::ptrdiff_t>(0, std::ssize(lines_) - LINES);
    const auto wanted = static_cast<std::ptrdiff_t>(first_) + lines;
    first_ = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(wanted, 0, most));
    draw();
}

void Screen::draw() {
    erase();
    const auto rows = std::min(lines_.size() - first_, static_cast<std::size_t>(LINES));
    for (std::size_t i = 0; i < rows; ++i) {
        const std::string& line = lines_[first_ + i];
        // A line that wraps is drawn over by the next one; below the last there is none.
        const auto row = static_cast<int>(i);
        mvaddnstr(row, 0, line.c_str(), static_cast<int>(line.size()));
        if (getcury(stdscr) > row) {
            move(row + 1, 0);
            clrtobot();
        }
    }
    refresh();
}

Key Screen::read_key() {
    const int page = std::max(1, LINES - 1);
    switch (const int key = getch()) {
        case ERR:
            return Key::none;
        case 'q':
        case 'Q':
            return Key::quit;
        case KEY_UP:
            scroll(-1);
            return Key::other;
        case KEY_DOWN:
            scroll(1);
            return Key::other;
        case KEY_PPAGE:
            scroll(-page);
            return Key::other;
        case KEY_NPAGE:
            scroll(page);
            return Key::other;
        default:
            static_cast<void>(key);
            return Key::other;
    }
}

}  // namespace tcpeek
