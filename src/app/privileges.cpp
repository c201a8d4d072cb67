#include "app/privileges.h"

#include <cap-ng.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <vector>

namespace tcpeek {
namespace {

constexpr gid_t group_without_account = 65534;

// Empty: the ids stay as they are.
std::string attempted(const std::string& user) {
    return user.empty() ? "cannot give up rights" : fmt::format("cannot become user '{}'", user);
}

Error failure(const std::string& user, const char* what, int error) {
    return Error{fmt::format("{}: {}: {}", attempted(user), what, std::strerror(error))};
}

// The account that `look_up` (getpwnam_r or getpwuid_r with its key) finds. The error is that of
// the user database itself.
template <typename LookUp>
Result<std::optional<Identity>> find_account(const std::string& user, LookUp look_up) {
    constexpr std::size_t largest_entry = std::size_t{1} << 20U;
    std::vector<char> buffer(1024);
    for (;;) {
        passwd entry{};
        passwd* found = nullptr;
        const int error = look_up(&entry, buffer.data(), buffer.size(), &found);
        if (error == ERANGE && buffer.size() < largest_entry) {
            buffer.resize(buffer.size() * 2);
        } else if (error == EINTR) {
            continue;
        } else if (found != nullptr) {
            return std::optional(Identity{entry.pw_uid, entry.pw_gid});
        } else if (error == 0 || error == ENOENT || error == ESRCH) {
            // getpwnam(3) lists several errors that only mean "not found".
            return std::optional<Identity>();
        } else {
            return failure(user, "user database", error);
        }
    }
}

std::optional<uid_t> parse_uid(const std::string& text) {
    uid_t uid = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, uid);
    // The largest number stands for "leave as it is" in the calls that set ids.
    if (error != std::errc() || stopped != end || uid == std::numeric_limits<uid_t>::max()) {
        return std::nullopt;
    }
    return uid;
}

}  // namespace

// As chown(1) does, a name is looked for first, since an account may be named by digits.
Result<Identity> resolve_user(const std::string& user) {
    auto account =
        find_account(user, [&user](auto... rest) { return ::getpwnam_r(user.c_str(), rest...); });
    if (!account) {
        return account.error();
    }
    if (account.value()) {
        return *account.value();
    }
    const std::optional<uid_t> uid = parse_uid(user);
    if (!uid) {
        return Error{fmt::format(
            "unknown user '{}': give -u the name of an account (see 'getent passwd') or a user id",
            user)};
    }
    account = find_account(user, [&uid](auto... rest) { return ::getpwuid_r(*uid, rest...); });
    if (!account) {
        return account.error();
    }
    return account.value().value_or(Identity{*uid, group_without_account});
}

namespace {

constexpr std::array<unsigned, 1> kForRawSockets{CAP_NET_RAW};
constexpr std::array<unsigned, 1> kForTables{CAP_BPF};
constexpr std::array<unsigned, 2> kForRawSocketsAndTables{CAP_NET_RAW, CAP_BPF};
// Links to programs that were loaded before.
constexpr std::array<unsigned, 2> kForTcx{CAP_NET_ADMIN, CAP_BPF};
constexpr std::array<unsigned, 3> kForTcxPromiscuous{CAP_NET_ADMIN, CAP_BPF, CAP_NET_RAW};

std::span<const unsigned> capabilities_of(Keep keep) {
    switch (keep) {
        case Keep::nothing:
            return {};
        case Keep::raw_sockets:
            return kForRawSockets;
        case Keep::tables:
            return kForTables;
        case Keep::raw_sockets_and_tables:
            return kForRawSocketsAndTables;
        case Keep::tcx:
            return kForTcx;
        case Keep::tcx_promiscuous:
            return kForTcxPromiscuous;
    }
    TCPEEK_UNREACHABLE("set of capabilities out of range");
}

Identity current_identity() {
    return {::geteuid(), ::getegid()};
}

bool is_already(const Identity& identity) {
    uid_t real_uid = 0;
    uid_t effective_uid = 0;
    uid_t saved_uid = 0;
    gid_t real_gid = 0;
    gid_t effective_gid = 0;
    gid_t saved_gid = 0;
    TCPEEK_ASSERT(::getresuid(&real_uid, &effective_uid, &saved_uid) == 0);
    TCPEEK_ASSERT(::getresgid(&real_gid, &effective_gid, &saved_gid) == 0);
    return real_uid == identity.uid && effective_uid == identity.uid && saved_uid == identity.uid &&
           real_gid == identity.gid && effective_gid == identity.gid && saved_gid == identity.gid;
}

Result<void> change_ids(const std::string& user, const Identity& identity) {
    // The groups first: afterwards there is no right to change them.
    if (::setgroups(0, nullptr) != 0) {
        return failure(user, "setgroups", errno);
    }
    if (::setresgid(identity.gid, identity.gid, identity.gid) != 0) {
        return failure(user, "setresgid", errno);
    }
    if (::setresuid(identity.uid, identity.uid, identity.uid) != 0) {
        return failure(user, "setresuid", errno);
    }
    return {};
}

// Of `keep`, what the process has: what it has not been given, it cannot keep.
std::vector<unsigned> kept_capabilities(Keep keep) {
    std::vector<unsigned> kept;
    TCPEEK_ASSERT(capng_get_caps_process() == 0);
    for (const unsigned capability : capabilities_of(keep)) {
        if (capng_have_capability(CAPNG_PERMITTED, capability) != 0) {
            kept.push_back(capability);
        }
    }
    return kept;
}

Result<void> clear_capabilities(const std::string& user, const std::vector<unsigned>& kept) {
    capng_clear(CAPNG_SELECT_ALL);
    for (const unsigned capability : kept) {
        capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
                     capability);
    }
    if (capng_apply(CAPNG_SELECT_CAPS) != 0) {
        return Error{fmt::format("{}: the capabilities stay", attempted(user))};
    }
    // Fails where the kernel has no ambient capabilities, which is as good as none being set.
    static_cast<void>(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return failure(user, "PR_SET_NO_NEW_PRIVS", errno);
    }
    return {};
}

