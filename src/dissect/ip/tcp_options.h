// The options of a TCP header (RFC 9293 3.2), of which only timestamps matter here.
#pragma once

#include "base/byte_reader.h"
#include "dissect/dissected.h"

namespace tcpeek {

// Finds the timestamps option and notes it in `segment`. Damaged or cut options end the search and
// are no fault.
inline void read_tcp_options(Bytes options, Segment& segment) {
    ByteReader reader(options);
    while (reader.remaining() > 0) {
        const std::uint8_t kind = reader.u8();
        if (kind == 0) {  // end of list
            return;
        }
        if (kind == 1) {  // no operation
            continue;
        }
        const std::uint8_t length = reader.u8();
        if (!reader.ok() || length < 2) {
            return;
        }
        if (kind == 8 && length == 10) {  // timestamps (RFC 7323 3.2)
            segment.timestamps.value = reader.u32();
            segment.timestamps.echo = reader.u32();
            segment.has_timestamps = reader.ok();
            return;
        }
        reader.skip(length - 2U);
    }
}

}  // namespace tcpeek
