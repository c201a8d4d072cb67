#include "output/json.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <nlohmann/json.hpp>

#include "output_support.h"

namespace tcpeek {
namespace {

using testing::endpoint;
using testing::example_record;
using testing::history_of;
using testing::kExampleTime;
using Json = nlohmann::ordered_json;

constexpr std::array<FilterIndex, 1> kFirst{0};

std::string line_of(const SessionRecord& record, std::string_view interface = {}) {
    static const std::vector<std::string> kNames{"TX"};
    return render_json(record, JsonNames{kNames}, kFirst, interface);
}

std::string line_with_names(const std::vector<std::string>& names,
                            std::span<const FilterIndex> filters) {
    return render_json(example_record(), JsonNames{names}, filters, {});
}

std::vector<std::string> keys_of(const std::string& line) {
    std::vector<std::string> keys;
    const Json object = Json::parse(line);
    for (const auto& [key, value] : object.items()) {
        keys.push_back(key);
    }
    return keys;
}

SessionEvent example_event(SessionEvent::Kind kind) {
    SessionEvent event;
    event.kind = kind;
    event.time = kExampleTime + Duration::seconds(1);
    event.start = kExampleTime;
    event.client = endpoint("192.168.2.227", 48967);
    event.server = endpoint("192.168.2.202", 80);
    return event;
}

TEST(JsonLine, LooksAsTheDescriptionOfTheFormatsShows) {
    EXPECT_EQ(
        line_of(example_record(), "eth0"),
        R"({"start":"2012-07-06T07:39:02.552123456Z","src":"192.168.2.227","sport":48967,)"
        R"("dst":"192.168.2.202","dport":80,"result":"success","cause":"established",)"
        R"("elapsed_ns":2000000,"synack_ns":1500000,"ack_ns":500000,"dup_syn":0,"dup_synack":0,)"
        R"("history":"ShA","filters":["TX"],"interface":"eth0"})"
        "\n");
}

TEST(JsonLine, ShowsAllThereIsInAFixedOrder) {
    SessionRecord record = example_record();
    record.client = endpoint("2001:db8::1", 65535);
    record.server = endpoint("::1", 1);
    record.cause = Cause::icmp_error;
    record.dup_syn = UINT32_MAX;
    record.dup_synack = 7;
    record.icmp = IcmpEvidence{endpoint("2001:db8::ff", 0).address, 1, 4};
    record.encapsulation.vlans = {10, 20, 4095};
    record.encapsulation.vlan_count = 3;
    record.encapsulation.tunnels = {Tunnel::gre, Tunnel::vxlan};
    record.encapsulation.tunnel_count = 2;
    record.recovered = true;
    record.last_packet = Duration::milliseconds(3);
    record.capture_loss = true;
    EXPECT_EQ(
        line_of(record, "eth0"),
        R"({"start":"2012-07-06T07:39:02.552123456Z","src":"2001:db8::1","sport":65535,)"
        R"("dst":"::1","dport":1,"result":"unreach","cause":"icmpv6_1_4","elapsed_ns":2000000,)"
        R"("synack_ns":1500000,"ack_ns":500000,"dup_syn":4294967295,"dup_synack":7,)"
        R"("history":"ShA","filters":["TX"],"interface":"eth0",)"
        R"("icmp":{"type":1,"code":4,"from":"2001:db8::ff"},"tunnel":"gre/vxlan",)"
        R"("vlan":[10,20,4095],"recovered":true,"last_packet_ns":3000000,"capture_loss":true})"
        "\n");
}

TEST(JsonLine, LeavesOutWhatDoesNotApply) {
    SessionRecord record = example_record();
    record.synack.reset();
    record.ack.reset();
    EXPECT_EQ(
        keys_of(line_of(record)),
        (std::vector<std::string>{"start", "src", "sport", "dst", "dport", "result", "cause",
                                  "elapsed_ns", "dup_syn", "dup_synack", "history", "filters"}));
    record.ack = Duration::nanoseconds(0);
    EXPECT_EQ(Json::parse(line_of(record))["ack_ns"], 0) << "0 is a time that is known";
}

TEST(JsonLine, OptionalKeysComeOneByOne) {
    const std::size_t least = keys_of(line_of(example_record())).size();
    const std::vector<std::pair<std::string, std::function<void(SessionRecord&)>>> cases{
        {"recovered", [](SessionRecord& record) { record.recovered = true; }},
        {"capture_loss", [](SessionRecord& record) { record.capture_loss = true; }},
        {"last_packet_ns", [](SessionRecord& record) { record.last_packet = Duration{0}; }},
        {"vlan", [](SessionRecord& record) { record.encapsulation.vlan_count = 1; }},
        {"tunnel", [](SessionRecord& record) { record.encapsulation.tunnel_count = 1; }},
        {"icmp", [](SessionRecord& record) { record.icmp.emplace(); }},
    };
    for (const auto& [key, change] : cases) {
        SessionRecord record = example_record();
        change(record);
        const std::vector<std::string> keys = keys_of(line_of(record));
        EXPECT_EQ(keys.back(), key);
        EXPECT_EQ(keys.size(), least + 1) << "no other key comes with " << key;
    }
}

TEST(JsonLine, NamesResultAndCauseOfEveryRow) {
    const std::vector<std::tuple<Cause, std::string, std::string>> cases{
        {Cause::established, "success", "established"},
        {Cause::simultaneous_open, "success", "simultaneous_open"},
        {Cause::synack_unseen, "success", "synack_unseen"},
        {Cause::no_reply, "timeout", "no_reply"},
        {Cause::challenged, "timeout", "challenged"},
        {Cause::no_ack, "timeout", "no_ack"},
        {Cause::superseded, "timeout", "superseded"},
        {Cause::refused, "reject", "refused"},
        {Cause::reset, "reject", "reset"},
        {Cause::client_reset, "abort", "client_reset"},
        {Cause::one_way, "unjudged", "one_way"},
        {Cause::syn_sent, "pending", "syn_sent"},
        {Cause::syn_received, "pending", "syn_received"},
    };
    EXPECT_EQ(cases.size() + 1, kCauseCount) << "icmp_error has a test of its own";
    for (const auto& [cause, result, name] : cases) {
        SessionRecord record = example_record();
        record.cause = cause;
        const Json object = Json::parse(line_of(record));
        EXPECT_EQ(object["result"], result);
        EXPECT_EQ(object["cause"], name);
    }
}

TEST(JsonLine, TheCauseOfUnreachIsTypeAndCode) {
    SessionRecord record = example_record();
    record.cause = Cause::icmp_error;
    record.icmp = IcmpEvidence{endpoint("192.168.2.1", 0).address, 3, 13};
    EXPECT_EQ(cause_name(record), "icmp_3_13");
    record.icmp = IcmpEvidence{endpoint("192.168.2.1", 0).address, 255, 0};
    EXPECT_EQ(cause_name(record), "icmp_255_0");
    record.icmp = IcmpEvidence{endpoint("2001:db8::1", 0).address, 1, 4};
    EXPECT_EQ(cause_name(record), "icmpv6_1_4");
}

TEST(JsonLine, IcmpEvidenceOfATimeoutIsNotItsCause) {
    SessionRecord record = example_record();
    record.cause = Cause::no_ack;
    record.icmp = IcmpEvidence{endpoint("192.168.2.1", 0).address, 3, 1};
    const Json object = Json::parse(line_of(record));
    EXPECT_EQ(object["cause"], "no_ack");
    EXPECT_EQ(object["icmp"].dump(), R"({"type":3,"code":1,"from":"192.168.2.1"})");
}

TEST(JsonLine, NamesAllFiltersInTheirOrder) {
    const std::vector<std::string> names{"RX", "TX", "web"};
    constexpr std::array<FilterIndex, 2> kTwo{2, 0};
    EXPECT_EQ(Json::parse(line_with_names(names, kTwo))["filters"].dump(), R"(["web","RX"])");
    EXPECT_EQ(Json::parse(line_with_names(names, {}))["filters"].dump(), "[]");
}

TEST(JsonLine, EscapesNames) {
    const std::string name = "a\"b\\c/é日本\u2028";
    const std::string line = line_with_names({name}, kFirst);
    EXPECT_NE(line.find("[\"a\\\"b\\\\c/é日本\u2028\"]"), std::string::npos) << line;
    EXPECT_EQ(Json::parse(line)["filters"][0], name);
    EXPECT_EQ(line_with_names({std::string(64, '"')}, kFirst).find('\n'),
              line_with_names({std::string(64, '"')}, kFirst).size() - 1);
}

TEST(JsonLine, AnInterfaceNameMayHoldAnyBytes) {
    for (const std::string name :
         {"\xff", "a\xc3", "\xed\xa0\x80", "\xf8\x88\x80\x80\x80", "\x80z"}) {
        const Json object = Json::parse(line_of(example_record(), name));
        EXPECT_NE(object["interface"].get<std::string>().find("\xef\xbf\xbd"), std::string::npos)
            << "U+FFFD stands for what is no UTF-8";
    }
    const std::string controls("a\n\t\0\x1b", 5);
    const std::string line = line_of(example_record(), controls);
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
    EXPECT_NE(line.find(R"("interface":"a\n\t\u0000\u001b")"), std::string::npos) << line;
    EXPECT_EQ(Json::parse(line)["interface"].get<std::string>(), controls);
}

TEST(JsonLine, AHistoryThatIsTooLongSaysSo) {
    SessionRecord record = example_record();
    record.history = {};
    for (std::size_t i = 0; i < History::kCapacity; ++i) {
        record.history.append(i == 0 ? HistoryLetter::client_syn : HistoryLetter::icmp_error);
    }
    EXPECT_EQ(Json::parse(line_of(record))["history"], "S" + std::string(31, 'i'));
    record.history.append(HistoryLetter::client_rst);
    record.history.append(HistoryLetter::client_rst);
    EXPECT_EQ(Json::parse(line_of(record))["history"], "S" + std::string(31, 'i') + "+");
}

TEST(JsonLine, HistoryHasALetterForEveryPacket) {
    SessionRecord record = example_record();
    record.history = history_of(
        {HistoryLetter::client_syn, HistoryLetter::client_synack, HistoryLetter::client_ack,
         HistoryLetter::client_data, HistoryLetter::client_fin, HistoryLetter::client_rst,
         HistoryLetter::client_ignored, HistoryLetter::server_syn, HistoryLetter::server_synack,
         HistoryLetter::server_ack, HistoryLetter::server_data, HistoryLetter::server_fin,
         HistoryLetter::server_rst, HistoryLetter::server_ignored, HistoryLetter::icmp_error});
    EXPECT_EQ(Json::parse(line_of(record))["history"], "SHADFRXshadfrxi");
}

TEST(JsonLine, EveryTunnelHasItsName) {
    const std::vector<std::pair<Tunnel, std::string>> cases{
        {Tunnel::ipip, "ipip"},     {Tunnel::ip4in6, "4in6"}, {Tunnel::ip6in4, "6in4"},
        {Tunnel::ip6in6, "6in6"},   {Tunnel::gre, "gre"},     {Tunnel::vxlan, "vxlan"},
        {Tunnel::geneve, "geneve"}, {Tunnel::gtp, "gtp"},     {Tunnel::erspan, "erspan"},
        {Tunnel::teredo, "teredo"},
    };
    for (const auto& [tunnel, name] : cases) {
        SessionRecord record = example_record();
        record.encapsulation.tunnels[0] = tunnel;
        record.encapsulation.tunnel_count = 1;
        EXPECT_EQ(Json::parse(line_of(record))["tunnel"], name);
    }
}

TEST(JsonLine, AFullEncapsulationIsShownWhole) {
    SessionRecord record = example_record();
    Encapsulation& around = record.encapsulation;
    around.vlans = {1, 2, 3, 4, 5, 6, 7, 8};
    around.vlan_count = Encapsulation::kMaxVlans;
    around.tunnels.fill(Tunnel::ipip);
    around.tunnel_count = Encapsulation::kMaxTunnels;
    const Json object = Json::parse(line_of(record));
    EXPECT_EQ(object["vlan"].dump(), "[1,2,3,4,5,6,7,8]");
    EXPECT_EQ(object["tunnel"], "ipip/ipip/ipip/ipip/ipip/ipip");
}

TEST(JsonLine, TheLocalTimeZoneDoesNotMatter) {
    const std::string before = line_of(example_record());
    const testing::TimeZone tokyo("JST-9");
    EXPECT_EQ(line_of(example_record()), before);
}

TEST(JsonTime, IsUtcWithNineDigits) {
    const std::vector<std::pair<std::int64_t, std::string>> cases{
        {0, "1970-01-01T00:00:00.000000000Z"},
        {-1, "1969-12-31T23:59:59.999999999Z"},
        {-1'000'000'000, "1969-12-31T23:59:59.000000000Z"},
        {1'000'000'001, "1970-01-01T00:00:01.000000001Z"},
        {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
        {INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
    };
    for (const auto& [nanoseconds, expected] : cases) {
        EXPECT_EQ(render_utc(Timestamp{nanoseconds}), expected);
    }
}

TEST(JsonEvent, LooksAsTheDescriptionOfTheFormatsShows) {
    const std::vector<std::string> names{"RX", "TX"};
    constexpr std::array<FilterIndex, 2> kBoth{0, 1};
    const std::string rest =
        R"("time":"2012-07-06T07:39:03.552123456Z","start":"2012-07-06T07:39:02.552123456Z",)"
        R"("src":"192.168.2.227","sport":48967,"dst":"192.168.2.202","dport":80,)"
        R"("filters":["RX","TX"]})"
        "\n";
    const std::vector<std::pair<SessionEvent::Kind, std::string>> cases{
        {SessionEvent::Kind::unaccepted, R"({"event":"unaccepted",)"},
        {SessionEvent::Kind::reset_early_by_server, R"({"event":"reset_early","by":"server",)"},
        {SessionEvent::Kind::reset_early_by_client, R"({"event":"reset_early","by":"client",)"},
    };
    for (const auto& [kind, head] : cases) {
        EXPECT_EQ(render_json(example_event(kind), JsonNames{names}, kBoth), head + rest);
    }
}

}  // namespace
}  // namespace tcpeek
