// The options' sentences in another language, by the option's long name.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/option.h"

namespace tcpeek {

// What stands in the file for one option: the English that was translated, and its translation.
struct TranslatedOption {
    std::string help_source;
    std::string help;
    std::string default_source;  // empty: the default is no sentence and stays as it is
    std::string default_text;
};

class Translation {
  public:
    // A text of entries `[long-name]`, below each the English help as the option table has it, its
    // translation, and where the default is a sentence, the default and its translation, a line
    // each. Lines that begin with '#' and empty ones are left out. An error names the line.
    static Result<Translation> parse(std::string_view text);

    // Nothing where there is no translation of exactly this English.
    [[nodiscard]] std::string_view help_of(const OptionSpec& option) const;
    [[nodiscard]] std::string_view default_of(const OptionSpec& option) const;

    // One line each for what is missing, was made of an English that has changed since, or belongs
    // to no option.
    [[nodiscard]] std::vector<std::string> faults(const Program& program) const;

  private:
    [[nodiscard]] const TranslatedOption* find(const OptionSpec& option) const;

    std::map<std::string, TranslatedOption, std::less<>> options_;
};

}  // namespace tcpeek
