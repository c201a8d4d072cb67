#include "filter/filter_expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "filter/utf8.h"

namespace tcpeek {
namespace {

constexpr std::size_t kMaxNameOctets = 64;
// Nobody types more; it bounds what a script can make the parser do.
constexpr std::size_t kMaxExpressionOctets = 64 * 1'024;
// Long enough for any address and prefix; what is longer is none.
constexpr std::size_t kMaxAddressOctets = 64;

// Recursive descent over one expression; stops at the first error.
class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) {}

    FilterParseResult parse() {
        FilterExpression expression;
        if (text_.size() > kMaxExpressionOctets) {
            fail_at(kMaxExpressionOctets,
                    fmt::format("the end: {} bytes are the limit", kMaxExpressionOctets));
        } else if (parse_name(expression.name)) {
            FilterDirection direction = FilterDirection::any;
            if (parse_direction(direction)) {
                while (parse_part(direction, expression.parts) && accept(',')) {
                }
            }
        }
        if (!failed_) {
            return {std::move(expression), {}};
        }
        return {std::nullopt, error_};
    }

  private:
    bool fail_at(std::size_t position, std::string expected) {
        if (!failed_) {
            failed_ = true;
            error_ = {position, std::move(expected)};
        }
        return false;
    }
    bool fail(std::string expected) { return fail_at(position_, std::move(expected)); }

    [[nodiscard]] bool at_end() const { return position_ == text_.size(); }
    [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[position_]; }
    bool accept(char wanted) {
        if (at_end() || text_[position_] != wanted) {
            return false;
        }
        ++position_;
        return true;
    }
    // The text from here up to one of `ends` or the end, without moving.
    [[nodiscard]] std::string_view until(std::string_view ends) const {
        return text_.substr(position_, text_.find_first_of(ends, position_) - position_);
    }

    bool parse_name(std::string& name) {
        const std::size_t colon = text_.find(':');
        const std::string_view candidate = text_.substr(0, colon);
        for (std::size_t i = 0; i < candidate.size(); ++i) {
            const auto octet = static_cast<unsigned char>(candidate[i]);
            // U+0080 to U+009F are control characters, too.
            const bool c1 = octet == 0xc2 && i + 1 < candidate.size() &&
                            static_cast<unsigned char>(candidate[i + 1]) < 0xa0;
            if (octet < 0x20 || octet == 0x7f || c1) {
                return fail_at(i, "a filter name without control characters");
            }
        }
        if (const auto bad = first_invalid_utf8(candidate)) {
            return fail_at(*bad, "a filter name in UTF-8");
        }
        if (candidate.size() > kMaxNameOctets) {
            return fail_at(kMaxNameOctets, "':' after a filter name of at most 64 bytes");
        }
        if (colon == std::string_view::npos) {
            return fail_at(text_.size(), "':' after the filter name");
        }
        if (candidate == "pcap") {
            return fail_at(0, "another filter name ('pcap' is reserved)");
        }
        name = candidate;
        position_ = colon + 1;
        return true;
    }

    bool parse_direction(FilterDirection& direction) {
        const std::string_view word = until("@:,");
        if (word == "RX") {
            direction = FilterDirection::rx;
        } else if (word == "TX") {
            direction = FilterDirection::tx;
        } else if (word == "ANY") {
            direction = FilterDirection::any;
        } else {
            return fail("RX, TX or ANY");
        }
        position_ += word.size();
        return accept('@') || fail("'@' after the direction");
    }

    bool parse_part(FilterDirection direction, std::vector<FilterPart>& parts) {
        FilterPart part{direction, std::nullopt, {}};
        if (!parse_address(part.network)) {
            return false;
        }
        if (!accept(':')) {
            return fail("':' and a port after the address");
        }
        do {
            if (!parse_port(part.ports)) {
                return false;
            }
        } while (accept(':'));
        if (!at_end() && peek() != ',') {
            return fail("':' and another port, ',' and another address, or the end");
        }
        parts.push_back(std::move(part));
        return true;
    }

    bool parse_address(std::optional<IpNetwork>& network) {
        if (accept('*') || accept('%')) {
            return true;
        }
        if (accept('[')) {
            return parse_bracketed(network);
        }
        const std::string_view word = until(":,");
        if (looks_like_bare_ipv6(word)) {
            return fail("'[': an IPv6 address stands in brackets, as in [2001:db8::1]");
        }
        if (word.find('.') == std::string_view::npos) {
            return fail("an IPv4 address or network, an IPv6 one in brackets, or *");
        }
        return parse_network(word, IpFamily::v4, network);
    }

    // A second ':' or hexadecimal digits before it: no port follows an address so soon.
    [[nodiscard]] bool looks_like_bare_ipv6(std::string_view word) const {
        const std::string_view rest =
            text_.substr(position_, text_.find(',', position_) - position_);
        const bool hexadecimal = std::all_of(word.begin(), word.end(),
                                             [](unsigned char c) { return std::isxdigit(c) != 0; });
        return hexadecimal && (!word.empty() || rest.substr(0, 2) == "::") &&
               std::count(rest.begin(), rest.end(), ':') >= 2;
    }

    bool parse_bracketed(std::optional<IpNetwork>& network) {
        const std::string_view inside = until("]");
        if (position_ + inside.size() == text_.size()) {
            return fail_at(text_.size(), "']' after the IPv6 address");
        }
        return parse_network(inside, IpFamily::v6, network) && accept(']');
    }

    // `word` begins at the position and is passed when it is a network of `family`.
    bool parse_network(std::string_view word, IpFamily family, std::optional<IpNetwork>& network) {
        const bool v4 = family == IpFamily::v4;
        const std::size_t slash = word.find('/');
        const std::string_view text = word.substr(0, slash);
        const auto address =
            text.size() <= kMaxAddressOctets ? IpAddress::parse(text) : std::nullopt;
        if (!address || address->family() != family) {
            return fail(v4 ? "an IPv4 address" : "an IPv6 address");
        }
        unsigned length = address->bit_width();
        if (slash != std::string_view::npos) {
            const std::string_view digits = word.substr(slash + 1);
            const auto [end, error] =
                std::from_chars(digits.data(), digits.data() + digits.size(), length);
            if (error != std::errc() || end != digits.data() + digits.size() ||
                length > address->bit_width()) {
                return fail_at(position_ + slash + 1,
                               fmt::format("a prefix length from 0 to {}", address->bit_width()));
            }
        }
        network = IpNetwork(*address, length);
        position_ += word.size();
        return true;
    }

    bool parse_port(std::vector<PortRange>& ports) {
        if (accept('*') || accept('%')) {
            ports.push_back({});
            return true;
        }
        PortRange range;
        const std::size_t start = position_;
        if (!parse_port_number(range.first, "a port from 1 to 65535, a range or *")) {
            return false;
        }
        range.last = range.first;
        if (accept('-') && !parse_port_number(range.last, "the last port of the range")) {
            return false;
        }
        if (range.last < range.first) {
            return fail_at(start, "a range whose first port is not above its last");
        }
        ports.push_back(range);
        return true;
    }

    bool parse_port_number(std::uint16_t& port, const char* expected) {
        const char* begin = text_.data() + position_;
        const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), port);
        if (error != std::errc() || port == 0) {
            return fail(expected);
        }
        position_ += static_cast<std::size_t>(end - begin);
        return true;
    }

    std::string_view text_;
    std::size_t position_ = 0;
    bool failed_ = false;
    FilterSyntaxError error_;
};

}  // namespace

FilterParseResult parse_filter_expression(std::string_view text) {
    return Parser(text).parse();
}

}  // namespace tcpeek
