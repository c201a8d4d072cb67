#include "app/syscall_filter.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

namespace tcpeek {
namespace {

// Calls by name, since architectures differ in what they have: libseccomp leaves out what this one
// lacks, and the 64-bit times of 32-bit machines have names of their own.
using Names = std::initializer_list<const char*>;

// Whatever is done: memory, threads, time, and descriptors that are open.
constexpr Names kAlways = {
    // memory
    "brk", "munmap", "mremap", "madvise",
    // threads and their end
    "exit", "exit_group", "futex", "futex_time64", "get_robust_list", "getcpu", "getpid", "gettid",
    "restart_syscall", "rseq", "sched_getaffinity", "sched_yield", "set_robust_list",
    // signals
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaction", "sigaltstack", "sigprocmask",
    "sigreturn",
    // time
    "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64", "clock_nanosleep",
    "clock_nanosleep_time64", "gettimeofday", "nanosleep", "time", "timerfd_settime",
    "timerfd_settime64",
    // who and where we are
    "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getrandom", "getrusage",
    "getuid", "getuid32", "sysinfo", "uname",
    // descriptors
    "_llseek", "close", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "fadvise64",
    "fadvise64_64", "fstat", "fstat64", "fstatat64", "lseek", "lstat", "lstat64", "newfstatat",
    "poll", "ppoll", "ppoll_time64", "pread64", "preadv", "read", "readv", "stat", "stat64",
    "statx", "write", "writev",
    // the log, whose socket is connected
    "send", "sendto", "sendmsg"};

constexpr Names kForSockets = {"bind",       "connect",  "getsockname", "getsockopt",
                               "recv",       "recvfrom", "recvmmsg",    "recvmsg",
                               "setsockopt", "shutdown", "getpeername", "sendmmsg"};

constexpr Names kForAnswers = {"accept", "accept4"};

// libpcap looks below /sys what kind of interface it is.
constexpr Names kForOpeningInterfaces = {"access",     "eventfd2", "faccessat",
                                         "faccessat2", "readlink", "readlinkat"};

// Only somebody who has taken over the program would call these.
constexpr Names kNever = {"chroot",
                          "create_module",
                          "delete_module",
                          "execve",
                          "execveat",
                          "finit_module",
                          "fork",
                          "fsmount",
                          "init_module",
                          "kexec_file_load",
                          "kexec_load",
                          "mount",
                          "move_mount",
                          "open_by_handle_at",
                          "open_tree",
                          "pivot_root",
                          "process_vm_readv",
                          "process_vm_writev",
                          "ptrace",
                          "reboot",
                          "setns",
                          "swapon",
                          "umount",
                          "umount2",
                          "unshare",
                          "vfork"};

constexpr std::array<unsigned long, 5> kIoctls{TCGETS, TIOCGWINSZ, FIONBIO, FIONREAD, TIOCOUTQ};
constexpr std::array<unsigned long, 2> kIoctlsForNames{SIOCGIFNAME, SIOCGIFINDEX};
constexpr std::array<unsigned long, 6> kIoctlsForOpening{SIOCGIFFLAGS, SIOCGIFHWADDR, SIOCGIFMTU,
                                                         SIOCETHTOOL,  SIOCGSTAMP,    SIOCGIFADDR};
constexpr std::array<int, 5> kFcntls{F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL};

constexpr std::array<unsigned, 8> kBpfForMaps{BPF_MAP_LOOKUP_ELEM,
                                              BPF_MAP_UPDATE_ELEM,
                                              BPF_MAP_DELETE_ELEM,
                                              BPF_MAP_GET_NEXT_KEY,
                                              BPF_MAP_LOOKUP_AND_DELETE_ELEM,
                                              BPF_MAP_LOOKUP_BATCH,
                                              BPF_MAP_UPDATE_BATCH,
                                              BPF_OBJ_GET_INFO_BY_FD};
constexpr std::array<unsigned, 4> kBpfForLinks{BPF_LINK_CREATE, BPF_LINK_UPDATE, BPF_LINK_DETACH,
                                               BPF_PROG_QUERY};

#if defined(__s390__) || defined(__CRIS__)
constexpr unsigned kCloneFlags = 1;  // clone(2): there the stack comes first
#else
constexpr unsigned kCloneFlags = 0;
#endif

scmp_arg_cmp equals(unsigned argument, std::uint64_t value) {
    return {argument, SCMP_CMP_EQ, value, 0};
}

scmp_arg_cmp bits(unsigned argument, std::uint64_t mask, std::uint64_t value) {
    return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

// A filter being built; the first thing that goes wrong is kept.
class Filter {
  public:
    Filter() : context_(::seccomp_init(SCMP_ACT_ERRNO(EPERM))) {
        if (!context_) {
            error_ = ENOMEM;
        }
    }

    void add(std::uint32_t action, const char* name, std::span<const scmp_arg_cmp> conditions) {
        const int call = ::seccomp_syscall_resolve_name(name);
        if (call == __NR_SCMP_ERROR || error_ != 0) {
            return;  // a call that this libseccomp has never heard of, and so no filter lets
                     // through
        }
        const int status =
            ::seccomp_rule_add_array(context_.get(), action, call,
                                     static_cast<unsigned>(conditions.size()), conditions.data());
        error_ = -status;
    }

    void allow(Names names) {
        for (const char* name : names) {
            add(SCMP_ACT_ALLOW, name, {});
        }
    }

    void allow_if(const char* name, std::initializer_list<scmp_arg_cmp> conditions) {
        add(SCMP_ACT_ALLOW, name, {conditions.begin(), conditions.size()});
    }

    template <typename Value>
    void allow_values(const char* name, unsigned argument, std::span<const Value> values) {
        for (const Value value : values) {
            allow_if(name, {equals(argument, static_cast<std::uint64_t>(value))});
        }
    }

    // For all threads, though there is only one yet. Returns 0 or an error of errno(3).
    int load() {
        set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
        set(SCMP_FLTATR_CTL_TSYNC, 1);
        set(SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a binary tree: the filter runs at every call
        if (error_ == 0) {
            error_ = -::seccomp_load(context_.get());
        }
        return error_;
    }

  private:
    struct Release {
        void operator()(void* context) const { ::seccomp_release(context); }
    };

    void set(scmp_filter_attr attribute, std::uint32_t value) {
        if (error_ == 0) {
            error_ = -::seccomp_attr_set(context_.get(), attribute, value);
        }
    }

    std::unique_ptr<void, Release> context_;
    int error_ = 0;
};

void allow_threads_and_memory(Filter& filter) {
    // New threads, never new processes. clone3 has its flags in memory, where no filter can see
    // them; the C library then takes clone.
    filter.allow_if("clone", {bits(kCloneFlags, CLONE_THREAD, CLONE_THREAD)});
    const scmp_arg_cmp process = bits(kCloneFlags, CLONE_THREAD, 0);
    filter.add(SCMP_ACT_KILL_PROCESS, "clone", {&process, 1});
    filter.add(SCMP_ACT_ERRNO(ENOSYS), "clone3", {});
    // No memory that can be executed.
    for (const char* name : {"mmap", "mmap2", "mprotect"}) {
        filter.allow_if(name, {bits(2, PROT_EXEC, 0)});
    }
    // abort() of our own assertions.
    filter.allow_if("tgkill", {equals(0, static_cast<std::uint64_t>(::getpid()))});
    filter.allow_if("prctl", {equals(0, PR_SET_NAME)});
    filter.allow_if("prlimit64", {equals(2, 0)});
}

void allow_live(Filter& filter) {
    filter.allow_if("socket", {equals(0, AF_NETLINK), equals(2, NETLINK_ROUTE)});
    // The log and the service manager, when they have been restarted; also what if_indextoname(3)
    // asks with.
    filter.allow_if("socket", {equals(0, AF_UNIX), bits(1, 0xf, SOCK_DGRAM)});
    filter.allow_values<unsigned long>("ioctl", 1, kIoctlsForNames);
}

// What libpcap does for it.
void allow_opening_interfaces(Filter& filter) {
    filter.allow_if("socket", {equals(0, AF_PACKET)});
    // To ask for time stamps (ethtool; a raw UNIX socket is a datagram one) and about Wi-Fi.
    filter.allow_if("socket", {equals(0, AF_UNIX), bits(1, 0xf, SOCK_RAW)});
    filter.allow_if("socket", {equals(0, AF_NETLINK), equals(2, NETLINK_GENERIC)});
    filter.allow(kForOpeningInterfaces);
    filter.allow_values<unsigned long>("ioctl", 1, kIoctlsForOpening);
}

void allow_opening_files(Filter& filter) {
    constexpr std::uint64_t writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
    filter.allow_if("open", {bits(1, writing, O_RDONLY)});
    filter.allow_if("openat", {bits(2, writing, O_RDONLY)});
}

void allow_bpf(Filter& filter, const RunNeeds& needs) {
    const bool links = needs.keep == Keep::tcx || needs.keep == Keep::tcx_promiscuous;
    if (needs.reads_bpf_maps || links) {
        filter.allow_values<unsigned>("bpf", 0, kBpfForMaps);
    }
    if (links) {
        filter.allow_values<unsigned>("bpf", 0, kBpfForLinks);
    }
    if (needs.keep == Keep::tcx_promiscuous) {
        // Of no protocol: it receives nothing, and only holds the interface in that mode.
        filter.allow_if("socket", {equals(0, AF_PACKET), equals(2, 0)});
    }
}

}  // namespace

Result<void> restrict_system_calls(const RunNeeds& needs) {
    if constexpr (!kSystemCallsFiltered) {
        return {};
    }
    Filter filter;
    filter.allow(kAlways);
    filter.allow_values<unsigned long>("ioctl", 1, kIoctls);
    for (const char* name : {"fcntl", "fcntl64"}) {
        filter.allow_values<int>(name, 1, kFcntls);
    }
    allow_threads_and_memory(filter);
    if (needs.live || needs.answers) {
        filter.allow(kForSockets);
    }
    if (needs.live) {
        allow_live(filter);
    }
    if (needs.answers) {
        filter.allow(kForAnswers);
    }
    if (needs.removes_socket) {
        filter.allow({"unlink", "unlinkat"});
    }
    const bool opens_interfaces =
        needs.keep == Keep::raw_sockets || needs.keep == Keep::raw_sockets_and_tables;
    if (opens_interfaces) {
        allow_opening_interfaces(filter);
    }
    if (needs.opens_files || opens_interfaces) {
        allow_opening_files(filter);
    }
    allow_bpf(filter, needs);
    for (const char* name : kNever) {
        filter.add(SCMP_ACT_KILL_PROCESS, name, {});
    }
    if (const int error = filter.load(); error != 0) {
        return Error{
            fmt::format("this kernel cannot restrict system calls: {}", std::strerror(error))};
    }
    return {};
}

std::string describe(const RunNeeds& needs) {
    std::vector<std::string> may{"read and write what is open, start threads"};
    if (needs.live) {
        may.emplace_back("ask the kernel about interfaces and addresses");
        may.emplace_back("send to local datagram sockets (log, service manager)");
    }
    if (needs.answers) {
        may.emplace_back("answer clients");
    }
    if (needs.opens_files) {
        may.emplace_back("open files to read (its configuration)");
    }
    if (needs.removes_socket) {
        may.emplace_back("remove its socket");
    }
    switch (needs.keep) {
        case Keep::nothing:
        case Keep::tables:
            break;
        case Keep::raw_sockets:
        case Keep::raw_sockets_and_tables:
            may.emplace_back("open packet sockets and files below /sys (CAP_NET_RAW)");
            break;
        case Keep::tcx:
            may.emplace_back(
                "link its programs in the kernel to interfaces (CAP_BPF, CAP_NET_ADMIN)");
            break;
        case Keep::tcx_promiscuous:
            may.emplace_back(
                "link its programs in the kernel to interfaces and make these promiscuous "
                "(CAP_BPF, CAP_NET_ADMIN, CAP_NET_RAW)");
            break;
    }
    if (needs.reads_bpf_maps) {
        const bool by_right =
            needs.keep == Keep::tables || needs.keep == Keep::raw_sockets_and_tables;
        may.emplace_back(fmt::format("read the maps of its programs in the kernel{}",
                                     by_right ? " (CAP_BPF, which this kernel asks for)" : ""));
    }
    return fmt::format("{}", fmt::join(may, "; "));
}

}  // namespace tcpeek
