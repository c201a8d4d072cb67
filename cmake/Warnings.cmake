# Every target of ours is built with these warnings, and they are errors.
add_library(tcpeek_warnings INTERFACE)
target_compile_options(tcpeek_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion
                       -Wsign-conversion -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough
                       -Wswitch-enum -Werror)
