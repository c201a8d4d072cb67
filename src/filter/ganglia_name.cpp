#include "filter/ganglia_name.h"

namespace tcpeek {

std::string ganglia_name(std::string name) {
    for (char& c : name) {
        const bool known = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                           (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
        c = known ? c : '_';
    }
    return name;
}

}  // namespace tcpeek
