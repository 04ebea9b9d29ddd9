# The Debian package: scripts/package builds it, and checks it where lintian is.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # else cpack would build the tests first
set(documents ${CMAKE_INSTALL_DATADIR}/doc/flowfit)
configure_file(${PROJECT_SOURCE_DIR}/cmake/package/changelog.in ${CMAKE_CURRENT_BINARY_DIR}/package/changelog @ONLY)
execute_process(COMMAND gzip -9nf ${CMAKE_CURRENT_BINARY_DIR}/package/changelog COMMAND_ERROR_IS_FATAL ANY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/package/changelog.gz ${PROJECT_SOURCE_DIR}/cmake/package/copyright ${PROJECT_SOURCE_DIR}/README.md
  DESTINATION ${documents})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs DESTINATION ${documents} FILES_MATCHING PATTERN *.md)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "normalizing-flow density estimation from the command line")
set(CPACK_PACKAGE_DESCRIPTION "A JSON config describes a normalizing flow, and flowfit fits it to the
rows of a CSV by maximum likelihood. It then draws new rows and gives the
exact log-density of any row in the units of the data, through files or
pipes. Results have the same bits for any number of threads.")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The flowfit authors <flowfit@packages.debian.org>")
set(CPACK_DEBIAN_PACKAGE_SECTION math)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_BINARY_DIR}/lib)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS gnuplot-nox)
include(CPack)
