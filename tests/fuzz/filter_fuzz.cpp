// Any text as a filter expression; what parses is compiled and asked.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "filter/filter_set.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    tcpeek::FilterParseResult parsed = tcpeek::parse_filter_expression(text);
    if (!parsed.expression) {
        TCPEEK_ASSERT(parsed.error.position <= text.size());
        TCPEEK_ASSERT(!parsed.error.expected.empty());
        return 0;
    }
    std::vector<tcpeek::FilterExpression> expressions;
    expressions.push_back(std::move(*parsed.expression));
    auto compiled = tcpeek::FilterSet::compile(std::move(expressions));
    if (!compiled) {
        return 0;
    }
    tcpeek::FilterSet filters = std::move(compiled).value();
    const auto local = tcpeek::IpAddress::parse("192.0.2.1");
    filters.set_local_addresses(tcpeek::LocalAddresses({tcpeek::IpNetwork(*local, 24)}));
    for (const char* other : {"192.0.2.7", "10.0.0.1", "2001:db8::1"}) {
        const tcpeek::Endpoint remote{*tcpeek::IpAddress::parse(other), 80};
        static_cast<void>(filters.classify({*local, 1'000}, remote));
        static_cast<void>(filters.classify(remote, {*local, 443}));
    }
    return 0;
}
