// Giving up rights for good, once capture, sockets and files are open, with and without `-u`.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace tcpeek {

// A user id and its group.
struct Identity {
    uid_t uid = 0;
    gid_t gid = 0;
};

// Whom `user` names, as below. The error is that of an unknown user.
Result<Identity> resolve_user(const std::string& user);

// Which capabilities stay, where the process has them.
enum class Keep {
    nothing,
    raw_sockets,  // CAP_NET_RAW: a packet socket can be opened later
    // CAP_BPF: the table of a loaded program can be changed, where the kernel asks for the right
    tables,
    raw_sockets_and_tables,
    tcx,  // CAP_NET_ADMIN, CAP_BPF: a loaded program can be linked to an interface later
    tcx_promiscuous,  // as `tcx`, and CAP_NET_RAW: a packet socket makes that interface promiscuous
};

// Becomes `user`: the name of an account, or a user id, which needs no account. The group becomes
// the account's primary one, or 65534 (nogroup) for an id without account: the group of the same
// number may be anybody's. An empty `user` leaves the ids as they are, root's too. In both cases
// there are no supplementary groups afterwards, not even the account's own (one like `docker` or
// `sudo` would be a way back), no capabilities but those of `keep`, an empty bounding set, and
// PR_SET_NO_NEW_PRIVS is set. It is checked that nothing of it can be taken back.
//
// Must be called before the first thread is started: the user and group ids change in all
// threads, but capabilities and PR_SET_NO_NEW_PRIVS only in the calling one and in those that it
// starts later.
//
// Errors, each before anything has changed: an unknown user, root itself (that would give up
// nothing) or an account of the group root, and not being root, unless the process is `user`
// already, which then loses its capabilities only. An error later on means that the process is in
// neither state and must end. Whoever is not allowed to leave groups keeps them.
Result<void> drop_privileges(const std::string& user, Keep keep = Keep::nothing);

}  // namespace tcpeek
