# The programs that run in the kernel (bpf/), built by clang into a libbpf skeleton: a header that
# holds the object and the calls to load it. Without clang, bpftool or libbpf tcpeek is built
# without them and captures by packet socket only.
option(TCPEEK_KERNEL_FILTER "build the kernel filter, where clang, bpftool and libbpf are there" ON)

find_program(TCPEEK_BPF_CLANG NAMES clang clang-14 clang-15 clang-16)
find_program(TCPEEK_BPFTOOL bpftool PATHS /usr/sbin /sbin)
pkg_check_modules(BPF IMPORTED_TARGET libbpf>=1.0)

set(TCPEEK_HAVE_KERNEL_FILTER OFF)
if(TCPEEK_KERNEL_FILTER AND TCPEEK_BPF_CLANG AND TCPEEK_BPFTOOL AND BPF_FOUND)
    set(TCPEEK_HAVE_KERNEL_FILTER ON)
elseif(TCPEEK_KERNEL_FILTER)
    message(STATUS "No kernel filter: it needs clang, bpftool and libbpf-dev")
endif()

# tcpeek_bpf_skeleton(TARGET): an interface library with tcpeek.skel.h.
function(tcpeek_bpf_skeleton target)
    set(folder ${PROJECT_SOURCE_DIR}/bpf)
    set(object ${PROJECT_BINARY_DIR}/generated/bpf/tcpeek.bpf.o)
    set(skeleton ${PROJECT_BINARY_DIR}/generated/bpf/tcpeek.skel.h)
    file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.h ${folder}/*.c)
    file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/generated/bpf)
    add_custom_command(
        OUTPUT ${object}
        COMMAND ${TCPEEK_BPF_CLANG} -target bpf -O2 -g -Wall -Wextra -Werror
                -I/usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -c ${folder}/tcpeek.bpf.c -o ${object}
        DEPENDS ${sources}
        VERBATIM)
    add_custom_command(
        OUTPUT ${skeleton}
        COMMAND ${TCPEEK_BPFTOOL} gen skeleton ${object} name tcpeek_bpf > ${skeleton}
        DEPENDS ${object})
    add_custom_target(${target}_files DEPENDS ${skeleton})
    add_library(${target} INTERFACE)
    add_dependencies(${target} ${target}_files)
    target_include_directories(${target} SYSTEM INTERFACE ${PROJECT_BINARY_DIR}/generated/bpf)
    target_include_directories(${target} INTERFACE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${target} INTERFACE PkgConfig::BPF)
endfunction()
