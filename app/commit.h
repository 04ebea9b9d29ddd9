// The commit that this program was built from.
#pragma once

#include <string_view>

namespace flowfit::app {

/// `8b2bbb0`, with `+` behind it where files were changed; empty where the source is no git clone.
std::string_view commit();

}  // namespace flowfit::app
