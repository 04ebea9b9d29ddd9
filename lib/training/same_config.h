// Whether a run may go on with a config.
#pragma once

#include <string>

namespace flowfit::training {

/// Refuses to go on with another config than the checkpoint's: `train.steps` alone may differ. Both are resolved configs (JSON); `where` is the checkpoint.
/// Throws ConfigError with the first place that differs and both values.
void refuse_other_config(const std::string& mine, const std::string& theirs, const std::string& where);

}  // namespace flowfit::training
