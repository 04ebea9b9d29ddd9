// The commit, from a file that each build looks at: cmake/commit.cmake.
#include "commit.h"

#include "generated_commit.h"

namespace flowfit::app {

std::string_view commit() { return FLOWFIT_COMMIT; }

}  // namespace flowfit::app
