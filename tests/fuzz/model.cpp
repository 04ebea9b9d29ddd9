// Any bytes as a model file: a ModelError, or a model whose scores are numbers; the container reads back as it is written.
#include "flow/model.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "flow/archive.h"
#include "support/bounded.h"
#include "support/fuzz.h"

using namespace flowfit;

namespace {

void use(const flow::Model& model) {
  constexpr std::size_t rows = 3;
  const data::Columns context(model.schema().context.size(), {0.5, -1.0, 1e6});
  const data::Columns columns(model.schema().columns.size(), {0.25, -1e6, 1e300});
  core::ThreadPool pool(1);
  std::vector<double> scores(rows);
  model.log_prob(columns, context, scores, pool);
  for (const double score : scores) fuzz::must(!std::isnan(score), "the score of finite numbers is a number");
  (void)model.sample(1, 0, rows, context, pool);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const flow::Archive archive = flow::read_archive(fuzz::text(data, size), "model");
    const flow::Archive again = flow::read_archive(flow::write_archive(archive), "again");
    fuzz::must(again.tensors.size() == archive.tensors.size(), "the container reads back as it is written");
    for (std::size_t i = 0; i < again.tensors.size(); ++i)
      fuzz::must(again.tensors[i].name == archive.tensors[i].name && again.tensors[i].bytes == archive.tensors[i].bytes,
                 "the container reads back as it is written");
    const auto found = archive.metadata.find("config");
    if (found == archive.metadata.end()) return 0;
    try {
      if (!fuzz::bounded(config::parse_json(found->second, "config"))) return 0;
    } catch (const core::ConfigError&) {  // make_model has its own words for it
    }
    use(*flow::make_model(archive, "model"));
  } catch (const core::ModelError&) {
  }
  return 0;
}
