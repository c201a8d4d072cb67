#include "app/privileges.h"

#include <cap-ng.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <vector>

namespace tcpeek {
namespace {

constexpr gid_t group_without_account = 65534;

Error failure(const std::string& user, const char* what, int error) {
    return Error{fmt::format("cannot become user '{}': {}: {}", user, what, std::strerror(error))};
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

void select_capabilities(Keep keep) {
    capng_clear(CAPNG_SELECT_ALL);
    if (keep == Keep::raw_sockets) {
        capng_update(CAPNG_ADD, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
                     CAP_NET_RAW);
    }
}

Result<void> clear_capabilities(const std::string& user, Keep keep) {
    select_capabilities(keep);
    if (capng_apply(CAPNG_SELECT_CAPS) != 0) {
        return Error{fmt::format("cannot become user '{}': the capabilities stay", user)};
    }
    // Fails where the kernel has no ambient capabilities, which is as good as none being set.
    static_cast<void>(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return failure(user, "PR_SET_NO_NEW_PRIVS", errno);
    }
    return {};
}

// Tries to go back, and must fail at each way.
Result<void> check_no_way_back(const std::string& user, const Identity& identity, Keep keep) {
    const bool regained = ::setresuid(0, 0, 0) == 0 || ::seteuid(0) == 0 ||
                          ::setresgid(0, 0, 0) == 0 || ::setegid(0) == 0;
    if (regained || !is_already(identity)) {
        return Error{fmt::format("cannot become user '{}': root could be taken back", user)};
    }
    const bool readable = capng_get_caps_process() == 0;
    if (keep == Keep::raw_sockets) {
        capng_updatev(CAPNG_DROP, static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
                      CAP_NET_RAW, -1);
    }
    if (!readable || capng_have_capabilities(CAPNG_SELECT_CAPS) != CAPNG_NONE) {
        return Error{fmt::format("cannot become user '{}': the capabilities stay", user)};
    }
    return {};
}

}  // namespace

Result<void> drop_privileges(const std::string& user, Keep keep) {
    const Result<Identity> identity = resolve_user(user);
    if (!identity) {
        return identity.error();
    }
    const Identity& target = identity.value();
    if (target.uid == 0) {
        return Error{fmt::format(
            "-u {} would give up nothing: name a user without root's rights, e.g. nobody", user)};
    }
    if (target.gid == 0) {
        return Error{fmt::format(
            "user '{}' belongs to the group root: name one with a group of its own, e.g. nobody",
            user)};
    }
    const bool already = is_already(target);
    if (!already && ::geteuid() != 0) {
        return Error{fmt::format(
            "cannot become user '{}' without being root: use sudo, or leave out -u", user)};
    }
    // The bounding set needs CAP_SETPCAP, which goes with root. A container may have taken it
    // away; without root and with PR_SET_NO_NEW_PRIVS the set has no effect anyway.
    capng_clear(CAPNG_SELECT_ALL);
    static_cast<void>(capng_apply(CAPNG_SELECT_BOUNDS));
    // Without it the change of ids takes the capabilities that are to stay.
    if (keep == Keep::raw_sockets && ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) {
        return failure(user, "PR_SET_KEEPCAPS", errno);
    }
    if (!already) {
        const Result<void> changed = change_ids(user, target);
        if (!changed) {
            return changed;
        }
    }
    const Result<void> cleared = clear_capabilities(user, keep);
    if (!cleared) {
        return cleared;
    }
    return check_no_way_back(user, target, keep);
}

}  // namespace tcpeek
