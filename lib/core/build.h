// What this build of the library is: version, compiler, instruction set.
#pragma once

namespace flowfit::core {

const char* version();          ///< `0.1.0`
const char* compiler();         ///< `Clang 14.0.6`
const char* instruction_set();  ///< of the library that was loaded: `x86-64-v3`, …
const char* libraries();        ///< those that compute or parse, with their versions

}  // namespace flowfit::core
