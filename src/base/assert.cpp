#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace tcpeek {

void assertion_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "tcpeek: internal error: %s is false at %s:%d, please report this\n",
                 condition, file, line);
    std::abort();
}

}  // namespace tcpeek
