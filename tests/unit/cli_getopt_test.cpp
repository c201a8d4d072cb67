// All command lines of up to three awkward words, against a second reading of them by
// getopt_long(3): the same Config, or both refuse.
#include <getopt.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/option_table.h"
#include "cli_support.h"

namespace tcpeek {
namespace {

// The first ones stand in the lines of three words, too.
const Arguments kWords = {
    "-i",
    "eth0",
    "--interface=",
    "-qi",
    "-q",
    "--icmp=1",
    "-r",
    "-",
    "-h",
    "--",
    "A:RX@[::1]:80",
    "",
    "-z",
    "--local",
    "[::1]",
    "-5",
    "=x",
    "-qt7",
    "-ieth1",
    "--interface",
    "--interface=eth2",
    "--icmp",
    "-r-",
    ":ANY@*:*",
    "-t",
    "5",
};
constexpr std::size_t kInThrees = 17;

struct Given {
    const OptionSpec* row;
    std::string value;
};

struct Reading {
    std::vector<Given> options;
    Arguments expressions;
    bool wrong = false;
};

std::string short_options() {
    std::string text;
    for (const OptionSpec& row : tcpeek_program().options) {
        if (row.short_name != '\0') {
            text += row.short_name;
            text += row.value.empty() ? "" : ":";
        }
    }
    return text;
}

// Options are told by their row's number, which no letter is.
constexpr int kFirstRow = 1'000;

Reading read_by_getopt(const Arguments& arguments) {
    const auto& rows = tcpeek_program().options;
    std::vector<std::string> names;
    std::vector<option> long_options;
    for (const OptionSpec& row : rows) {
        names.emplace_back(row.long_name);
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        long_options.push_back({names[i].c_str(), rows[i].value.empty() ? 0 : 1, nullptr,
                                kFirstRow + static_cast<int>(i)});
    }
    long_options.push_back({nullptr, 0, nullptr, 0});
    Arguments words{"tcpeek"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    Reading reading;
    const int argc = static_cast<int>(words.size());
    const std::string letters = short_options();
    optind = 0;
    opterr = 0;
    int found = 0;
    while ((found = getopt_long(argc, argv.data(), letters.c_str(), long_options.data(),
                                nullptr)) != -1) {
        const auto row = std::find_if(rows.begin(), rows.end(), [&](const OptionSpec& candidate) {
            return candidate.short_name == found || &candidate - rows.data() == found - kFirstRow;
        });
        if (row == rows.end()) {
            reading.wrong = true;
        } else {
            reading.options.push_back({&*row, optarg == nullptr ? "" : optarg});
        }
    }
    reading.expressions.assign(argv.begin() + optind, argv.end() - 1);
    return reading;
}

// What tcpeek is stricter in than getopt: see parse.h.
bool takes_value(const Given& given) {
    const std::string& value = given.value;
    const bool like_an_option = value.size() > 1 && value[0] == '-';
    return !value.empty() && value[0] != '=' && !like_an_option;
}

std::size_t index_of(const OptionSpec& option) {
    return static_cast<std::size_t>(&option - tcpeek_program().options.data());
}

// The same words as `described` has for what parse_command_line made, errors without their line.
std::string expected(const Reading& reading) {
    Config config;
    bool wrong = reading.wrong;
    for (const Given& given : reading.options) {
        const bool again =
            std::count_if(reading.options.begin(), reading.options.end(),
                          [&](const Given& other) { return other.row == given.row; }) > 1;
        if (given.row->long_name == "help") {
            return "information";
        }
        wrong = wrong || (again && !given.row->repeats && !given.row->value.empty());
        wrong = wrong || (!given.row->value.empty() && !takes_value(given));
        wrong = wrong || take_option(config, index_of(*given.row), given.value);
    }
    for (const std::string& text : reading.expressions) {
        FilterParseResult parsed = parse_filter_expression(text);
        wrong = wrong || !parsed.expression;
        if (parsed.expression) {
            config.expressions.push_back(*parsed.expression);
        }
    }
    wrong = wrong || (!config.files.empty() && !config.interfaces.empty());
    return wrong ? "usage error" : described(config);
}

std::string made(const ParseResult& result) {
    if (std::holds_alternative<UsageError>(result)) {
        return "usage error";
    }
    return std::holds_alternative<Information>(result) ? "information" : described(result);
}

void compare(const Arguments& arguments) {
    const ParseResult result = parse_arguments(arguments);
    ASSERT_EQ(made(result), expected(read_by_getopt(arguments))) << quoted(arguments);
    if (const auto* error = std::get_if<UsageError>(&result)) {
        ASSERT_FALSE(error->message.empty()) << quoted(arguments);
        ASSERT_EQ(error->message.find('\n'), std::string::npos) << quoted(arguments);
    }
}

TEST(CommandLine, IsReadAsGetoptReadsIt) {
    compare({});
    for (const std::string& first : kWords) {
        compare({first});
        for (const std::string& second : kWords) {
            compare({first, second});
        }
    }
}

TEST(CommandLine, IsReadAsGetoptReadsItInThrees) {
    for (std::size_t line = 0; line < kInThrees * kInThrees * kInThrees; ++line) {
        compare({kWords[line % kInThrees], kWords[line / kInThrees % kInThrees],
                 kWords[line / kInThrees / kInThrees]});
        if (HasFatalFailure()) {
            return;
        }
    }
}

}  // namespace
}  // namespace tcpeek
