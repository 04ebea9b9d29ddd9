# The compile flags every target shares, as one interface target. The bits of a model depend on them: change them with care.
add_library(flowfit_flags INTERFACE)
target_compile_features(flowfit_flags INTERFACE cxx_std_20)
target_compile_options(flowfit_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow
  # Said explicitly because GCC and Clang differ in their default: fused multiply-add within an expression, never across statements.
  -ffp-contract=on
  # Nobody reads errno or the trap flags of a maths function; both keep loops from being vectorized.
  -fno-math-errno -fno-trapping-math
  $<$<CONFIG:Release>:-O3>
  # FLOWFIT_VECTORIZE is a wish: what a lesser optimization level makes of it is no news.
  $<$<CXX_COMPILER_ID:Clang>:-fpch-instantiate-templates -Wno-pass-failed>
  # GCC warns of each of Eigen's packets as a template argument.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-ignored-attributes>)
target_compile_definitions(flowfit_flags INTERFACE
  # One alignment for all instruction sets, so that memory laid out by one part suits the other.
  EIGEN_MAX_ALIGN_BYTES=64
  # Eigen's decompositions keep their buffers on the stack below this size: a warm training step allocates nothing.
  EIGEN_STACK_ALLOCATION_LIMIT=4194304
  EIGEN_DONT_PARALLELIZE)

# Instruction set of a build that is not split by FLOWFIT_HWCAPS: one of the same levels, chosen by hand.
set(FLOWFIT_ARCH "x86-64-v3" CACHE STRING "-march= of the numeric library without FLOWFIT_HWCAPS")
