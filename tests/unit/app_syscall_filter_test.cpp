#include "app/syscall_filter.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "child_process.h"

namespace tcpeek {
namespace {

// A call that is tried behind the filter. What it gives is negative when it failed, as is usual.
struct Attempt {
    const char* what;
    std::function<long()> make;
};

// "allowed" when it worked or failed for a reason of its own, "denied", or "killed".
std::string fate(const RunNeeds& needs, const Attempt& attempt) {
    const std::string told = in_child([&]() -> std::string {
        const Result<void> dropped = drop_privileges("", needs.keep);
        const Result<void> restricted = restrict_system_calls(needs);
        if (!dropped || !restricted) {
            return dropped ? restricted.error().message : dropped.error().message;
        }
        errno = 0;
        const long result = attempt.make();
        return result < 0 && errno == EPERM ? "denied" : "allowed";
    });
    return told == "[signal " + std::to_string(SIGSYS) + "]" ? "killed" : told;
}

void expect_fates(const RunNeeds& needs, const std::string& expected,
                  const std::vector<Attempt>& attempts) {
    if (!kSystemCallsFiltered) {
        GTEST_SKIP() << "this build has no filter, because of its sanitizer";
    }
    for (const Attempt& attempt : attempts) {
        EXPECT_EQ(fate(needs, attempt), expected) << attempt.what;
    }
}

RunNeeds all_needs() {
    RunNeeds needs;
    needs.live = needs.answers = needs.removes_socket = needs.opens_files = true;
    needs.keep = Keep::raw_sockets;
    return needs;
}

long open_for(int flags) {
    return ::open("/dev/null", flags | O_CLOEXEC, 0600);
}

long bpf(unsigned command) {
    union bpf_attr attributes {};
    return ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

const std::vector<Attempt>& what_every_run_does() {
    static const std::vector<Attempt> attempts{
        {"start a thread",
         [] {
             std::thread([] {}).join();
             return 0L;
         }},
        {"allocate much", [] { return static_cast<long>(std::string(1U << 26U, 'x').size()); }},
        {"name a thread",
         [] { return ::pthread_setname_np(::pthread_self(), "x") == 0 ? 0L : -1L; }},
        {"wait", [] { return ::poll(nullptr, 0, 1); }},
        {"sleep", [] { return ::usleep(1); }},
        {"the time", [] { return std::time(nullptr) > 0 ? 0L : -1L; }},
        {"the time by the system call",
         [] {
             timespec now{};
             return ::syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &now);
         }},
        {"local time of another year",
         [] {
             const std::time_t then = 1;
             std::tm fields{};
             return ::localtime_r(&then, &fields) != nullptr ? 0L : -1L;
         }},
        {"what it costs",
         [] {
             rusage usage{};
             return static_cast<long>(::getrusage(RUSAGE_SELF, &usage));
         }},
        {"copy a descriptor", [] { return ::fcntl(0, F_DUPFD_CLOEXEC, 0); }},
        {"random octets",
         [] {
             char octet = 0;
             return ::syscall(SYS_getrandom, &octet, 1, 0);
         }},
    };
    return attempts;
}

TEST(SyscallFilter, LetsThroughWhatEveryRunDoes) {
    expect_fates({}, "allowed", what_every_run_does());
    expect_fates(all_needs(), "allowed", what_every_run_does());
}

TEST(SyscallFilter, EndsTheProgramForWhatOnlyAnIntruderDoes) {
    char program[] = "/bin/true";
    char* const arguments[] = {program, nullptr};
    const std::vector<Attempt> attempts{
        {"execve", [&] { return ::execve(program, arguments, nullptr); }},
        {"execveat", [&] { return ::syscall(SYS_execveat, AT_FDCWD, program, arguments, 0, 0); }},
        {"fork", [] { return ::fork(); }},
        {"clone of a process", [] { return ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }},
        {"ptrace", [] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }},
        {"mount", [] { return ::mount("none", "/tmp", "tmpfs", 0, nullptr); }},
        {"umount", [] { return ::umount2("/tmp", MNT_DETACH); }},
        {"unshare", [] { return ::unshare(CLONE_NEWUSER); }},
        {"setns", [] { return ::setns(0, 0); }},
        {"chroot", [] { return ::chroot("/"); }},
        {"process_vm_writev",
         [] { return ::syscall(SYS_process_vm_writev, ::getpid(), 0, 0, 0, 0, 0); }},
        {"init_module", [] { return ::syscall(SYS_init_module, 0, 0, ""); }},
        {"a file by its handle", [] { return ::syscall(SYS_open_by_handle_at, 0, 0, 0); }},
    };
    expect_fates({}, "killed", attempts);
    expect_fates(all_needs(), "killed", attempts);
}

TEST(SyscallFilter, DeniesEveryRun) {
    const std::vector<Attempt> attempts{
        {"open to write", [] { return open_for(O_WRONLY); }},
        {"open to read and write", [] { return open_for(O_RDWR); }},
        {"open to cut off", [] { return open_for(O_RDONLY | O_TRUNC); }},
        {"create a file", [] { return ::open("/tmp/tcpeek-never", O_RDONLY | O_CREAT, 0600); }},
        {"create a nameless file", [] { return ::open("/tmp", O_TMPFILE | O_WRONLY, 0600); }},
        {"a TCP socket", [] { return ::socket(AF_INET, SOCK_STREAM, 0); }},
        {"a UDP socket", [] { return ::socket(AF_INET6, SOCK_DGRAM, 0); }},
        {"a raw IP socket", [] { return ::socket(AF_INET, SOCK_RAW, IPPROTO_TCP); }},
        {"a UNIX stream", [] { return ::socket(AF_UNIX, SOCK_STREAM, 0); }},
        {"netfilter", [] { return ::socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER); }},
        {"to listen", [] { return ::listen(0, 1); }},
        {"to load a program into the kernel", [] { return bpf(BPF_PROG_LOAD); }},
        {"to make a map in the kernel", [] { return bpf(BPF_MAP_CREATE); }},
        {"a link in the kernel", [] { return bpf(BPF_LINK_CREATE); }},
        {"another user", [] { return ::setuid(0); }},
        {"other groups", [] { return ::setgid(0); }},
        {"capabilities", [] { return ::syscall(SYS_capset, nullptr, nullptr); }},
        {"a signal to another process", [] { return ::kill(::getppid(), 0); }},
        {"a signal to another's thread",
         [] { return ::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0); }},
        {"to change modes", [] { return ::chmod("/tmp", 01777); }},
        {"to rename", [] { return ::rename("/tmp/tcpeek-never", "/tmp/tcpeek-never-2"); }},
        {"to type into a terminal", [] { return ::ioctl(0, TIOCSTI, "x"); }},
        {"memory to execute",
         [] {
             void* memory =
                 ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
             return memory == MAP_FAILED ? -1L : 0L;
         }},
        {"to make memory executable",
         [] {
             void* memory = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
             return static_cast<long>(::mprotect(memory, 4096, PROT_READ | PROT_EXEC));
         }},
        {"other limits",
         [] {
             const rlimit limit{1, 1};
             return static_cast<long>(::setrlimit(RLIMIT_NOFILE, &limit));
         }},
        {"io_uring", [] { return ::syscall(SYS_io_uring_setup, 1, nullptr); }},
        {"keys of the kernel", [] { return ::syscall(SYS_keyctl, 0, 0, 0, 0, 0); }},
        {"events of the kernel", [] { return ::syscall(SYS_perf_event_open, 0, 0, 0, 0, 0); }},
    };
    expect_fates({}, "denied", attempts);
    expect_fates(all_needs(), "denied", attempts);
}

