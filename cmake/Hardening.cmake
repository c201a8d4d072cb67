# Hardening of release builds, and the sanitizers of the asan and tsan presets.
add_library(tcpeek_hardening INTERFACE)
if(TCPEEK_BUILD_FUZZERS)
    # Coverage for libFuzzer; only the fuzz targets link its main function.
    target_compile_options(tcpeek_hardening INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(TCPEEK_SANITIZE)
    target_compile_options(tcpeek_hardening INTERFACE -fsanitize=${TCPEEK_SANITIZE}
                           -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(tcpeek_hardening INTERFACE -fsanitize=${TCPEEK_SANITIZE})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # With a sanitizer's checks in between, g++ 12 sees uninitialised memory in std::regex.
        target_compile_options(tcpeek_hardening INTERFACE -Wno-maybe-uninitialized)
    endif()
    if(TCPEEK_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
        # Asio's fences, which g++ says it cannot follow; the locks around them it can.
        target_compile_options(tcpeek_hardening INTERFACE -Wno-tsan)
    endif()
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
    # -fPIE, not the -fPIC that CMake gives static libraries: what could be replaced at run time
    # cannot be inlined.
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
    target_compile_options(tcpeek_hardening INTERFACE -fPIE -fstack-protector-strong
                           -fstack-clash-protection -fcf-protection)
    target_compile_definitions(tcpeek_hardening INTERFACE _FORTIFY_SOURCE=2 _GLIBCXX_ASSERTIONS)
    target_link_options(tcpeek_hardening INTERFACE -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
endif()
