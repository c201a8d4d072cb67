// Work for the capture thread, and the snapshots that are made there piece by piece.
#include "app/mailbox.h"

#include <gtest/gtest.h>

#include <vector>

#include "app/snapshot_desk.h"

namespace tcpeek {
namespace {

TEST(Mailbox, WhatWorkPostsIsRunNextTime) {
    Mailbox mailbox;
    std::vector<int> ran;
    mailbox.post([&] {
        ran.push_back(1);
        mailbox.post([&] { ran.push_back(3); });
    });
    mailbox.post([&] { ran.push_back(2); });
    mailbox.run_all();
    EXPECT_EQ(ran, (std::vector{1, 2}));
    mailbox.run_all();
    EXPECT_EQ(ran, (std::vector{1, 2, 3}));
    mailbox.run_all();
    EXPECT_EQ(ran.size(), 3U);
}

TEST(Mailbox, CanBeRunUntilNothingIsPostedAnyMore) {
    Mailbox mailbox;
    int left = 5;
    std::function<void()> again = [&] {
        if (--left > 0) {
            mailbox.post(again);
        }
    };
    mailbox.post(again);
    mailbox.run_until_empty();
    EXPECT_EQ(left, 0);
}

// A desk whose snapshots take three pieces; the test is both threads.
class Desk : public testing::Test {
  protected:
    void SetUp() override {
        desk_.open({.begin =
                        [this](Snapshot& snapshot) {
                            snapshot.undisplayed = counted_;
                            pieces_left_ = 3;
                        },
                    .go_on = [this] { return --pieces_left_ == 0; }},
                   [this] { ++wakes_; });
    }

    void ask() {
        desk_.request([this](const Snapshot& snapshot) { told_.push_back(snapshot.undisplayed); });
    }

    // One look at the mail by the capture thread; then the main thread does what is there.
    void look() {
        mailbox_.run_all();
        loop_.post([this] { loop_.finish(); });
        loop_.run();
        loop_.context().restart();
    }

    EventLoop loop_;
    Mailbox mailbox_;
    SnapshotDesk desk_{loop_, mailbox_};
    std::uint64_t counted_ = 7;
    int pieces_left_ = 0;
    int wakes_ = 0;
    std::vector<std::uint64_t> told_;
};

TEST_F(Desk, OneLookMakesOnePieceAndEachIsWokenFor) {
    ask();
    for (int look_number = 1; look_number <= 4; ++look_number) {
        EXPECT_TRUE(told_.empty());
        EXPECT_EQ(wakes_, look_number) << "a capture thread without packets sleeps";
        look();
        counted_ = 100;  // after the begin
    }
    EXPECT_EQ(told_, (std::vector<std::uint64_t>{7}));
    EXPECT_EQ(wakes_, 4);
}

TEST_F(Desk, WhoAsksWhileASnapshotIsMadeGetsTheNextOne) {
    ask();
    look();
    counted_ = 8;
    ask();
    ask();
    for (int i = 0; i < 3; ++i) {
        look();
    }
    EXPECT_EQ(told_, (std::vector<std::uint64_t>{7}));
    for (int i = 0; i < 4; ++i) {
        look();
    }
    EXPECT_EQ(told_, (std::vector<std::uint64_t>{7, 8, 8}));
}

}  // namespace
}  // namespace tcpeek
