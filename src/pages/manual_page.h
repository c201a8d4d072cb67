// Manual pages in the language of man(7): what is written by hand, with the options from the table.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/option.h"
#include "pages/translation.h"

namespace tcpeek {

struct ManualPage {
    std::string_view source;  // @OPTIONS@, @VERSION@ and @DATE@ stand for what is filled in
    std::string_view date;    // of the version, YYYY-MM-DD
    const Translation* translation = nullptr;  // borrowed; none: English
};

// What has no translation stays English. Text lines are folded (text_lines.h). Lines of `source`
// that begin with `.\" ` and stand before its .TH are left out. An error names the mark that
// `source` lacks.
Result<std::string> render_manual_page(const Program& program, const ManualPage& page);

}  // namespace tcpeek
