# Run in each build: writes the commit into HEADER, where it is another than before. SOURCE: the project's folder.
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND git -C ${SOURCE} describe --always --abbrev=10 --exclude=* --dirty=+ OUTPUT_VARIABLE commit
  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(failed)
  set(commit "")
endif()
file(CONFIGURE OUTPUT ${HEADER} CONTENT "// Made by cmake/commit.cmake.\n#define FLOWFIT_COMMIT \"@commit@\"\n" @ONLY)
