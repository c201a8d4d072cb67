#include "app/privileges.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

#include "child_process.h"

namespace tcpeek {
namespace {

// Lines of /proc/self/status by name, "" for what is not there.
std::string status_line(const std::string& name) {
    std::ifstream status("/proc/self/status");
    std::string line;
    while (std::getline(status, line)) {
        if (line.rfind(name + ":", 0) == 0) {
            std::istringstream words(line.substr(name.size() + 1));
            std::string joined;
            std::string word;
            while (words >> word) {
                joined += (joined.empty() ? "" : " ") + word;
            }
            return joined;
        }
    }
    return "";
}

std::string drop_and_describe(const std::string& user, Keep keep = Keep::nothing) {
    const gid_t groups[] = {0, 4, 27};
    if (::setgroups(3, groups) != 0) {
        return "setgroups failed";
    }
    const Result<void> dropped = drop_privileges(user, keep);
    if (!dropped) {
        return "error: " + dropped.error().message;
    }
    std::string text;
    for (const char* name :
         {"Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd", "NoNewPrivs"}) {
        text += std::string(name) + "=" + status_line(name) + ";";
    }
    const bool back =
        ::setuid(0) == 0 || ::seteuid(0) == 0 || ::setgid(0) == 0 || ::setgroups(1, groups) == 0;
    return text + (back ? "back" : "no way back");
}

constexpr const char* nothing_left =
    "Groups=;CapInh=0000000000000000;CapPrm=0000000000000000;CapEff=0000000000000000;"
    "CapAmb=0000000000000000;CapBnd=0000000000000000;NoNewPrivs=1;no way back";

void expect_kept(Keep keep, const std::string& capabilities) {
    EXPECT_EQ(in_child([keep] { return drop_and_describe("nobody", keep); }),
              "Uid=65534 65534 65534 65534;Gid=65534 65534 65534 65534;"
              "Groups=;CapInh=0000000000000000;CapPrm=" +
                  capabilities + ";CapEff=" + capabilities +
                  ";CapAmb=0000000000000000;CapBnd=0000000000000000;NoNewPrivs=1;no way back");
}

TEST(Privileges, RawSocketsMayBeKept) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root, to give it up";
    }
    expect_kept(Keep::raw_sockets, "0000000000002000");
}

TEST(Privileges, TablesMayBeKept) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root, to give it up";
    }
    expect_kept(Keep::tables, "0000008000000000");
    expect_kept(Keep::raw_sockets_and_tables, "0000008000002000");
}

TEST(Privileges, TcxMayBeKept) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root, to give it up";
    }
    // CAP_NET_ADMIN is 12, CAP_BPF 39.
    expect_kept(Keep::tcx, "0000008000001000");
}

TEST(Privileges, TcxAndRawSocketsMayBeKept) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root, to give it up";
    }
    expect_kept(Keep::tcx_promiscuous, "0000008000003000");
}

TEST(Privileges, RootWithoutAnotherUserKeepsItsIdsOnly) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root, to give it up";
    }
    // Whether root "comes back" says nothing here: it is there, without rights.
    const auto describe_root = [](Keep keep) {
        return in_child([keep] {
            const std::string text = drop_and_describe("", keep);
            return text.substr(0, text.rfind(';'));
        });
    };
    const std::string ids = "Uid=0 0 0 0;Gid=0 0 0 0;";
    EXPECT_EQ(describe_root(Keep::nothing),
              ids + std::string(nothing_left, std::string(nothing_left).rfind(';')));
    EXPECT_EQ(describe_root(Keep::raw_sockets),
              ids +
                  "Groups=;CapInh=0000000000000000;CapPrm=0000000000002000;"
                  "CapEff=0000000000002000;CapAmb=0000000000000000;CapBnd=0000000000000000;"
                  "NoNewPrivs=1");
}

TEST(Privileges, AnOrdinaryUserGivesUpWhatThereIs) {
    const std::string left = in_child([] {
        if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setresgid(1, 1, 1) != 0 ||
                                 ::setresuid(1, 1, 1) != 0)) {
            return std::string("cannot become an ordinary user");
        }
        const Result<void> dropped = drop_privileges("", Keep::raw_sockets);
        return dropped ? status_line("CapPrm") + " " + status_line("NoNewPrivs")
                       : dropped.error().message;
    });
    EXPECT_EQ(left, "0000000000000000 1");
}

TEST(Privileges, AreGivenUpForGood) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root, to give it up";
    }
    struct Case {
        const char* user;
        const char* ids;
    };
    const Case cases[] = {
        {"nobody", "Uid=65534 65534 65534 65534;Gid=65534 65534 65534 65534;"},
        {"65534", "Uid=65534 65534 65534 65534;Gid=65534 65534 65534 65534;"},
        {"daemon", "Uid=1 1 1 1;Gid=1 1 1 1;"},
        {"123456", "Uid=123456 123456 123456 123456;Gid=65534 65534 65534 65534;"},
        {"4294967294",
         "Uid=4294967294 4294967294 4294967294 4294967294;Gid=65534 65534 65534 65534;"},
    };
    for (const Case& each : cases) {
        EXPECT_EQ(in_child([&each] { return drop_and_describe(each.user); }),
                  std::string(each.ids) + nothing_left)
            << each.user;
    }
}

TEST(Privileges, RefuseUsersThatCannotBe) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root, to get past the first check";
    }
    struct Case {
        const char* user;
        const char* message;
    };
    const char* unknown = "': give -u the name of an account (see 'getent passwd') or a user id";
    const Case cases[] = {
        {"root", "-u root would give up nothing: name a user without root's rights, e.g. nobody"},
        {"0", "-u 0 would give up nothing: name a user without root's rights, e.g. nobody"},
        {"no-such-user", unknown},
        {"4294967295", unknown},
        {"99999999999", unknown},
        {"-1", unknown},
        {"12x", unknown},
    };
    for (const Case& each : cases) {
        const std::string expected = each.message == unknown
                                         ? std::string("unknown user '") + each.user + unknown
                                         : std::string(each.message);
        EXPECT_EQ(in_child([&each] {
                      const Result<void> dropped = drop_privileges(each.user);
                      // Nothing has changed.
                      const bool root = ::geteuid() == 0 && status_line("NoNewPrivs") == "0";
                      return (dropped ? "done" : dropped.error().message) + (root ? "" : "!");
                  }),
                  expected);
    }
}

TEST(Privileges, NeedRootUnlessTheUserIsThatAlready) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root, to become somebody first";
    }
    const auto as_nobody = [](const char* user) {
        return in_child([user]() -> std::string {
            if (::setgroups(0, nullptr) != 0 || ::setresgid(65534, 65534, 65534) != 0 ||
                ::setresuid(65534, 65534, 65534) != 0) {
                return "cannot become nobody";
            }
            const Result<void> dropped = drop_privileges(user);
            return dropped ? "done " + status_line("NoNewPrivs") : dropped.error().message;
        });
    };
    EXPECT_EQ(as_nobody("daemon"),
              "cannot become user 'daemon' without being root: use sudo, or leave out -u");
    EXPECT_EQ(as_nobody("nobody"), "done 1");
}

}  // namespace
}  // namespace tcpeek
