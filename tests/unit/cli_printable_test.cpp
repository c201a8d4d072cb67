#include "cli/printable.h"

#include <gtest/gtest.h>

#include "filter/utf8.h"

namespace tcpeek {
namespace {

TEST(Printable, OrdinaryTextStaysAsItIs) {
    for (const std::string text : {"", "eth0", "a b", "\\x1b", "caf\xc3\xa9", "\xe6\x9d\xb1",
                                   "\xf0\x9f\x98\x80", "\xc2\xa0"}) {
        EXPECT_EQ(printable(text), text);
    }
}

TEST(Printable, ControlCharactersAreEscaped) {
    EXPECT_EQ(printable(std::string_view("\0a", 2)), "\\x00a");
    EXPECT_EQ(printable("\t\n\r\x1b\x1f \x7f"), "\\x09\\x0a\\x0d\\x1b\\x1f \\x7f");
    EXPECT_EQ(printable("\xc2\x80 \xc2\x9b \xc2\x9f"), "\\xc2\\x80 \\xc2\\x9b \\xc2\\x9f");
}

TEST(Printable, BytesThatAreNoUtf8AreEscaped) {
    EXPECT_EQ(printable("a\xff\xc3"), "a\\xff\\xc3");
    EXPECT_EQ(printable("\xc3\xa9\xa9\xc3\xa9"), "\xc3\xa9\\xa9\xc3\xa9");
    EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
    EXPECT_EQ(printable("\x9b"), "\\x9b");
}

// Every two bytes in ordinary surroundings: the result is always UTF-8 without control characters.
TEST(Printable, TheResultIsAlwaysSafe) {
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const std::string text{'a', static_cast<char>(first), static_cast<char>(second), 'z'};
            const std::string shown = printable(text);
            ASSERT_FALSE(first_invalid_utf8(shown)) << first << ' ' << second;
            for (std::size_t i = 0; i < shown.size(); ++i) {
                const auto octet = static_cast<unsigned char>(shown[i]);
                ASSERT_TRUE(octet >= 0x20 && octet != 0x7f) << first << ' ' << second;
                ASSERT_FALSE(octet == 0xc2 && static_cast<unsigned char>(shown.at(i + 1)) < 0xa0);
            }
        }
    }
}

TEST(Printable, ALongTextIsCutBetweenCharacters) {
    EXPECT_EQ(printable(std::string(200, 'x')), std::string(200, 'x'));
    EXPECT_EQ(printable(std::string(201, 'x')), std::string(200, 'x') + "...");
    const std::string before(199, 'x');
    EXPECT_EQ(printable(before + "\xc3\xa9"), before + "...");
    EXPECT_EQ(printable(before.substr(2) + "\xf0\x9f\x98\x80"), before.substr(2) + "...");
    EXPECT_EQ(printable(before.substr(3) + "\xf0\x9f\x98\x80x"),
              before.substr(3) + "\xf0\x9f\x98\x80...");
}

}  // namespace
}  // namespace tcpeek
