// What this build of the library is; compiled with the library's own flags, so that it speaks for the one that was loaded.
#include "core/build.h"

#include <zlib.h>

#include <Eigen/Core>
#include <nlohmann/json.hpp>

#define FLOWFIT_TEXT_OF(x) #x
#define FLOWFIT_TEXT(x) FLOWFIT_TEXT_OF(x)

namespace flowfit::core {

const char* version() { return FLOWFIT_VERSION; }

const char* compiler() {
#if defined(__clang__)
  return "Clang " FLOWFIT_TEXT(__clang_major__) "." FLOWFIT_TEXT(__clang_minor__) "." FLOWFIT_TEXT(__clang_patchlevel__);
#elif defined(__GNUC__)
  return "GCC " FLOWFIT_TEXT(__GNUC__) "." FLOWFIT_TEXT(__GNUC_MINOR__) "." FLOWFIT_TEXT(__GNUC_PATCHLEVEL__);
#else
  return "an unknown compiler";
#endif
}

const char* instruction_set() {
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
  return "x86-64-v4";
#elif defined(__AVX2__) && defined(__FMA__)
  return "x86-64-v3";
#elif defined(__SSE4_2__)
  return "x86-64-v2";
#elif defined(__x86_64__)
  return "x86-64";
#elif defined(__aarch64__)
  return "aarch64";
#else
  return "generic";
#endif
}

const char* libraries() {
  return "Eigen " FLOWFIT_TEXT(EIGEN_WORLD_VERSION) "." FLOWFIT_TEXT(EIGEN_MAJOR_VERSION) "." FLOWFIT_TEXT(
      EIGEN_MINOR_VERSION) ", nlohmann-json " FLOWFIT_TEXT(NLOHMANN_JSON_VERSION_MAJOR) "." FLOWFIT_TEXT(NLOHMANN_JSON_VERSION_MINOR) "." FLOWFIT_TEXT(NLOHMANN_JSON_VERSION_PATCH) ", zlib " ZLIB_VERSION;
}

}  // namespace flowfit::core
