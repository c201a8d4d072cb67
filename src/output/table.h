// The live table: fixed columns for people (FORMATS: "Live table").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "handshake/session_record.h"

namespace tcpeek {

enum class TableStyle : std::uint8_t { plain, colour };

// "listening on eth0, link-type EN10MB (Ethernet), capture size 65535 bytes", with its newline.
std::string render_listening(std::string_view interface, std::string_view link_type,
                             std::string_view description, std::uint32_t snapshot_length);

// The two lines above the table.
std::string render_table_heading();

// One line a session. Times are local and cut to milliseconds; IPv6 endpoints widen their line
// only. In colour, failures stand out.
std::string render_table_line(const SessionRecord& record, TableStyle style);

}  // namespace tcpeek
