#include "cli/nearest_option.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cli/option_table.h"

namespace tcpeek {
namespace {

TEST(NearestOption, EveryMissingLetterFindsItsOption) {
    for (const OptionSpec& row : tcpeek_program().options) {
        const std::string right = fmt::format("--{}", row.long_name);
        for (std::size_t i = 2; i < right.size(); ++i) {
            std::string mistyped = right;
            mistyped.erase(i, 1);
            EXPECT_EQ(nearest_option(tcpeek_program().options, mistyped), right) << mistyped;
        }
    }
}

TEST(NearestOption, EveryExchangeOfNeighboursFindsALongOption) {
    for (const OptionSpec& row : tcpeek_program().options) {
        const std::string right = fmt::format("--{}", row.long_name);
        for (std::size_t i = 2; i + 1 < right.size(); ++i) {
            std::string mistyped = right;
            std::swap(mistyped[i], mistyped[i + 1]);
            EXPECT_EQ(nearest_option(tcpeek_program().options, mistyped), right) << mistyped;
        }
    }
}

TEST(NearestOption, ABeginningIsEnoughWhereOnlyOneOptionHasIt) {
    EXPECT_EQ(nearest_option(tcpeek_program().options, "--int"), "--interface");
    EXPECT_EQ(nearest_option(tcpeek_program().options, "--m"), "--max-sessions");
    EXPECT_EQ(nearest_option(tcpeek_program().options, "--l"),
              std::nullopt);  // --loglevel, --local
}

TEST(NearestOption, ALetterIsFoundInTheOtherCase) {
    EXPECT_EQ(nearest_option(tcpeek_program().options, "-I"), "-i");
    EXPECT_EQ(nearest_option(tcpeek_program().options, "-b"), "-B");
    EXPECT_EQ(nearest_option(tcpeek_program().options, "-x"), std::nullopt);
    EXPECT_EQ(nearest_option(tcpeek_program().options, "-\t"),
              std::nullopt);  // 'i' but for a bit that is not the case
}

TEST(NearestOption, NothingIsNearToOtherWords) {
    for (const std::string word : {"", "-", "--", "--xyzzy", "--bad", "-xeth0", "--frobnicate"}) {
        EXPECT_EQ(nearest_option(tcpeek_program().options, word), std::nullopt) << word;
    }
    EXPECT_EQ(nearest_option(tcpeek_program().options, "--interface" + std::string(1'000'000, 'x')),
              std::nullopt);
}

}  // namespace
}  // namespace tcpeek
