# find_package(chappe): targets chappe::chappe (shared) and chappe::static.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/chappe-targets.cmake)
