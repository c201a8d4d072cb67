#include "base/byte_reader.h"

#include <gtest/gtest.h>

namespace tcpeek {
namespace {

TEST(ByteReader, ReadsBigEndianAndStopsAtTheEnd) {
    const std::uint8_t bytes[] = {0x12, 0x34, 0x56, 0x78, 0x9a};
    ByteReader reader{Bytes(bytes)};
    EXPECT_EQ(reader.u16(), 0x1234);
    EXPECT_EQ(reader.u8(), 0x56);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.u32(), 0U);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.remaining(), 0U);
    EXPECT_EQ(reader.u8(), 0U);
}

}  // namespace
}  // namespace tcpeek
