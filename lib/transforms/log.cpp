// log: y = log x, by column: exp turned around. What comes from the base must be positive.
#include "transforms/fixed_map.h"

namespace flowfit::transforms {

TransformEntry exp_transform();

TransformEntry log_transform() { return turned_entry<exp_transform>("log", {{R"({"type": "log"})", 2, 0}}); }

}  // namespace flowfit::transforms
