// The presets: one row of a table each, and the writing out of a row.
#include "flow/presets.h"

#include <algorithm>

#include "config/node.h"

namespace flowfit::flow {
namespace {

using config::Json;

/// `transforms` steps, with layers before the first one and between each two; all from the base to the data.
struct Preset {
  std::string type;
  int transforms;       // by default
  std::string step;     // its first layer is the one that the options go to
  std::string options;  // JSON pointers inside that layer, each named by its last word
  bool turns = false;   // every second step has the order of columns reversed
  std::string first = "[]", between = "[]";
};

const std::string net = " /net/hidden /net/activation";
const std::string reversal = R"([{"type": "permutation", "order": "reverse"}])";
const std::string mixing = R"({"type": "lu_linear", "permute": true})";

std::string scheme(const std::string& type, const std::string& univariate, const std::string& more = "",
                   const std::string& net_more = "") {
  return R"({"type": ")" + type + R"(", "univariate": )" + univariate + R"(, "net": {"hidden": [64, 64], "activation": "relu")" +
         net_more + "}" + more + "}";
}
std::string coupling(const std::string& univariate, const std::string& net_more = "") {
  return scheme("coupling", univariate, "", net_more);
}
std::string autoregressive(const std::string& univariate, const std::string& direction = "scoring") {
  return "[" + scheme("autoregressive", univariate, R"(, "direction": ")" + direction + '"') + "]";
}

const std::vector<Preset>& table() {
  static const std::vector<Preset> rows{
      // A shift starts without a gradient where a column's mean does not depend on the others: not from the identity, then.
      {"nice", 8, "[" + coupling(R"({"type": "shift"})", R"(, "start": "random")") + "]", net, false,
       R"([{"type": "elementwise", "univariate": {"type": "affine"}}])", reversal},
      {"realnvp", 8, "[" + coupling(R"({"type": "affine"})") + "]", "/univariate/scale" + net, false, "[]", reversal},
      {"glow_tabular", 8, "[" + coupling(R"({"type": "affine"})") + "," + mixing + R"(,{"type": "act_norm"}])",
       "/univariate/scale" + net},
      {"nsf_coupling", 5, "[" + coupling(R"({"type": "spline", "bins": 8})") + "," + mixing + "]",
       "/univariate/bins /univariate/bound" + net, false, "[" + mixing + "]"},
      {"maf", 5, autoregressive(R"({"type": "affine"})"), "/univariate/scale" + net, true},
      {"iaf", 5, autoregressive(R"({"type": "affine"})", "sampling"), "/univariate/scale" + net, true},
      {"nsf", 5, autoregressive(R"({"type": "spline", "bins": 8})"), "/univariate/bins /univariate/bound" + net, true},
      {"naf", 3, autoregressive(R"({"type": "neural"})"), "/univariate/width /univariate/dense" + net, true},
      {"sospf", 3, autoregressive(R"({"type": "sum_of_squares"})"), "/univariate/degree /univariate/polynomials" + net, true},
      {"unaf", 3, autoregressive(R"({"type": "integral"})"), "/univariate/width /univariate/nodes" + net, true},
      {"bpf", 3, autoregressive(R"({"type": "bernstein"})"), "/univariate/degree /univariate/bound" + net, true},
      {"bnaf", 3, R"([{"type": "block_autoregressive", "hidden_factors": [32, 32]}])", "/hidden_factors /context", true},
      {"gf", 8, R"([{"type": "elementwise", "univariate": {"type": "mixture_cdf"}}, {"type": "rotation"}])",
       "/univariate/components" + net},
      {"ffjord", 1, R"([{"type": "continuous"}])", "/atol /rtol /trace /probes /context" + net},
      {"residual_flow", 8, R"([{"type": "residual"}, {"type": "act_norm"}])",
       "/lipschitz /log_det /terms /probes /context" + net},
  };
  return rows;
}

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) all.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return all;
}

}  // namespace

std::span<const std::string> presets() {
  static const std::vector<std::string> types = [] {
    std::vector<std::string> all;
    for (const Preset& preset : table()) all.push_back(preset.type);
    return all;
  }();
  return types;
}

std::vector<PresetLayer> write_out(const Json& written, const std::string& path) {
  const Preset& preset = *std::ranges::find(table(), written["type"].get<std::string>(), &Preset::type);
  config::Document document(written);
  document.alias("", path);
  const config::Node node = document.root();
  (void)node.has("type");
  const int transforms = node.integer("transforms", preset.transforms, 1, 1000);
  Json step = Json::parse(preset.step);
  std::vector<std::pair<std::string, std::string>> options;
  for (std::string& pointer : words(preset.options)) {
    std::string key = pointer.substr(pointer.rfind('/') + 1);
    if (node.has(key)) step[0][Json::json_pointer(pointer)] = written[key];
    options.emplace_back(std::move(pointer), std::move(key));
  }
  node.finish();
  document.check();

  std::vector<PresetLayer> layers;
  const auto append = [&](const Json& list) {
    for (const Json& layer : list) layers.push_back({layer, {}});
  };
  append(Json::parse(preset.first));
  for (int t = 0; t < transforms; ++t) {
    if (t > 0) append(Json::parse(preset.between));
    if (preset.turns) step[0]["order"] = t % 2 == 0 ? "given" : "reverse";
    const std::size_t main = layers.size();
    append(step);
    layers[main].options = options;
  }
  return layers;
}

}  // namespace flowfit::flow
