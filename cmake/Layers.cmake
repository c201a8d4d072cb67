# tcpeek_layer(NAME DEPENDS layer... LIBRARIES target... WITHOUT file...): one folder of src/ as a
# static library. The folder's .cpp files are found by name, so that a new file needs no edit here,
# but for those of WITHOUT.
function(tcpeek_layer name)
    cmake_parse_arguments(LAYER "" "" "DEPENDS;LIBRARIES;WITHOUT" ${ARGN})
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
    list(TRANSFORM LAYER_WITHOUT PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/${name}/)
    list(REMOVE_ITEM sources ${LAYER_WITHOUT})
    list(TRANSFORM LAYER_DEPENDS PREPEND tcpeek_)
    if(sources)
        add_library(tcpeek_${name} STATIC ${sources})
        target_link_libraries(tcpeek_${name} PUBLIC ${LAYER_DEPENDS} ${LAYER_LIBRARIES}
                              PRIVATE tcpeek_warnings PUBLIC tcpeek_hardening)
        target_include_directories(tcpeek_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    else()
        add_library(tcpeek_${name} INTERFACE)
        target_link_libraries(tcpeek_${name} INTERFACE ${LAYER_DEPENDS} ${LAYER_LIBRARIES}
                              tcpeek_hardening)
        target_include_directories(tcpeek_${name} INTERFACE ${PROJECT_SOURCE_DIR}/src)
    endif()
endfunction()
