// Which rights a run keeps, by its options and by what captures.
#include "app/confinement.h"

#include <gtest/gtest.h>

namespace tcpeek {
namespace {

Config live(bool wait) {
    Config config;
    config.interfaces = {"eth0"};
    config.wait = wait;
    return config;
}

TEST(Confinement, KeepsNothingWhereNothingIsOpenedLater) {
    for (const EngineInUse engine :
         {EngineInUse::socket, EngineInUse::filtered_socket, EngineInUse::hooks}) {
        EXPECT_EQ(needs_of(live(false), engine).keep, Keep::nothing);
    }
}

TEST(Confinement, KeepsWhatAnInterfaceThatComesLaterTakes) {
    EXPECT_EQ(needs_of(live(true), EngineInUse::socket).keep, Keep::raw_sockets);
    EXPECT_EQ(needs_of(live(true), EngineInUse::filtered_socket).keep, Keep::raw_sockets);
    EXPECT_EQ(needs_of(live(true), EngineInUse::hooks).keep, Keep::tcx);
}

TEST(Confinement, KeepsTheRightToChangeItsTableWhereTheKernelAsksForIt) {
    constexpr EngineInUse kOld = EngineInUse::filtered_socket_by_right;
    EXPECT_EQ(needs_of(live(false), kOld).keep, Keep::tables);
    EXPECT_EQ(needs_of(live(true), kOld).keep, Keep::raw_sockets_and_tables);
    EXPECT_TRUE(needs_of(live(false), kOld).reads_bpf_maps);
}

TEST(Confinement, FilesNeedNoRight) {
    Config config;
    config.files = {"a.pcap"};
    EXPECT_EQ(needs_of(config, EngineInUse::socket).keep, Keep::nothing);
    EXPECT_FALSE(needs_of(config, EngineInUse::socket).reads_bpf_maps);
}

}  // namespace
}  // namespace tcpeek
