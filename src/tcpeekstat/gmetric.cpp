#include "tcpeekstat/gmetric.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
// The header of glibc 2.36 declares C functions without saying so.
extern "C" {
#include <sys/pidfd.h>
}

#include "base/unique_fd.h"
#include "cli/printable.h"
#include "filter/ganglia_name.h"

namespace tcpeek {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kMostOutput = 4'096;

struct Item {
    const char* group;
    const char* item;
};
constexpr std::array<Item, 6> kItems{{{"success", "dupsyn"},
                                      {"success", "dupsynack"},
                                      {"failure", "timeout"},
                                      {"failure", "reject"},
                                      {"failure", "unreach"},
                                      {"failure", "abort"}}};

// What is to be done to the files of the new program; released at the end.
class FileActions {
  public:
    FileActions() { posix_spawn_file_actions_init(&actions_); }
    ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;

    posix_spawn_file_actions_t* get() { return &actions_; }

  private:
    posix_spawn_file_actions_t actions_{};
};

// A running program, and the end of a pipe that has what it writes.
struct Child {
    pid_t pid = -1;
    UniqueFd handle;  // readable when it has ended
    UniqueFd output;
};

std::string system_message(int error) {
    return std::generic_category().message(error);
}

Result<Child> start(const std::vector<std::string>& arguments) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
        return Error{fmt::format("no pipe: {}", system_message(errno))};
    }
    Child child;
    child.output = UniqueFd(ends[0]);
    const UniqueFd written(ends[1]);
    FileActions actions;
    posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(actions.get(), written.get(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(actions.get(), written.get(), STDERR_FILENO);
    std::vector<char*> argv;
    for (const std::string& argument : arguments) {
        argv.push_back(const_cast<char*>(argument.c_str()));
    }
    argv.push_back(nullptr);
    const int error =
        posix_spawnp(&child.pid, argv.front(), actions.get(), nullptr, argv.data(), environ);
    if (error != 0) {
        return Error{fmt::format("{}: {}", printable(arguments.front()), system_message(error))};
    }
    child.handle = UniqueFd(pidfd_open(child.pid, 0));
    return child;
}

// Takes what the program wrote in the meantime. False at the end of the stream.
bool take_output(int pipe, std::string& output) {
    std::array<char, 1'024> buffer{};
    const ssize_t length = read(pipe, buffer.data(), buffer.size());
    if (length > 0 && output.size() < kMostOutput) {
        output.append(buffer.data(), static_cast<std::size_t>(length));
    }
    return length > 0;
}

// Until the program has ended, whoever else holds its end of the pipe. False when it has not in
// time.
bool wait_for_end(const Child& child, std::string& output) {
    const Clock::time_point end = Clock::now() + kPatience;
    std::array<pollfd, 2> waits{{{child.handle.get(), POLLIN, 0}, {child.output.get(), POLLIN, 0}}};
    while (waits[0].revents == 0) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
        if (left.count() <= 0) {
            return false;
        }
        poll(waits.data(), waits.size(), static_cast<int>(left.count()));
        if (waits[1].revents != 0 && !take_output(child.output.get(), output)) {
            waits[1].fd = -1;
        }
    }
    return true;
}

int status_of(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

// How the program ended, in words; empty when it ended well.
std::string complaint_about(int status, const std::string& program) {
    if (WIFSIGNALED(status)) {
        return fmt::format("{} was ended by signal {}", program, WTERMSIG(status));
    }
    return WEXITSTATUS(status) == 0
               ? std::string()
               : fmt::format("{} ended with status {}", program, WEXITSTATUS(status));
}

struct Ending {
    std::string complaint;  // empty when it ended well
    bool hung = false;
};

Ending finish(const Child& child, const std::string& command) {
    const std::string program = printable(command);
    std::string output;
    Ending ending;
    if (wait_for_end(child, output)) {
        // What it wrote last may still be in the pipe.
        fcntl(child.output.get(), F_SETFL, O_NONBLOCK);
        while (take_output(child.output.get(), output)) {
        }
        ending.complaint = complaint_about(status_of(child.pid), program);
    } else {
        kill(child.pid, SIGKILL);
        status_of(child.pid);
        ending.complaint = fmt::format("{} did not end within {} s", program, kPatience.count());
        ending.hung = true;
    }
    const std::string line = output.substr(0, output.find('\n'));
    if (!ending.complaint.empty() && !line.empty()) {
        ending.complaint += fmt::format(" ({})", printable(line));
    }
    return ending;
}

// errno says why not.
bool is_executable(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
        errno = EACCES;
        return false;
    }
    return access(path.c_str(), X_OK) == 0;
}

}  // namespace

Result<std::vector<GmetricValue>> gmetric_values(std::string_view refresh) {
    std::vector<GmetricValue> values;
    try {
        const Json answer = Json::parse(refresh);
        for (const Json& element : answer.get_ref<const Json::array_t&>()) {
            for (const auto& [filter, figures] : element.get_ref<const Json::object_t&>()) {
                for (const Item& item : kItems) {
                    values.push_back({fmt::format("tcpeek_{}_{}_{}", ganglia_name(filter),
                                                  item.group, item.item),
                                      figures.at(item.group).at(item.item).get<std::uint64_t>()});
                }
            }
        }
    } catch (const Json::exception& error) {
        return Error{fmt::format(
            "the REFRESH answer is not that of this version ({}); do tcpeek and tcpeekstat come "
            "from the same build?",
            printable(error.what()))};
    }
    return values;
}

Result<void> find_gmetric(const std::string& command) {
    if (command.find('/') != std::string::npos) {
        return is_executable(command)
                   ? Result<void>()
                   : Error{fmt::format("cannot run {}: {}; nothing was taken from tcpeek or sent",
                                       printable(command), system_message(errno))};
    }
    const char* variable = getenv("PATH");
    std::string_view path = variable == nullptr ? "/bin:/usr/bin" : variable;
    while (true) {
        const std::string_view folder = path.substr(0, path.find(':'));
        if (is_executable(fmt::format("{}/{}", folder.empty() ? "." : folder, command))) {
            return {};
        }
        if (folder.size() == path.size()) {
            break;
        }
        path.remove_prefix(folder.size() + 1);
    }
    return Error{
        fmt::format("{} is not in PATH; install Ganglia's (Debian: ganglia-monitor) or name it by "
                    "--gmetric-command; nothing was taken from tcpeek or sent",
                    printable(command))};
}

GmetricOutcome send_by_gmetric(const std::string& command, const std::string& config,
                               const GmetricValue& value) {
    const bool fits = value.value <= std::numeric_limits<std::uint32_t>::max();
    std::vector<std::string> arguments{command, "-n"};
    arguments.insert(arguments.end(), {value.name, "-v", fmt::format("{}", value.value), "-t",
                                       fits ? "uint32" : "double"});
    if (!config.empty()) {
        arguments.insert(arguments.end(), {"-c", config});
    }
    const auto child = start(arguments);
    const Ending ending =
        child ? finish(child.value(), command) : Ending{child.error().message, false};
    if (ending.complaint.empty()) {
        return {{}, false};
    }
    return {
        Error{fmt::format("cannot send {} = {}: {}", value.name, value.value, ending.complaint)},
        ending.hung};
}

}  // namespace tcpeek
