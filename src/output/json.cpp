#include "output/json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "output/local_time.h"

namespace tcpeek {
namespace {

using Json = nlohmann::ordered_json;

Json filter_list(const JsonNames& names, std::span<const FilterIndex> filters) {
    Json list = Json::array();
    for (const FilterIndex index : filters) {
        list.push_back(names.filters[index]);
    }
    return list;
}

void add_endpoints(Json& object, const Endpoint& client, const Endpoint& server) {
    object["src"] = client.address.to_string();
    object["sport"] = client.port;
    object["dst"] = server.address.to_string();
    object["dport"] = server.port;
}

void add_encapsulation(Json& object, const Encapsulation& encapsulation) {
    if (encapsulation.tunnel_count > 0) {
        std::string tunnels;
        for (std::size_t i = 0; i < encapsulation.tunnel_count; ++i) {
            tunnels += i == 0 ? "" : "/";
            tunnels += to_string(encapsulation.tunnels[i]);
        }
        object["tunnel"] = tunnels;
    }
    if (encapsulation.vlan_count > 0) {
        Json vlans = Json::array();
        for (std::size_t i = 0; i < encapsulation.vlan_count; ++i) {
            vlans.push_back(encapsulation.vlans[i]);
        }
        object["vlan"] = std::move(vlans);
    }
}

std::string line_of(const Json& object) {
    return object.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string_view event_name(SessionEvent::Kind kind) {
    switch (kind) {
        case SessionEvent::Kind::unaccepted:
            return "unaccepted";
        case SessionEvent::Kind::reset_early_by_server:
        case SessionEvent::Kind::reset_early_by_client:
            return "reset_early";
    }
    TCPEEK_UNREACHABLE("event kind out of range");
}

}  // namespace

std::string render_utc(Timestamp time) {
    const CalendarTime fields = utc_time(time);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", fields.year, fields.month,
                       fields.day, fields.hour, fields.minute, fields.second, fields.nanosecond);
}

std::string cause_name(const SessionRecord& record) {
    if (record.cause == Cause::icmp_error && record.icmp) {
        return fmt::format("{}_{}_{}", record.icmp->is_v6() ? "icmpv6" : "icmp", record.icmp->type,
                           record.icmp->code);
    }
    return std::string(to_string(record.cause));
}

std::string render_json(const SessionRecord& record, const JsonNames& names,
                        std::span<const FilterIndex> filters, std::string_view interface) {
    Json object;
    object["start"] = render_utc(record.start);
    add_endpoints(object, record.client, record.server);
    object["result"] = to_string(outcome_of(record.cause));
    object["cause"] = cause_name(record);
    object["elapsed_ns"] = record.elapsed.ns;
    if (record.synack) {
        object["synack_ns"] = record.synack->ns;
    }
    if (record.ack) {
        object["ack_ns"] = record.ack->ns;
    }
    object["dup_syn"] = record.dup_syn;
    object["dup_synack"] = record.dup_synack;
    object["history"] = record.history.to_string();
    object["filters"] = filter_list(names, filters);
    if (!interface.empty()) {
        object["interface"] = interface;
    }
    if (record.icmp) {
        object["icmp"] = Json{{"type", record.icmp->type},
                              {"code", record.icmp->code},
                              {"from", record.icmp->reporter.to_string()}};
    }
    add_encapsulation(object, record.encapsulation);
    if (record.recovered) {
        object["recovered"] = true;
    }
    if (record.last_packet) {
        object["last_packet_ns"] = record.last_packet->ns;
    }
    if (record.capture_loss) {
        object["capture_loss"] = true;
    }
    return line_of(object);
}

std::string render_json(const SessionEvent& event, const JsonNames& names,
                        std::span<const FilterIndex> filters) {
    Json object;
    object["event"] = event_name(event.kind);
    if (event.kind != SessionEvent::Kind::unaccepted) {
        object["by"] =
            event.kind == SessionEvent::Kind::reset_early_by_server ? "server" : "client";
    }
    object["time"] = render_utc(event.time);
    object["start"] = render_utc(event.start);
    add_endpoints(object, event.client, event.server);
    object["filters"] = filter_list(names, filters);
    return line_of(object);
}

}  // namespace tcpeek
