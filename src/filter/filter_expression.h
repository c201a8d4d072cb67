// The filter expressions that users type, `[filter]:dir@addr:port[:port...][,addr:port...]`, as
// values. Parsing says at which byte a text is wrong and what was expected there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/ip_address.h"

namespace tcpeek {

enum class FilterDirection : std::uint8_t {
    rx,   // the session's destination is a local address; `addr` is the remote, its source
    tx,   // the source is local; `addr` is the destination
    any,  // no local address asked for; `addr` is either end
};

// Both ends included; the port is always the server's.
struct PortRange {
    std::uint16_t first = 1;
    std::uint16_t last = 65535;

    friend bool operator==(const PortRange&, const PortRange&) = default;
};

// One `addr:port[:port...]`.
struct FilterPart {
    FilterDirection direction = FilterDirection::any;
    std::optional<IpNetwork> network;  // nothing: every address, both families
    std::vector<PortRange> ports;      // never empty
};

// All parts under one name. An empty name is an exclusion.
struct FilterExpression {
    std::string name;
    std::vector<FilterPart> parts;  // never empty
};

struct FilterSyntaxError {
    std::size_t position = 0;  // byte offset in the text
    std::string expected;      // what should have stood there, e.g. "RX, TX or ANY"
};

// Either the expression or the error.
struct FilterParseResult {
    std::optional<FilterExpression> expression;
    FilterSyntaxError error;
};

[[nodiscard]] FilterParseResult parse_filter_expression(std::string_view text);

}  // namespace tcpeek
