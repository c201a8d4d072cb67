// The short way through the dissector for most of what networks carry: TCP right above IPv4 without
// options or IPv6 without extension headers, right above Ethernet.
#pragma once

#include "dissect/dissected.h"
#include "dissect/frame.h"

namespace tcpeek {

// Whether `frame` is plain; then it is judged into `result`, exactly as the protocols one after
// another would. Anything odd, and all that is damaged or cut, is left to them. Checksums are not
// looked at.
bool dissect_plain_tcp(const Frame& frame, Dissected& result);

}  // namespace tcpeek