// Tries to go back, and must fail at each way.
Result<void> check_no_way_back(const std::string& user, const Identity& identity,
                               const std::vector<unsigned>& kept) {
    const bool root_stays = identity.uid == 0 || identity.gid == 0;
    const bool regained = !root_stays && (::setresuid(0, 0, 0) == 0 || ::seteuid(0) == 0 ||
                                          ::setresgid(0, 0, 0) == 0 || ::setegid(0) == 0);
    if (regained || (!user.empty() && !is_already(identity))) {
        return Error{fmt::format("{}: root could be taken back", attempted(user))};
    }
    const bool readable = capng_get_caps_process() == 0;
    for (const unsigned capability : kept) {
        capng_update(CAPNG_DROP, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
                     capability);
    }
    if (!readable || capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE) {
        return Error{fmt::format("{}: the capabilities stay", attempted(user))};
    }
    return {};
}

Result<Identity> choose_identity(const std::string& user) {
    const Result<Identity> identity = resolve_user(user);
    if (!identity) {
        return identity;
    }
    if (identity.value().uid == 0) {
        return Error{fmt::format(
            "-u {} would give up nothing: name a user without root's rights, e.g. nobody", user)};
    }
    if (identity.value().gid == 0) {
        return Error{fmt::format(
            "user '{}' belongs to the group root: name one with a group of its own, e.g. nobody",
            user)};
    }
    if (!is_already(identity.value()) && ::geteuid() != 0) {
        return Error{fmt::format(
            "cannot become user '{}' without being root: use sudo, or leave out -u", user)};
    }
    return identity;
}

}  // namespace

Result<void> drop_privileges(const std::string& user, Keep keep) {
    const Result<Identity> identity = user.empty() ? current_identity() : choose_identity(user);
    if (!identity) {
        return identity.error();
    }
    const Identity& target = identity.value();
    const std::vector<unsigned> kept = kept_capabilities(keep);
    // The bounding set needs CAP_SETPCAP, which goes with root. A container may have taken it
    // away, and a service of systemd does not have it: libcap-ng would complain of that in the log.
    // Without root and with PR_SET_NO_NEW_PRIVS the set has no effect anyway.
    if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) != 0) {
        capng_clear(CAPNG_SELECT_ALL);
        static_cast<void>(capng_apply(CAPNG_SELECT_BOUNDS));
    }
    // Without it the change of ids takes the capabilities that are to stay.
    if (!kept.empty() && ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
        return failure(user, "PR_SET_KEEPCAPS", errno);
    }
    if (!user.empty() && !is_already(target)) {
        const Result<void> changed = change_ids(user, target);
        if (!changed) {
            return changed;
        }
    } else {
        // An ordinary user, and root of a user namespace, may have no right to leave their groups.
        static_cast<void>(::setgroups(0, nullptr));
    }
    const Result<void> cleared = clear_capabilities(user, kept);
    if (!cleared) {
        return cleared;
    }
    return check_no_way_back(user, target, kept);
}

}  // namespace tcpeek
