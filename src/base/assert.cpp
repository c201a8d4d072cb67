#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace tcpeek {

void assertion_failed(const char* what, const char* file, int line) {
    std::fprintf(stderr, "tcpeek: internal error: %s at %s:%d, please report this\n", what, file,
                 line);
    std::abort();
}

}  // namespace tcpeek