// What only some runs need: denied to a run that reads files, allowed where it is needed.
struct Special {
    Attempt attempt;
    RunNeeds needs;
};

std::vector<Special> specials() {
    RunNeeds live;
    live.live = true;
    RunNeeds answers;
    answers.answers = true;
    RunNeeds removes;
    removes.removes_socket = true;
    RunNeeds opens;
    opens.opens_files = true;
    RunNeeds raw;
    raw.live = true;
    raw.keep = Keep::raw_sockets;
    RunNeeds raw_and_tables;
    raw_and_tables.live = true;
    raw_and_tables.reads_bpf_maps = true;
    raw_and_tables.keep = Keep::raw_sockets_and_tables;
    RunNeeds maps;
    maps.reads_bpf_maps = true;
    RunNeeds tcx;
    tcx.keep = Keep::tcx;
    RunNeeds promiscuous;
    promiscuous.keep = Keep::tcx_promiscuous;
    return {
        {{"rtnetlink", [] { return ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE); }},
         live},
        {{"the log", [] { return ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0); }}, live},
        {{"an interface's name", [] { return ::ioctl(0, SIOCGIFNAME, nullptr); }}, live},
        {{"clients", [] { return ::accept(0, nullptr, nullptr); }}, answers},
        {{"to remove a file", [] { return ::unlink("/tmp/tcpeek-never"); }}, removes},
        {{"to read a file", [] { return open_for(O_RDONLY); }}, opens},
        {{"a packet socket", [] { return ::socket(AF_PACKET, SOCK_RAW, 0); }}, raw},
        {{"a look below /sys", [] { return open_for(O_RDONLY); }}, raw},
        {{"a packet socket, filtered", [] { return ::socket(AF_PACKET, SOCK_RAW, 0); }},
         raw_and_tables},
        {{"its table", [] { return bpf(BPF_MAP_DELETE_ELEM); }}, raw_and_tables},
        {{"a map of the kernel", [] { return bpf(BPF_MAP_LOOKUP_ELEM); }}, maps},
        {{"a link in the kernel", [] { return bpf(BPF_LINK_CREATE); }}, tcx},
        {{"a link, promiscuous", [] { return bpf(BPF_LINK_CREATE); }}, promiscuous},
        {{"a deaf packet socket", [] { return ::socket(AF_PACKET, SOCK_RAW, 0); }}, promiscuous},
    };
}

