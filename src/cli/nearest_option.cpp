#include "cli/nearest_option.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace tcpeek {
namespace {

using Options = std::span<const OptionSpec>;

// More changes than these make another word.
constexpr std::size_t kMostChanges = 2;
constexpr std::size_t kMostChangesOfShortWords = 1;
constexpr std::size_t kShortWord = 5;  // with its dashes
// Longer than every option with that many changes; bounds the work on hostile arguments.
constexpr std::size_t kLongestWord = 40;

std::string long_form(const OptionSpec& option) {
    return fmt::format("--{}", option.long_name);
}

// Single-character insertions, deletions and changes, and exchanges of neighbours, that make one
// word of the other (Damerau-Levenshtein, optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        before.swap(last);
        last.swap(row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t changed = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, changed});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
    }
    return row[b.size()];
}

std::optional<std::string> in_other_case(Options options, char letter) {
    for (const OptionSpec& option : options) {
        const char name = option.short_name;
        const bool letters_differ_in_case = (name ^ letter) == ('a' ^ 'A');
        if (name != '\0' && letters_differ_in_case) {
            return fmt::format("-{}", name);
        }
    }
    return std::nullopt;
}

std::optional<std::string> only_completion(Options options, std::string_view word) {
    std::optional<std::string> completion;
    for (const OptionSpec& option : options) {
        const std::string name = long_form(option);
        if (name.compare(0, word.size(), word) == 0) {
            if (completion) {
                return std::nullopt;
            }
            completion = name;
        }
    }
    return completion;
}

}  // namespace

std::optional<std::string> nearest_option(Options options, std::string_view word) {
    if (word.size() == 2 && word[0] == '-') {
        return in_other_case(options, word[1]);
    }
    if (word.size() <= 2 || word.size() > kLongestWord) {
        return std::nullopt;
    }
    std::optional<std::string> nearest = only_completion(options, word);
    std::size_t least = 1 + (word.size() > kShortWord ? kMostChanges : kMostChangesOfShortWords);
    if (!nearest && word.size() > 3) {
        for (const OptionSpec& option : options) {
            const std::size_t changes = distance(word, long_form(option));
            if (changes < least) {
                least = changes;
                nearest = long_form(option);
            }
        }
    }
    return nearest;
}

}  // namespace tcpeek
