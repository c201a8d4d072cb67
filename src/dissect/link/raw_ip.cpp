// Raw IP: the version in the first octet says which.
#include "dissect/layers.h"

namespace tcpeek {

Step dissect_raw_ip(ByteReader& reader, Dissection& dissection) {
    if (reader.remaining() == 0) {
        return run_out(dissection, Layer::link);
    }
    switch (reader.rest().front() >> 4U) {
        case 4:
            return hand_on(dissect_ipv4);
        case 6:
            return hand_on(dissect_ipv6);
    }
    return ignore(dissection, IgnoredReason::protocol_not_ip);
}

}  // namespace tcpeek