TEST(SyscallFilter, KnowsWhatSomeRunsNeed) {
    if (!kSystemCallsFiltered || ::geteuid() != 0) {
        GTEST_SKIP() << "needs root, so that only the filter denies, and a build with the filter";
    }
    for (const Special& special : specials()) {
        EXPECT_EQ(fate(special.needs, special.attempt), "allowed") << special.attempt.what;
        EXPECT_EQ(fate({}, special.attempt), "denied") << special.attempt.what;
    }
}

TEST(SyscallFilter, OfPromiscuousHooksLetsNoPacketSocketHear) {
    RunNeeds promiscuous;
    promiscuous.keep = Keep::tcx_promiscuous;
    const Attempt attempt{"one that hears",
                          [] { return ::socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)); }};
    expect_fates(promiscuous, "denied", {attempt});
}

// CAP_BPF that is kept for tables is of no use for anything else.
TEST(SyscallFilter, OfTablesLetsNoProgramIn) {
    RunNeeds tables;
    tables.live = true;
    tables.reads_bpf_maps = true;
    tables.keep = Keep::tables;
    expect_fates(tables, "denied",
                 {{"a program", [] { return bpf(BPF_PROG_LOAD); }},
                  {"another map", [] { return bpf(BPF_MAP_CREATE); }},
                  {"somebody's map", [] { return bpf(BPF_MAP_GET_FD_BY_ID); }},
                  {"a link", [] { return bpf(BPF_LINK_CREATE); }}});
}

TEST(SyscallFilter, HoldsInThreadsThatStartLater) {
    const Attempt attempt{"socket in a thread", [] {
                              long result = 0;
                              int error = 0;
                              std::thread([&] {
                                  result = ::socket(AF_INET, SOCK_STREAM, 0);
                                  error = errno;
                              }).join();
                              errno = error;
                              return result;
                          }};
    expect_fates({}, "denied", {attempt});
}

TEST(SyscallFilter, AbortStillAborts) {
    if (!kSystemCallsFiltered) {
        GTEST_SKIP() << "this build has no filter, because of its sanitizer";
    }
    const std::string told = in_child([] {
        static_cast<void>(drop_privileges("", Keep::nothing));
        static_cast<void>(restrict_system_calls({}));
        std::abort();
        return std::string();
    });
    EXPECT_EQ(told, "[signal " + std::to_string(SIGABRT) + "]");
}

TEST(SyscallFilter, SaysWhatItLetsThrough) {
    EXPECT_EQ(describe(RunNeeds{}), "read and write what is open, start threads");
    const std::string all = describe(all_needs());
    for (const char* word :
         {"interfaces", "log", "clients", "open files", "remove", "CAP_NET_RAW"}) {
        EXPECT_NE(all.find(word), std::string::npos) << word << " in: " << all;
    }
    RunNeeds tcx;
    tcx.keep = Keep::tcx;
    EXPECT_NE(describe(tcx).find("CAP_BPF"), std::string::npos);
    EXPECT_EQ(describe(tcx).find("CAP_NET_RAW"), std::string::npos);
    tcx.keep = Keep::tcx_promiscuous;
    EXPECT_NE(describe(tcx).find("CAP_NET_RAW"), std::string::npos);
    RunNeeds tables;
    tables.reads_bpf_maps = true;
    EXPECT_EQ(describe(tables).find("CAP_BPF"), std::string::npos);
    tables.keep = Keep::tables;
    EXPECT_NE(describe(tables).find("CAP_BPF"), std::string::npos);
}

}  // namespace
}  // namespace tcpeek
