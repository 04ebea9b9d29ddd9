// logit: y = log(x / (1 − x)), by column: sigmoid turned around. What comes from the base must lie in (0, 1).
#include "transforms/fixed_map.h"

namespace flowfit::transforms {

TransformEntry sigmoid_transform();

TransformEntry logit_transform() { return turned_entry<sigmoid_transform>("logit", {{R"({"type": "logit"})", 2, 0}}); }

}  // namespace flowfit::transforms
