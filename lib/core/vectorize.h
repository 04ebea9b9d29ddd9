// A word before a loop whose arrays never overlap: the compiler need not prove it.
#pragma once

#if defined(__clang__)
#define FLOWFIT_VECTORIZE _Pragma("clang loop vectorize(assume_safety)")
#else
#define FLOWFIT_VECTORIZE _Pragma("GCC ivdep")
#endif
